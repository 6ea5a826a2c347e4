import { check, holdsIf, probe, section, Unfit } from '../../../src/model/index.ts'
import { allRefused, attempt, forgeries, judged, turnedAway } from './attempts.ts'
import { acceptedJwt } from './jwt.ts'

const variants = probe('other spellings of a token', { over: 'http', requires: 'authorization' }, async (context) => {
  const { token } = await acceptedJwt(context)
  const [header, ...rest] = token.split('.')
  return attempt(context, token, {
    'with padding': `${token}==`,
    'with a fourth part': `${token}.e30`,
    'that ends in a full stop': `${token}.`,
    'with padding inside': `${header}=.${rest.join('.')}`,
  })
})

const twice = forgeries('tokens with duplicate claims', (right) => {
  const claims = JSON.stringify(right).slice(1)
  return {
    'with two subjects': { payload: `{"sub":"assay-somebody-else",${claims}` },
    'with two tenants': { payload: `{"tenant":"assay-other",${claims.slice(0, -1)},"tenant":${JSON.stringify(right.tenant ?? 'assay')}}` },
  }
})

const repeatedHeader = probe(
  'tokens with duplicate header members',
  { over: 'http', requires: ['authorization', 'forging issuer'] },
  async (context) => {
    const issuer = context.instruments.issuer!
    const { jwk } = await issuer.publicKey()
    const kid = JSON.stringify(jwk.kid)
    const heads = {
      'with two algorithms': `{"alg":"none","alg":"RS256","typ":"at+jwt","kid":${kid}}`,
      'with two key ids': `{"alg":"RS256","typ":"at+jwt","kid":"assay-unknown","kid":${kid}}`,
    }
    const wrong = await Promise.all(Object.entries(heads).map(async ([what, head]) => [what, await issuer.mint({ head })] as const))
    return attempt(context, await issuer.mint(), Object.fromEntries(wrong))
  },
)

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const nested = (depth: number): string => Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`).toString('base64url')

/** Tokens nobody has signed, which ask for work before that is found out. */
const costly = probe('tokens that ask for much work', { over: 'http', requires: 'authorization' }, async (context) => {
  const right = (await context.session()).token
  if (right === undefined) throw new Unfit('not-testable', 'needs an identity with a token')
  const filler = Buffer.alloc(48, 7).toString('base64url')
  const derived = { alg: 'PBES2-HS512+A256KW', enc: 'A128CBC-HS256', p2c: 2_147_483_647, p2s: filler }
  return attempt(context, right, {
    'that wants its key derived two thousand million times': [part(derived), filler, filler.slice(0, 22), filler, filler].join('.'),
    'that is encrypted and compressed': [part({ alg: 'dir', enc: 'A128GCM', zip: 'DEF' }), '', filler.slice(0, 16), filler, filler].join(
      '.',
    ),
    'whose claims are nested a thousand deep': `${part({ alg: 'RS256', typ: 'at+jwt' })}.${nested(1_000)}.${filler}`,
    'whose header is nested a thousand deep': `${nested(1_000)}.${part({ sub: 'assay' })}.${filler}`,
    'of a thousand parts': Array.from({ length: 1_000 }, () => 'e30').join('.'),
  })
})

/** Milliseconds in which a token that is no good is told apart. */
const patience = 2_000

export default section(
  {
    threat: 'forged-token',
    weakness: ['CWE-436', 'CWE-345', 'API2:2023'],
    spec: 'rfc7519',
    page: '4',
    revisions: '2025-03-26..',
    over: 'http',
    requires: 'authorization',
  },
  [
    check('tokens/spelling', {
      spec: 'rfc7515',
      page: '5.2',
      title: 'A token has one spelling only',
      policy: 'refuse a token in another spelling than the canonical one, which denies caches and revocation lists a second name for it',
      needs: { variants },
      judge: ({ variants }) => allRefused(variants),
      fix: 'Decode base64url strictly: no padding, no further parts.',
      weakness: ['CWE-180', 'CWE-345', 'API2:2023'],
    }),

    check('tokens/duplicate-claims', {
      title: 'A token that says a claim twice is refused',
      policy: 'refuse a token with duplicate claims, which two hops may read differently',
      needs: { twice },
      judge: ({ twice }) => allRefused(twice),
      fix: 'Parse the claims with a parser that refuses duplicate names.',
    }),

    check('tokens/duplicate-header', {
      spec: 'rfc7515',
      page: '4',
      title: 'A token that says a member of its header twice is refused',
      policy: 'refuse a token with duplicate members in its header, which two hops may read differently',
      needs: { repeatedHeader },
      judge: ({ repeatedHeader }) => allRefused(repeatedHeader),
      fix: 'Parse the header with a parser that refuses duplicate names.',
    }),

    check('tokens/costly', {
      spec: 'policy',
      page: 'tokens',
      title: 'A token makes nobody work before it is verified',
      policy: 'refuse tokens within two seconds that ask for key derivation, decompression or deep nesting',
      needs: { costly },
      judge: ({ costly }) =>
        judged(costly, (attempt) =>
          turnedAway(attempt).and(
            holdsIf(attempt.opening.ended - attempt.opening.started < patience, `spends its time on a token ${attempt.what}`, {
              expected: `an answer within ${patience} ms`,
              actual: `${Math.round(attempt.opening.ended - attempt.opening.started)} ms`,
              exchange: attempt.opening,
            }),
          ),
        ),
      fix: 'Look at the number of parts, the algorithm and the depth first; accept signed tokens alone.',
      weakness: ['CWE-400', 'CWE-409', 'CWE-770', 'API4:2023', 'LLM10:2025'],
      threat: 'exhaustion',
    }),
  ],
)
