import { check, controlled, holdsIf, probe, section } from '../../../src/model/index.ts'
import { type Attempts, allRefused, attempt, forgeries } from './attempts.ts'
import { acceptedJwt, encodeJwt, hmacJwt } from './jwt.ts'

const http = { over: 'http', requires: 'authorization' } as const

const mutated = probe('tokens changed after signing', http, async (context) => {
  const { token, jwt } = await acceptedJwt(context)
  const bytes = Buffer.from(jwt.signature, 'base64url')
  const flipped = Buffer.from(bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)))
  return attempt(context, token, {
    'with another signature': encodeJwt({ ...jwt, signature: flipped.toString('base64url') }),
    'for somebody else under the same signature': encodeJwt({ ...jwt, claims: { ...jwt.claims, sub: 'assay-somebody-else' } }),
    'that lives longer under the same signature': encodeJwt({ ...jwt, claims: { ...jwt.claims, exp: Number(jwt.claims.exp) + 60 } }),
    'with half a signature': encodeJwt({ ...jwt, signature: bytes.subarray(0, bytes.length / 2).toString('base64url') }),
  })
})

const unsigned = probe('tokens without a signature', http, async (context) => {
  const { token, jwt } = await acceptedJwt(context)
  return attempt(context, token, { 'whose signature is left out': encodeJwt({ ...jwt, signature: '' }) })
})

const algNone = probe('tokens with the algorithm none', http, async (context) => {
  const { token, jwt } = await acceptedJwt(context)
  const spelt = ['none', 'None', 'NONE', 'nOnE'].flatMap((alg) => {
    const header = { ...jwt.header, alg }
    return [
      [`with alg ${alg} and no signature`, encodeJwt({ ...jwt, header, signature: '' })],
      [`with alg ${alg} and the signature of another`, encodeJwt({ ...jwt, header })],
    ]
  })
  return attempt(context, token, Object.fromEntries(spelt))
})

const confused = forgeries('tokens signed with the public key as a secret', () => ({
  'whose HMAC key is the public key as PEM': { key: 'public-as-secret-pem' },
  'whose HMAC key is the public key as JWK': { key: 'public-as-secret-jwk' },
}))

const weak = probe('tokens under secrets anyone can guess', http, async (context) => {
  const { token, jwt } = await acceptedJwt(context)
  const secrets = ['', 'secret', 'password', 'changeme', 'your-256-bit-secret']
  return attempt(context, token, Object.fromEntries(secrets.map((secret) => [`signed with the secret "${secret}"`, hmacJwt(jwt, secret)])))
})

const unknownKey = forgeries('tokens signed with unknown keys', ({ iss }) => ({
  'signed with a key the issuer does not publish': { key: 'unknown' },
  'signed with an unknown key of no name': { key: 'unknown', header: { kid: undefined } },
  'that names no issuer': { key: 'unknown', claims: { iss: undefined } },
  'of an issuer nobody knows': { key: 'unknown', claims: { iss: `${iss}/assay-elsewhere` } },
}))

const borrowedName = probe(
  'tokens signed with an unknown key under the name of a known one',
  { over: 'http', requires: ['authorization', 'forging issuer'] },
  async (context) => {
    const issuer = context.instruments.issuer!
    const { jwk } = await issuer.publicKey()
    return attempt(context, await issuer.mint(), {
      'signed with an unknown key under the id of a known one': await issuer.mint({ key: 'unknown', header: { kid: jwk.kid } }),
    })
  },
)

const kids = [
  '../../../../../../dev/null',
  '/dev/null',
  "' UNION SELECT 'secret' -- ",
  '| id',
  '\u0000',
  'x'.repeat(4_096),
  '',
  '__proto__',
]

const injected = probe('tokens whose key id is an injection', http, async (context) => {
  const { token, jwt } = await acceptedJwt(context)
  const named = kids.flatMap((kid) =>
    ['', 'secret'].map((secret) => [
      `whose kid is ${JSON.stringify(kid).slice(0, 40)}, signed with the secret "${secret}"`,
      hmacJwt({ ...jwt, header: { ...jwt.header, kid } }, secret),
    ]),
  )
  return attempt(context, token, Object.fromEntries(named))
})

const embedded = probe('tokens that bring their key', { over: 'http', requires: ['authorization', 'forging issuer'] }, async (context) => {
  const issuer = context.instruments.issuer!
  const [inHeader, byJku, byX5u, known] = await Promise.all([
    issuer.mint({ key: 'unknown', header: { jwk: true } }),
    issuer.mint({ key: 'unknown', header: { jku: true } }),
    issuer.mint({ key: 'unknown', header: { x5u: true } }),
    issuer.mint({ header: { jku: true } }),
  ])
  const fetchedBefore = await issuer.strayHits()
  const attempts = await attempt(context, await issuer.mint(), {
    'that brings its own key': inHeader,
    'that says where its key is': byJku,
    'that says where its certificate is': byX5u,
  })
  const pointing = (await context.connect({ token: known, forged: true, hold: true })).opening
  return { ...attempts, pointing, fetched: (await issuer.strayHits()) - fetchedBefore }
})

const critical = forgeries('tokens with an unknown critical extension', () => ({
  'with a critical extension nobody knows': { header: { crit: ['urn:assay:unknown'], 'urn:assay:unknown': true } },
}))

const zero = forgeries('tokens with a zero ECDSA signature', () => ({
  'with an ECDSA signature of zeros': { alg: 'ES256', tamper: 'zero-signature' },
}))

const otherAlgorithm = forgeries('tokens signed with another algorithm than that of the key', () => ({
  'signed with RS384 by a key for RS256': { alg: 'RS384' },
  'signed with PS256 by a key for RS256': { alg: 'PS256' },
}))

const turnsAway = (title: string, needs: typeof mutated, fix: string) => ({
  title,
  needs: { attempts: needs },
  judge: ({ attempts }: { attempts: Attempts }) => allRefused(attempts),
  fix,
})

export default section(
  {
    threat: 'forged-token',
    weakness: ['CWE-347', 'API2:2023', 'MCP07:2025'],
    spec: 'mcp',
    page: 'basic/authorization#token-handling',
    revisions: '2025-03-26..',
    over: 'http',
    requires: 'authorization',
  },
  [
    check('tokens/signature', {
      ...turnsAway(
        'A token changed after signing is refused',
        mutated,
        'Verify the signature over the exact bytes received, before any claim is read.',
      ),
      must: 'validate tokens, and so refuse one that was changed after it was signed',
      covers: 'auth.rs.401',
    }),

    check('tokens/signature-missing', {
      ...turnsAway('A token without its signature is refused', unsigned, 'Refuse a token whose signature is empty.'),
      must: 'validate tokens, and so refuse one without its signature',
      covers: 'auth.rs.401',
    }),

    check('tokens/alg-none', {
      ...turnsAway(
        'The algorithm none is refused in any spelling',
        algNone,
        'Accept a fixed list of algorithms only; never take the choice from the token.',
      ),
      must: 'validate tokens, and so refuse one that says it needs no signature',
      weakness: ['CWE-347', 'CWE-757', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.401',
    }),

    check('tokens/key-confusion', {
      ...turnsAway(
        'The public key is no secret',
        confused,
        'Accept asymmetric algorithms only, and use each key with the algorithm it is for.',
      ),
      must: 'validate tokens, and so refuse one whose HMAC was made with the public key of the issuer',
      weakness: ['CWE-347', 'CWE-327', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.401',
    }),

    check('tokens/weak-secret', {
      ...turnsAway('Guessable secrets sign nothing', weak, 'Accept asymmetric algorithms only, or a secret of full entropy.'),
      must: 'validate tokens, and so refuse one signed with a secret that can be guessed',
      weakness: ['CWE-521', 'CWE-326', 'API2:2023', 'MCP07:2025'],
    }),

    check('tokens/unknown-key', {
      ...turnsAway(
        'A key the issuer does not publish signs nothing',
        unknownKey,
        'Take keys from the key set of the issuer the token names, and from nowhere else.',
      ),
      must: 'validate tokens, and so refuse one signed with a key its issuer does not publish',
      weakness: ['CWE-347', 'CWE-346', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.issuer',
    }),

    check('tokens/borrowed-key-id', {
      ...turnsAway('A known key id does not vouch for a signature', borrowedName, 'Verify the signature with the key that the id names.'),
      must: 'validate tokens, and so refuse one that names a known key but was signed with another',
    }),

    check('tokens/key-id-injection', {
      ...turnsAway(
        'A key id is looked up, not interpreted',
        injected,
        'Compare the key id with those of the key set; use it in no path, query or command.',
      ),
      must: 'validate tokens, and so refuse one whose key id leads to a key of the sender',
      weakness: ['CWE-22', 'CWE-89', 'CWE-347', 'API2:2023', 'MCP05:2025', 'MCP07:2025'],
    }),

    check('tokens/embedded-key', {
      ...turnsAway('A token does not bring its own key', embedded, 'Ignore jwk, jku, x5u and x5c, or refuse tokens that have them.'),
      must: 'validate tokens, and so refuse one signed with a key that the token itself brings or points to',
      weakness: ['CWE-347', 'CWE-290', 'API2:2023', 'MCP07:2025'],
    }),

    check('tokens/key-address', {
      spec: 'rfc8725',
      page: '3.10',
      title: 'Addresses in a token are not fetched',
      policy: 'fetch no address that a token names in jku or x5u',
      needs: { embedded },
      judge: ({ embedded: { before, after, fetched, pointing } }) =>
        controlled([before, after], () =>
          holdsIf(fetched === 0, 'fetches an address a token names', {
            expected: 'no request',
            actual: `${fetched} requests`,
            exchange: pointing,
          }),
        ),
      fix: 'Take keys from the configured address of the issuer only.',
      weakness: ['CWE-918', 'API7:2023'],
      threat: 'forged-request',
    }),

    check('tokens/critical-header', {
      ...turnsAway(
        'An unknown critical extension is refused',
        critical,
        'Refuse a token with a crit member unless every extension it lists is understood.',
      ),
      spec: 'rfc7515',
      page: '4.1.11',
      must: 'refuse a token that marks an extension as critical which the target does not understand',
    }),

    check('tokens/zero-signature', {
      ...turnsAway('A zero ECDSA signature is refused', zero, 'Update the cryptographic library: it must check that r and s are not zero.'),
      must: 'validate tokens, and so refuse an ECDSA signature of zeros, which a faulty library takes for valid',
      weakness: ['CWE-347', 'CWE-1395', 'API2:2023', 'MCP07:2025'],
    }),

    check('tokens/key-algorithm', {
      ...turnsAway(
        'A key serves the algorithm it is published for',
        otherAlgorithm,
        'Take the algorithm from the key, and refuse a token whose header says another.',
      ),
      spec: 'rfc8725',
      page: '3.1',
      policy: 'use each key with exactly one algorithm, and refuse a token that was signed with another',
      weakness: ['CWE-347', 'CWE-757', 'API2:2023', 'MCP07:2025'],
    }),
  ],
)
