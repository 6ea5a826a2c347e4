import {
  all,
  answered,
  bodyOf,
  broken,
  check,
  type Exchange,
  each,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { application, clientIn, type Json, listOf, registering } from '../registration/desk.ts'
import { askAs, operatorClient } from '../registration/token-request.ts'
import { authorizationUrl, isHonoured } from './authorization-request.ts'
import { read } from './documents.ts'

const form: [string, string][] = [
  ['Content-Type', 'application/x-www-form-urlencoded'],
  ['Accept', 'application/json'],
]

/** Requests that every endpoint refuses, whatever it asks of its callers. */
const nonsense: Record<string, (context: ProbeContext, url: string) => Promise<Exchange>> = {
  token_endpoint: ({ request }, url) =>
    request({ method: 'POST', url, headers: form, body: 'grant_type=urn%3Aassay%3Aunknown', authorize: false }),
  introspection_endpoint: ({ request }, url) => request({ method: 'POST', url, headers: form, body: 'token=assay', authorize: false }),
  revocation_endpoint: ({ request }, url) => request({ method: 'POST', url, headers: form, body: 'token=assay', authorize: false }),
  registration_endpoint: ({ request }, url) =>
    request({ method: 'POST', url, headers: [['Content-Type', 'application/json']], body: '[]', authorize: false }),
  jwks_uri: read,
}

const endpoints = probe('nonsense at every endpoint of the authorization server', async (context) => {
  const named = Object.keys(nonsense).filter((name) => mayBeAsked(context, context.facts.metadata![name]))
  return {
    asked: await Promise.all(
      named.map(async (name) => ({ name, exchange: await nonsense[name]!(context, String(context.facts.metadata![name])) })),
    ),
  }
})

/** Grants that need no request of their own to be known: they begin elsewhere. */
const elsewhere = ['implicit']
const mostGrants = 20

const grants = probe('every grant the metadata names', { requires: 'client' }, async (context) => {
  const named = (listOf(context.facts.metadata!.grant_types_supported) ?? []).filter((grant) => !elsewhere.includes(grant))
  const client = operatorClient(context)
  const ask = async (grant: string) => ({ grant, exchange: await askAs(context, client, { grant_type: grant }) })
  return { asked: await Promise.all(named.slice(0, mostGrants).map(ask)) }
})

const answers = registering(
  'an authorization request that ends in an error',
  async (desk, context) => {
    const client = await desk.client()
    const [redirectUri] = listOf(application.redirect_uris)!
    const url = authorizationUrl(context, client.clientId, redirectUri!, { prompt: 'none', scope: 'openid' })
    const refused = authorizationUrl(context, client.clientId, redirectUri!, { response_type: 'assay' })
    return { asked: [await read(context, url), await read(context, refused)], redirectUri: redirectUri! }
  },
  { requires: 'authorization code' },
)

const publicClients = registering('a client without a secret', async (desk) => ({
  registered: await desk.register({ ...application, token_endpoint_auth_method: 'none' }),
}))

const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'authorization-server-metadata',
    revisions: '2025-03-26..',
    weakness: ['CWE-684', 'API8:2023'],
    threat: 'false-metadata',
  },
  [
    check('authority/endpoints', {
      title: 'Every endpoint the metadata names is there',
      policy: 'answer at each endpoint it names, with something else than that nothing is there',
      needs: { endpoints },
      judge: ({ endpoints: { asked } }) =>
        each(asked, 'the metadata names no endpoint that may be asked', ({ name, exchange }) =>
          answered(exchange, () =>
            holdsIf(![404, 405, 410, 501].includes(statusOf(exchange)!), `names a ${name} at which nothing is`, {
              expected: 'an answer of the endpoint',
              actual: summaryOf(exchange),
              exchange,
            }),
          ),
        ),
      fix: 'Leave members out of the metadata whose feature is switched off.',
    }),

    check('authority/grants', {
      requires: 'client',
      title: 'Every grant the metadata names is known',
      policy: 'know every grant its metadata names, whether or not a client may use it',
      needs: { grants },
      judge: ({ grants: { asked } }) =>
        each(asked, 'the metadata names no grants', ({ grant, exchange }) =>
          answered(exchange, () => {
            const error = bodyOf(exchange)?.error
            if (error === 'invalid_client') return inconclusive('the client that was given is not let in', exchange)
            return holdsIf(error !== 'unsupported_grant_type', `names the grant ${grant} and does not know it`, {
              expected: 'any answer but unsupported_grant_type',
              actual: summaryOf(exchange),
              exchange,
            })
          }),
        ),
      fix: 'List in grant_types_supported what the token endpoint takes.',
    }),

    check('authority/public-clients', {
      requires: 'registration',
      title: 'Where clients without a secret are registered, the metadata says so',
      policy: 'name none among its authentication methods when it registers clients that have no secret',
      needs: { publicClients },
      judge: ({ publicClients: { registered } }, { metadata }) =>
        answered(registered, () => {
          if (clientIn(registered)?.said.token_endpoint_auth_method !== 'none')
            return notApplicable('clients without a secret are not registered')
          const methods = listOf(metadata!.token_endpoint_auth_methods_supported) ?? ['client_secret_basic']
          return holdsIf(methods.includes('none'), 'registers clients without a secret, and does not say so', {
            expected: 'none in token_endpoint_auth_methods_supported',
            actual: methods.join(', '),
            exchange: registered,
          })
        }),
      fix: 'Add none to token_endpoint_auth_methods_supported, or register no public clients.',
    }),

    check('authority/issuer-flag', {
      spec: 'rfc9207',
      page: '2.3',
      requires: ['registration', 'authorization code'],
      title: 'A server that names itself in its answers says so in its metadata',
      must: 'set authorization_response_iss_parameter_supported when it sends iss in authorization responses',
      needs: { answers },
      judge: ({ answers: { asked, redirectUri } }, { metadata }) => {
        const sent = asked.filter((exchange) => isHonoured(exchange, redirectUri))
        if (sent.length === 0) return notApplicable('no error was sent to the client')
        const named = sent.find((exchange) => URL.parse(headerOf(exchange, 'location')!)?.searchParams.has('iss'))
        if (named === undefined) return notApplicable('authorization responses do not have the parameter iss')
        return holdsIf(metadata!.authorization_response_iss_parameter_supported === true, 'sends iss and does not say that it does', {
          expected: 'authorization_response_iss_parameter_supported: true',
          actual: metadata!.authorization_response_iss_parameter_supported ?? 'no such member',
          exchange: named,
        })
      },
      fix: 'Publish `"authorization_response_iss_parameter_supported": true`, so that clients insist on iss.',
      weakness: ['CWE-346', 'API2:2023'],
    }),

    check('authority/key-set', {
      title: 'The key set holds keys',
      policy: 'serve at jwks_uri a key set with at least one key, each with its kty',
      needs: { endpoints },
      judge: ({ endpoints }) =>
        keySet(endpoints, (keys, exchange) =>
          holdsIf(keys.length > 0 && keys.every((key) => typeof key.kty === 'string'), 'serves a key set in which there are no keys', {
            expected: '{"keys":[{"kty":…}]}',
            actual: summaryOf(exchange),
            exchange,
          }),
        ),
      fix: 'Serve the public signing keys as a JSON Web Key Set.',
    }),

    check('authority/private-keys', {
      title: 'The key set holds public keys only',
      policy: 'publish no private or symmetric key',
      needs: { endpoints },
      judge: ({ endpoints }) =>
        keySet(endpoints, (keys, exchange) => {
          const open = keys.filter((key) => secretMembers.some((member) => member in key))
          // The exchange would carry the key along: its kid has to do.
          return open.length === 0
            ? holds
            : broken('publishes keys with which anybody can sign tokens', {
                expected: 'public members only',
                actual: `private members in ${open.map((key) => `the key ${key.kid ?? 'without a kid'}`).join(', ')} at ${exchange.request.url}`,
              })
        }),
      fix: 'Withdraw these keys at once, and publish the public part of new ones.',
      weakness: ['CWE-522', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('authority/key-use', {
      spec: 'rfc8414',
      page: '2',
      title: 'Where keys of both uses are published, each says which it is for',
      must: 'give every key its use when keys for signing and for encryption are published together',
      needs: { endpoints },
      judge: ({ endpoints }) =>
        keySet(endpoints, (keys, exchange) =>
          keys.some(({ use }) => use === 'enc')
            ? holdsIf(
                keys.every(({ use }) => typeof use === 'string'),
                'publishes keys that do not say what they are for',
                {
                  expected: 'use: "sig" or "enc" in every key',
                  actual: keys.map(({ kid, use }) => `${kid}: ${use}`).join(', '),
                  exchange,
                },
              )
            : notApplicable('there are no keys for encryption'),
        ),
      fix: 'Add `use` to every key.',
    }),
  ],
)

function keySet(
  { asked }: { asked: { name: string; exchange: Exchange }[] },
  judge: (keys: Json[], exchange: Exchange) => Judgement,
): Judgement {
  const found = asked.find(({ name }) => name === 'jwks_uri')
  if (found === undefined) return notApplicable('the metadata names no jwks_uri')
  const { exchange } = found
  return answered(exchange, () => {
    const keys = statusOf(exchange) === 200 ? bodyOf(exchange)?.keys : undefined
    const those = Array.isArray(keys) ? keys.filter((key) => typeof key === 'object' && key !== null) : []
    return all([judge(those as Json[], exchange)])
  })
}

// The metadata may name anything: the harness asks nothing near it without TLS.
const mayBeAsked = ({ facts }: ProbeContext, named: unknown): boolean => {
  const url = typeof named === 'string' ? URL.parse(named) : null
  return url !== null && (url.protocol === 'https:' || url.origin === new URL(facts.url).origin)
}
