import {
  all,
  answered,
  broken,
  check,
  type Exchange,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { application, type Client, clientIn, listOf, registering } from './desk.ts'

/** Two clients that have nothing in common but who registers them. */
const registered = registering('two clients that are registered', async (desk, context) => {
  const one = await desk.register({ ...application, client_name: 'Assay one' })
  const other = await desk.register({ ...application, client_name: 'Assay twin', redirect_uris: ['http://127.0.0.1:8788/callback'] })
  const both = [clientIn(one), clientIn(other)].filter((client) => client !== undefined)
  const read = both[0]?.place === undefined || !both[0].token ? null : await desk.manage(both[0], 'GET')
  return { one, other, read, bits: both.map(({ secret }) => (secret === undefined ? null : bitsOf(context.reveal(secret)))) }
})

/** What a guesser would have to know of a text of this length and these characters, at most. */
function bitsOf(secret: string): number {
  const kinds: [RegExp, number][] = [
    [/[0-9]/, 10],
    [/[a-f]/, 6],
    [/[g-z]/, 20],
    [/[A-Z]/, 26],
    [/[^0-9a-zA-Z]/, 4],
  ]
  const alphabet = kinds.reduce((sum, [kind, size]) => sum + (kind.test(secret) ? size : 0), 0)
  return Math.floor(secret.length * Math.log2(Math.max(alphabet, 1)))
}

/** RFC 6749 10.10: a probability of guessing of at most 2 to the power of -128. */
const enoughBits = 128

/** Credentials and their dates are given back, not registered. */
const isMetadata = (name: string): boolean => !/^(client_id|client_secret|registration_)/.test(name)

const ofClient = (exchange: Exchange, judge: (client: Client) => Judgement): Judgement =>
  answered(exchange, () => {
    const client = clientIn(exchange)
    return client === undefined ? inconclusive(`no client was registered: ${summaryOf(exchange)}`, exchange) : judge(client)
  })

const ofSecret = (exchange: Exchange, judge: (client: Client & { secret: string }) => Judgement): Judgement =>
  ofClient(exchange, (client) =>
    client.secret === undefined ? notApplicable('the client has no secret') : judge({ ...client, secret: client.secret }),
  )

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc7591',
    page: '3.2.1',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: 'API8:2023',
    threat: 'rogue-registration',
  },
  [
    check('registration/response', {
      title: 'A registration is answered with 201 and the client',
      must: 'answer a registration with 201 and a JSON object that holds the client_id',
      needs: { registered },
      judge: ({ registered: { one } }) =>
        ofClient(one, () =>
          holdsIf(statusOf(one) === 201 && mediaTypeOf(one) === 'application/json', 'answers a registration otherwise', {
            expected: 'HTTP 201, application/json',
            actual: `HTTP ${statusOf(one)}, ${mediaTypeOf(one) || 'no Content-Type'}`,
            exchange: one,
          }),
        ),
      fix: 'Answer 201 with the client information response, as application/json.',
    }),

    check('registration/secret-expiry', {
      title: 'A secret comes with the time of its end',
      must: 'say with client_secret_expires_at when a secret it issues expires, 0 for never',
      needs: { registered },
      judge: ({ registered: { one } }) =>
        ofSecret(one, ({ said }) =>
          holdsIf(typeof said.client_secret_expires_at === 'number', 'issues a secret without saying when it expires', {
            expected: 'client_secret_expires_at: 0, or seconds since 1970',
            actual: said.client_secret_expires_at ?? 'no such member',
            exchange: one,
          }),
        ),
      fix: 'Add client_secret_expires_at to every response that has a client_secret.',
      weakness: ['CWE-324', 'API2:2023'],
    }),

    check('registration/echo', {
      title: 'The response says what was registered',
      must: 'return all metadata it has registered about the client',
      needs: { registered },
      judge: ({ registered: { one, read } }) =>
        ofClient(one, ({ said }) => {
          const kept = (read && clientIn(read)?.said) ?? {}
          const hidden = Object.keys(kept).filter((name) => isMetadata(name) && !(name in said) && kept[name] !== null && kept[name] !== '')
          if (hidden.length > 0)
            return broken(`keeps more than it says: ${hidden.join(', ')}`, {
              expected: Object.keys(kept).join(', '),
              actual: Object.keys(said).join(', '),
              exchange: one,
            })
          return holdsIf((listOf(said.redirect_uris) ?? []).length > 0, 'does not say which redirect URIs it has registered', {
            expected: application.redirect_uris,
            actual: said.redirect_uris ?? 'no such member',
            exchange: one,
          })
        }),
      fix: 'Answer with the metadata as it is stored, defaults and replaced values included.',
      weakness: 'API3:2023',
    }),

    check('registration/unique-id', {
      should: 'not issue the client_id of another client that is registered',
      title: 'Two clients have two ids',
      needs: { registered },
      judge: ({ registered: { one, other } }) =>
        ofClient(one, ({ clientId }) =>
          ofClient(other, (twin) =>
            holdsIf(clientId !== twin.clientId, 'gives two clients with different redirect URIs the same id', {
              expected: 'two ids',
              actual: clientId,
              exchange: other,
            }),
          ),
        ),
      fix: 'Make a new id for each registration.',
      weakness: 'API2:2023',
      threat: 'client-takeover',
    }),

    check('registration/unique-secret', {
      page: '5',
      should: 'not issue the same secret to two clients',
      title: 'Two clients have two secrets',
      needs: { registered },
      judge: ({ registered: { one, other } }) =>
        ofSecret(one, ({ secret }) =>
          ofSecret(other, (twin) => holdsIf(secret !== twin.secret, 'gives two clients the same secret', { exchange: other })),
        ),
      fix: 'Make a new secret for each registration.',
      weakness: ['CWE-798', 'API2:2023'],
      threat: 'client-takeover',
    }),

    check('registration/secret-entropy', {
      spec: 'rfc6749',
      page: '10.10',
      title: 'Secrets cannot be guessed',
      must: 'issue secrets that are guessed with a probability of at most 2 to the power of -128',
      needs: { registered },
      judge: ({ registered: { one, bits } }) =>
        ofSecret(one, () =>
          all(
            bits.map((each) =>
              each === null
                ? holds
                : holdsIf(each >= enoughBits, 'issues secrets that are too short', {
                    expected: `${enoughBits} bits or more`,
                    actual: `at most ${each} bits`,
                    exchange: one,
                  }),
            ),
          ),
        ),
      fix: 'Make secrets of 32 random bytes.',
      weakness: ['CWE-331', 'API2:2023'],
      threat: 'credential-guessing',
    }),

    check('registration/no-store', {
      spec: 'policy',
      page: 'registration',
      title: 'Answers with secrets are not stored',
      policy: 'forbid with Cache-Control: no-store that an answer with credentials is stored',
      needs: { registered },
      judge: ({ registered: { one, read } }) =>
        all([one, ...(read ? [read] : [])].map((exchange) => ofClient(exchange, ({ secret, token }) => stored(exchange, secret ?? token)))),
      fix: 'Send `Cache-Control: no-store` with every client information response.',
      weakness: ['CWE-524', 'CWE-525', 'API8:2023'],
      threat: 'token-theft',
    }),
  ],
)

function stored(exchange: Exchange, credential: string | undefined): Judgement {
  if (credential === undefined) return notApplicable('the answer carries no credential')
  const field = headerOf(exchange, 'cache-control')
  return holdsIf(/no-store/i.test(field ?? ''), 'lets answers with credentials be stored', {
    expected: 'Cache-Control: no-store',
    actual: field ?? 'no Cache-Control',
    exchange,
  })
}
