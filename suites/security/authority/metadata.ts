import {
  all,
  answered,
  broken,
  check,
  headerOf,
  holds,
  holdsIf,
  type Judgement,
  mediaTypeOf,
  metadataUrls,
  notApplicable,
  probe,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { type Json, listOf } from '../registration/desk.ts'
import { documentIn, documents, eachDocument, published, read } from './documents.ts'

const spoofed = 'assay-spoofed.example'

const spoofs = probe('metadata of the authorization server under another name', async (context) => {
  const [found] = published(await context.use(documents))
  const url = found?.request.url ?? metadataUrls(context.facts.url)[0]!
  const fields: [string, string][][] = [
    [
      ['X-Forwarded-Host', spoofed],
      ['X-Forwarded-Server', spoofed],
      ['X-Original-Host', spoofed],
      ['Forwarded', `host=${spoofed};proto=https`],
    ],
    [['Host', spoofed]],
  ]
  return { before: await read(context, url), asked: await Promise.all(fields.map((headers) => read(context, url, headers))) }
})

const pages = probe('metadata of the authorization server for a page of another site', async (context) => {
  const [found] = published(await context.use(documents))
  return {
    asked: await read(context, found?.request.url ?? metadataUrls(context.facts.url)[0]!, [['Origin', 'https://assay-page.example']]),
  }
})

/** Members that say where to send credentials; two documents that differ in them are two servers. */
const decisive = ['issuer', 'authorization_endpoint', 'token_endpoint', 'registration_endpoint', 'jwks_uri', 'revocation_endpoint']

const lists = [
  'scopes_supported',
  'response_types_supported',
  'response_modes_supported',
  'grant_types_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'code_challenge_methods_supported',
]

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'jwks_uri',
]

const assertions = ['private_key_jwt', 'client_secret_jwt']

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc8414',
    page: '2',
    revisions: '2025-03-26..',
    weakness: 'API8:2023',
    threat: 'false-metadata',
  },
  [
    check('authority/document', {
      page: '3.2',
      title: 'Metadata is JSON and says so',
      must: 'answer with status 200 and a JSON object of the type application/json',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, (_, exchange) =>
          holdsIf(mediaTypeOf(exchange) === 'application/json', 'serves its metadata as another media type', {
            expected: 'application/json',
            actual: mediaTypeOf(exchange),
            exchange,
          }),
        ),
      fix: 'Send the metadata with `Content-Type: application/json`.',
      weakness: ['API9:2023'],
    }),

    check('authority/issuer', {
      page: '3.3',
      title: 'The metadata is that of the issuer',
      must: 'name as issuer exactly the identifier from which the address of the metadata was made',
      needs: { documents },
      judge: ({ documents }, { url }) =>
        eachDocument(documents, ({ issuer }, exchange) =>
          holdsIf(issuer === url, 'names another issuer', { expected: url, actual: issuer, exchange }),
        ),
      fix: 'Configure one issuer, and publish it letter by letter as clients are told it, without adding or dropping a slash.',
      weakness: ['CWE-346', 'API2:2023', 'MCP07:2025'],
    }),

    check('authority/required-members', {
      title: 'The metadata holds what clients cannot do without',
      must: 'name its issuer, its endpoints and its response types, each in the form that is asked for',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, (document, exchange) => {
          const missing = missingIn(document)
          return holdsIf(missing.length === 0, `its metadata lacks ${missing.join(', ')}, or has it in another form`, {
            expected: 'issuer, authorization_endpoint, token_endpoint, response_types_supported',
            actual: Object.keys(document).join(', '),
            exchange,
          })
        }),
      fix: 'Publish issuer, authorization_endpoint, token_endpoint as URLs and response_types_supported as a list.',
    }),

    check('authority/issuer-form', {
      title: 'The issuer is a URL without query and fragment',
      must: 'use as issuer a URL that has no query or fragment components',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, ({ issuer }, exchange) =>
          holdsIf(URL.canParse(String(issuer)) && !/[?#]/.test(String(issuer)), 'its issuer has a query or a fragment, or is no URL', {
            expected: 'https://host/path',
            actual: issuer,
            exchange,
          }),
        ),
      fix: 'Choose an issuer that is a plain https URL.',
    }),

    check('authority/empty-lists', {
      page: '3.2',
      title: 'Metadata says nothing with an empty list',
      must: 'leave out members that would have no elements',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, (document, exchange) => {
          const empty = Object.entries(document).filter(([, value]) => Array.isArray(value) && value.length === 0)
          return holdsIf(empty.length === 0, `its metadata has empty lists: ${empty.map(([name]) => name).join(', ')}`, { exchange })
        }),
      fix: 'Leave a member out where it would be an empty list.',
    }),

    check('authority/lists', {
      page: '3.2',
      title: 'Members with several values are lists',
      must: 'represent members that return multiple values as JSON arrays',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, (document, exchange) => {
          const wrong = lists.filter((name) => document[name] !== undefined && !isTexts(document[name]))
          return holdsIf(wrong.length === 0, `its metadata has other things than lists of strings: ${wrong.join(', ')}`, {
            actual: wrong.map((name) => `${name}: ${JSON.stringify(document[name])}`).join(', '),
            exchange,
          })
        }),
      fix: 'Publish lists of strings, also where there is one value only.',
    }),

    check('authority/assertion-algorithms', {
      title: 'Where JWTs authenticate clients, the algorithms are named, and none is not among them',
      must: 'name the algorithms for private_key_jwt and client_secret_jwt where it supports them, and never none',
      needs: { documents },
      judge: ({ documents }) =>
        all(
          published(documents).flatMap((exchange) =>
            ['token', 'revocation', 'introspection'].map((endpoint) => algorithms(documentIn(exchange)!, endpoint)),
          ),
        ),
      fix: 'Publish token_endpoint_auth_signing_alg_values_supported, and refuse unsigned assertions.',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('authority/https', {
      spec: 'mcp',
      page: 'basic/authorization#communication-security',
      movedTo: 'basic/authorization/security-considerations#communication-security',
      title: 'Every endpoint is served with TLS',
      must: 'serve all its endpoints over HTTPS',
      needs: { documents },
      judge: ({ documents }, { local }) =>
        eachDocument(documents, (document, exchange) => {
          const plain = ['issuer', ...endpoints].filter((name) => isPlain(document[name], local))
          return holdsIf(plain.length === 0, `names endpoints without TLS: ${plain.join(', ')}`, {
            expected: 'https://…',
            actual: plain.map((name) => document[name]).join(', '),
            exchange,
          })
        }),
      fix: 'Serve all endpoints with TLS, and tell the server its public address when a proxy ends TLS for it.',
      weakness: ['CWE-319', 'API8:2023'],
      threat: 'exposed-channel',
    }),

    check('authority/pkce', {
      spec: 'mcp',
      page: 'basic/authorization#authorization-code-protection',
      movedTo: 'basic/authorization/security-considerations#authorization-code-protection',
      revisions: '2025-11-25..',
      requires: 'authorization code',
      title: 'The metadata says that PKCE is supported',
      must: 'include code_challenge_methods_supported in the metadata, without which clients refuse to go on',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, (document, exchange) =>
          holdsIf((listOf(document.code_challenge_methods_supported) ?? []).length > 0, 'does not say that it supports PKCE', {
            expected: 'code_challenge_methods_supported: ["S256"]',
            actual: document.code_challenge_methods_supported ?? 'no such member',
            exchange,
          }),
        ),
      fix: 'Publish `"code_challenge_methods_supported": ["S256"]`, also in the OpenID Connect metadata.',
      weakness: ['CWE-757', 'API2:2023'],
      threat: 'code-interception',
    }),

    check('authority/pkce-method', {
      spec: 'rfc7636',
      page: '4.2',
      requires: 'authorization code',
      title: 'The code challenge method S256 is supported',
      must: 'support S256, which is mandatory to implement',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, ({ code_challenge_methods_supported: methods }, exchange) =>
          methods === undefined
            ? notApplicable('the metadata says nothing about code challenges')
            : holdsIf((listOf(methods) ?? []).includes('S256'), 'does not support S256', { expected: 'S256', actual: methods, exchange }),
        ),
      fix: 'Support S256 and publish it.',
      weakness: ['CWE-757', 'API2:2023'],
      threat: 'code-interception',
    }),

    check('authority/pkce-plain', {
      spec: 'policy',
      page: 'authorization-server-metadata',
      requires: 'authorization code',
      title: 'The code challenge method plain is not offered',
      policy: 'not offer the code challenge method plain, which protects nothing against who sees the request',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, ({ code_challenge_methods_supported: methods }, exchange) =>
          holdsIf(!(listOf(methods) ?? []).includes('plain'), 'offers the code challenge method plain', {
            expected: 'S256 alone',
            actual: methods,
            exchange,
          }),
        ),
      fix: 'Offer S256 alone.',
      weakness: ['CWE-757', 'API2:2023'],
      threat: 'code-interception',
    }),

    check('authority/legacy-grants', {
      spec: 'oauth-2.1',
      page: '10.1',
      title: 'Grants that OAuth 2.1 has dropped are not offered',
      policy: 'offer neither the implicit grant nor that of passwords',
      needs: { documents },
      judge: ({ documents }) =>
        eachDocument(documents, ({ grant_types_supported: grants }, exchange) => {
          const legacy = (listOf(grants) ?? []).filter((grant) => grant === 'implicit' || grant === 'password')
          return holdsIf(legacy.length === 0, `offers grants that are given up: ${legacy.join(', ')}`, {
            expected: 'no implicit, no password',
            actual: grants,
            exchange,
          })
        }),
      fix: 'Switch the implicit and the password grant off for the whole server.',
      weakness: ['CWE-1188', 'API2:2023'],
      threat: 'token-theft',
    }),

    check('authority/same-metadata', {
      spec: 'policy',
      page: 'authorization-server-metadata',
      title: 'Every well-known address says the same',
      policy: 'name the same issuer and endpoints at every well-known address',
      needs: { documents },
      judge: ({ documents }) => {
        const [first, ...others] = published(documents)
        if (others.length === 0) return notApplicable('there is metadata at one address only')
        return all(others.map((other) => saysTheSame(documentIn(first!)!, documentIn(other)!, other.request.url)))
      },
      fix: 'Serve one document at all well-known addresses.',
      weakness: ['CWE-346', 'API8:2023'],
    }),

    check('authority/spoofed-host', {
      spec: 'policy',
      page: 'authorization-server-metadata',
      title: 'The metadata does not depend on what the request says of its host',
      policy: 'build issuer and endpoints from its configuration, not from what the request says of its host',
      needs: { spoofs },
      judge: ({ spoofs: { before, asked } }) => {
        if (documentIn(before) === undefined) return notApplicable('the metadata is not there')
        return all(
          asked.map((exchange) =>
            answered(exchange, () =>
              holdsIf(
                !`${exchange.response?.body} ${headerOf(exchange, 'location')}`.includes(spoofed),
                'repeats the host that a request gave it',
                { expected: 'its own host', actual: summaryOf(exchange), exchange },
              ),
            ),
          ),
        )
      },
      fix: 'Configure the public address; believe forwarded fields only from the proxy that sets them.',
      weakness: ['CWE-348', 'CWE-644', 'API8:2023', 'MCP07:2025'],
    }),

    check('authority/cross-origin', {
      spec: 'policy',
      page: 'authorization-server-metadata',
      title: 'Pages in a browser may read the metadata',
      policy: 'let pages of any origin read the metadata, which is public',
      needs: { pages },
      judge: ({ pages: { asked } }) =>
        answered(asked, () => {
          const allowed = headerOf(asked, 'access-control-allow-origin')
          return holdsIf(allowed !== undefined, 'keeps clients in a browser from reading the metadata', {
            expected: 'Access-Control-Allow-Origin: *',
            actual: allowed ?? 'no Access-Control-Allow-Origin',
            exchange: asked,
          })
        }),
      fix: 'Send `Access-Control-Allow-Origin: *` with the metadata.',
    }),
  ],
)

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'string')

function missingIn(document: Json): string[] {
  const grants = listOf(document.grant_types_supported) ?? ['authorization_code', 'implicit']
  const needsPage = grants.some((grant) => grant === 'authorization_code' || grant === 'implicit')
  const needsToken = grants.some((grant) => grant !== 'implicit')
  const urls = ['issuer', ...(needsPage ? ['authorization_endpoint'] : []), ...(needsToken ? ['token_endpoint'] : [])]
  return [
    ...urls.filter((name) => typeof document[name] !== 'string' || !URL.canParse(document[name])),
    ...(document.response_types_supported === undefined ? ['response_types_supported'] : []),
  ]
}

/** Plain HTTP, other than among programs of one machine. */
function isPlain(value: unknown, local: boolean): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null
  return url?.protocol === 'http:' && !(local && /^(127\.|localhost$|\[::1\]$|10\.|192\.168\.)/.test(url.hostname))
}

function algorithms(document: Json, endpoint: string): Judgement {
  const methods = listOf(document[`${endpoint}_endpoint_auth_methods_supported`]) ?? []
  const named = listOf(document[`${endpoint}_endpoint_auth_signing_alg_values_supported`])
  if (named?.some((alg) => alg.toLowerCase() === 'none'))
    return broken(`takes unsigned assertions at the ${endpoint} endpoint`, { expected: 'no none', actual: named.join(', ') })
  if (!methods.some((method) => assertions.includes(method)))
    return notApplicable('no endpoint takes JWTs for the authentication of clients')
  return holdsIf(named !== undefined, `does not say which algorithms assertions at the ${endpoint} endpoint may have`, {
    expected: `${endpoint}_endpoint_auth_signing_alg_values_supported`,
    actual: methods.join(', '),
  })
}

function saysTheSame(one: Json, other: Json, url: string): Judgement {
  const differs = decisive.filter((name) => one[name] !== undefined && other[name] !== undefined && one[name] !== other[name])
  return differs.length === 0
    ? holds
    : broken(`says something else at ${url}: ${differs.join(', ')}`, {
        expected: differs.map((name) => one[name]).join(', '),
        actual: differs.map((name) => other[name]).join(', '),
      })
}
