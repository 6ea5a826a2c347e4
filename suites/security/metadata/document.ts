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
  mediaTypeOf,
  notApplicable,
  type ProbeContext,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { bearerOf } from '../challenge.ts'
import { again } from '../tokens/attempts.ts'
import { challengeOf, challenges } from './challenge.ts'

type Json = Record<string, unknown>

const wellKnown = '/.well-known/oauth-protected-resource'

const ask = ({ request }: ProbeContext, url: string, headers: [string, string][] = []) =>
  request({ method: 'GET', url, authorize: false, headers: [['Accept', 'application/json'], ...headers] })

const documents = probe('the metadata of the resource', { over: 'http', requires: 'authorization' }, async (context) => {
  const { without } = await context.use(challenges)
  const endpoint = new URL(context.facts.url)
  const named = bearerOf(challengeOf(without))?.parameters.resource_metadata
  const places = [`${endpoint.origin}${wellKnown}${endpoint.pathname.replace(/\/$/, '')}`, `${endpoint.origin}${wellKnown}`]
  const [header, ...found] = await Promise.all([
    named !== undefined && mayBeAsked(named, endpoint) ? ask(context, named) : null,
    ...[...new Set(places)].map((url) => ask(context, url)),
  ])
  return { named: named ?? null, header: header ?? null, found: found as Exchange[] }
})

// A target could otherwise send the harness to whatever is near it.
const mayBeAsked = (named: string, endpoint: URL): boolean => {
  const url = URL.parse(named)
  return url !== null && (url.protocol === 'https:' || url.origin === endpoint.origin)
}

const spoofed = 'assay-spoofed.example'

const spoofs = probe('metadata asked for under another name', { over: 'http', requires: 'authorization' }, async (context) => {
  const { without } = await context.use(challenges)
  const { header, found } = await context.use(documents)
  const published = [header, ...found].find((exchange) => exchange !== null && documentOf(exchange) !== undefined)
  const fields: [string, string][][] = [
    [
      ['X-Forwarded-Host', spoofed],
      ['X-Forwarded-Server', spoofed],
      ['X-Original-Host', spoofed],
      ['Forwarded', `host=${spoofed};proto=https`],
    ],
    [['Host', spoofed]],
  ]
  const asked = await Promise.all(
    fields.flatMap((headers) => [
      again(context, without, { headers }),
      ...(published ? [ask(context, published.request.url, headers)] : []),
    ]),
  )
  return { without, asked }
})

const pages = probe('metadata asked for by a page of another site', { over: 'http', requires: 'authorization' }, async (context) => {
  const { header, found } = await context.use(documents)
  const published = [header, ...found].find((exchange) => exchange !== null && documentOf(exchange) !== undefined)
  return { asked: published ? await ask(context, published.request.url, [['Origin', 'https://assay-page.example']]) : null }
})

type Documents = { named: string | null; header: Exchange | null; found: Exchange[] }

/** The metadata in an answer, or undefined when it is none. */
const documentOf = (exchange: Exchange): Json | undefined => (statusOf(exchange) === 200 ? bodyOf(exchange) : undefined)

const published = ({ header, found }: Documents): Exchange[] =>
  [header, ...found].filter((exchange) => exchange !== null && documentOf(exchange) !== undefined) as Exchange[]

/** What a member of the metadata of the resource says, wherever it is published. */
export async function memberOfMetadata({ use }: ProbeContext, name: string): Promise<unknown> {
  return published(await use(documents))
    .map((exchange) => documentOf(exchange)![name])
    .find((value) => value !== undefined)
}

const missing = notApplicable('the target publishes no metadata')

const judged = (documents: Documents, judge: (document: Json, exchange: Exchange) => Judgement): Judgement => {
  const those = published(documents)
  return those.length === 0 ? missing : all(those.map((exchange) => judge(documentOf(exchange)!, exchange)))
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [])

export default section(
  {
    threat: 'false-metadata',
    weakness: 'API9:2023',
    spec: 'mcp',
    page: 'basic/authorization#authorization-server-location',
    movedTo: 'basic/authorization/authorization-server-discovery#authorization-server-location',
    revisions: '2025-06-18..',
    over: 'http',
    requires: 'authorization',
  },
  [
    check('metadata/document', {
      title: 'The metadata of the resource is served to anyone',
      must: 'implement protected resource metadata: JSON with status 200, where the challenge or the well-known address says, without a token',
      needs: { documents },
      judge: ({ documents }) => {
        const { named, header, found } = documents
        if (named !== null && header === null)
          return inconclusive(`the metadata is said to be at ${named}, which is not asked: it is on another origin, without TLS`)
        // Where the challenge names a place the document is there; else it is at one of the well-known ones.
        if (header !== null) return isDocument(header)
        const at = found.find((exchange) => statusOf(exchange) === 200) ?? found[0]!
        return isDocument(at)
      },
      fix: 'Serve the document at the well-known address of the endpoint, as application/json, outside authorization.',
      covers: 'auth.rs.prm',
    }),

    check('metadata/location', {
      page: 'basic/authorization#protected-resource-metadata-discovery-requirements',
      movedTo: 'basic/authorization/authorization-server-discovery#protected-resource-metadata-discovery-requirements',
      revisions: '2025-11-25..',
      title: 'Clients can find the metadata',
      must: 'say in the challenge where its metadata is, or serve it at a well-known address',
      needs: { documents },
      judge: ({ documents: { named, found } }) => {
        if (named !== null && URL.canParse(named)) return holds
        return holdsIf(
          found.some((exchange) => documentOf(exchange) !== undefined),
          'leaves clients without a way to its metadata',
          {
            expected: 'resource_metadata in the challenge, or a document at the well-known address',
            actual: found.map((exchange) => `${exchange.request.url}: ${summaryOf(exchange)}`),
            exchange: found[0],
          },
        )
      },
      fix: 'Add resource_metadata to the challenge.',
      covers: 'auth.rs.www-authenticate',
    }),

    check('metadata/authorization-servers', {
      title: 'The metadata names an authorization server',
      must: 'include at least one authorization server in authorization_servers',
      needs: { documents },
      judge: ({ documents }, { local }) =>
        judged(documents, ({ authorization_servers: servers }, exchange) => {
          const good = texts(servers).filter((url) => isIssuer(url, local))
          const whole = Array.isArray(servers) && servers.length > 0 && good.length === servers.length
          return holdsIf(whole, 'names no authorization server by its URL', {
            expected: 'a list of issuer URLs',
            actual: servers ?? 'no authorization_servers',
            exchange,
          })
        }),
      fix: 'List the issuer of every authorization server whose tokens are accepted.',
      covers: 'auth.rs.prm.authorization-servers',
    }),

    check('metadata/resource', {
      weakness: ['CWE-346', 'CWE-290', 'API8:2023', 'MCP07:2025'],
      spec: 'rfc9728',
      page: '3.3',
      title: 'The metadata is about this endpoint',
      must: 'give as resource the identifier of the resource the metadata was asked for',
      needs: { documents },
      judge: ({ documents }, { url }) =>
        judged(documents, ({ resource }, exchange) =>
          holdsIf(covers(resource, url), 'publishes metadata of another resource', {
            expected: url,
            actual: resource ?? 'no resource',
            exchange,
          }),
        ),
      fix: 'Set resource to the URL of the endpoint as clients know it; they throw other metadata away.',
      covers: 'auth.rs.prm.resource-match',
    }),

    check('metadata/resource-exact', {
      weakness: ['CWE-346', 'API8:2023'],
      spec: 'rfc9728',
      page: '3.3',
      title: 'The resource is the very URL of the endpoint',
      policy: 'give as resource the URL that clients use, so that those that compare exactly accept it',
      needs: { documents },
      judge: ({ documents }, { url }) => {
        const exchange = documents.header
        const document = exchange === null ? undefined : documentOf(exchange)
        if (exchange === null || document === undefined) return notApplicable('the challenge leads to no metadata')
        return holdsIf(document.resource === url, 'names another URL than the one used', {
          expected: url,
          actual: document.resource,
          exchange,
        })
      },
      fix: 'Publish the URL of the endpoint with its path and without a trailing slash.',
      covers: 'auth.rs.prm.resource-match',
    }),

    check('metadata/offline-access', {
      threat: 'refresh-theft',
      weakness: ['CWE-250', 'MCP02:2025'],
      page: 'basic/authorization#refresh-tokens',
      revisions: '2026-07-28..',
      title: 'offline_access is not asked for',
      should: 'not include offline_access in the challenge or in scopes_supported',
      needs: { challenges, documents },
      judge: ({ challenges: { without }, documents }) => {
        const asked = bearerOf(challengeOf(without))?.parameters.scope?.split(' ') ?? []
        const challenge = holdsIf(!asked.includes('offline_access'), 'asks for offline_access', { actual: asked, exchange: without })
        const those = published(documents).map((exchange) =>
          holdsIf(!texts(documentOf(exchange)!.scopes_supported).includes('offline_access'), 'lists offline_access among its scopes', {
            actual: documentOf(exchange)!.scopes_supported,
            exchange,
          }),
        )
        return all([challenge, ...those])
      },
      fix: 'Leave offline_access to the authorization server and the client: a resource does not need it.',
      covers: 'auth.rs.no-offline-access',
    }),

    check('metadata/broad-scopes', {
      threat: 'scope-bypass',
      weakness: ['CWE-250', 'CWE-269', 'MCP02:2025', 'API5:2023'],
      spec: 'policy',
      page: 'metadata',
      title: 'No scope stands for everything',
      policy: 'ask for no scope that stands for everything',
      needs: { challenges, documents },
      judge: ({ challenges: { without }, documents }) => {
        const asked = bearerOf(challengeOf(without))?.parameters.scope?.split(' ') ?? []
        const listed = published(documents).flatMap((exchange) => texts(documentOf(exchange)!.scopes_supported))
        const broad = [...asked, ...listed].filter((scope) => /^\*$|[:./]\*$|^(all|full-access|full_access)$/i.test(scope))
        return holdsIf(broad.length === 0, 'names scopes that stand for everything', {
          expected: 'one scope for each thing',
          actual: broad,
          exchange: without,
        })
      },
      fix: 'Start with the scopes of ordinary use, and ask for more when they are needed.',
    }),

    check('metadata/bearer-methods', {
      threat: 'token-theft',
      weakness: ['CWE-598', 'API2:2023', 'MCP01:2025'],
      spec: 'policy',
      page: 'metadata',
      title: 'Tokens in the query are not offered',
      policy: 'not offer the query as a place for tokens in bearer_methods_supported',
      needs: { documents },
      judge: ({ documents }) =>
        judged(documents, ({ bearer_methods_supported: methods }, exchange) =>
          holdsIf(!texts(methods).includes('query'), 'offers to take tokens from the query', {
            expected: ['header'],
            actual: methods,
            exchange,
          }),
        ),
      fix: 'Publish `"bearer_methods_supported": ["header"]`.',
    }),

    check('metadata/spoofed-host', {
      weakness: ['CWE-348', 'CWE-644', 'API8:2023', 'MCP07:2025'],
      spec: 'policy',
      page: 'metadata',
      title: 'A sender cannot change the addresses in the metadata',
      policy: 'build the addresses in challenge and metadata from its configuration, not from what the request says of its host',
      needs: { spoofs },
      judge: ({ spoofs: { asked } }) =>
        each(asked, 'nothing could be asked', (exchange) =>
          answered(exchange, () =>
            holdsIf(
              !JSON.stringify([challengeOf(exchange), exchange.response?.body]).includes(spoofed),
              'repeats the host that a request gave it',
              {
                expected: 'its own host',
                actual: challengeOf(exchange) ?? summaryOf(exchange),
                exchange,
              },
            ),
          ),
        ),
      fix: 'Configure the public URL; believe Forwarded fields only from the proxy that sets them.',
    }),

    check('metadata/cross-origin', {
      weakness: 'API8:2023',
      spec: 'policy',
      page: 'metadata',
      title: 'Pages in a browser may read the metadata',
      policy: 'let pages of any origin read the metadata, which is public',
      needs: { pages },
      judge: ({ pages: { asked } }) => {
        if (asked === null) return missing
        const allowed = headerOf(asked, 'access-control-allow-origin')
        return answered(asked, () =>
          holdsIf(allowed !== undefined, 'keeps clients in a browser from reading the metadata', {
            expected: 'Access-Control-Allow-Origin: *',
            actual: allowed ?? 'no Access-Control-Allow-Origin',
            exchange: asked,
          }),
        )
      },
      fix: 'Send `Access-Control-Allow-Origin: *` with the metadata.',
    }),
  ],
)

function isDocument(exchange: Exchange): Judgement {
  return answered(exchange, () => {
    if (documentOf(exchange) === undefined)
      return broken('serves no metadata', { expected: 'HTTP 200 with a JSON object', actual: summaryOf(exchange), exchange })
    return holdsIf(mediaTypeOf(exchange) === 'application/json', 'serves metadata as another media type', {
      expected: 'application/json',
      actual: mediaTypeOf(exchange),
      exchange,
    })
  })
}

/** An issuer is a URL without query and fragment, and with TLS unless the whole target is local. */
function isIssuer(text: string, local: boolean): boolean {
  const url = URL.parse(text)
  return url !== null && url.search === '' && url.hash === '' && (url.protocol === 'https:' || (local && url.protocol === 'http:'))
}

/** The endpoint itself, or what it is a part of: a server may publish one document for all its paths. */
function covers(resource: unknown, endpoint: string): boolean {
  const [own, used] = [typeof resource === 'string' ? URL.parse(resource) : null, new URL(endpoint)]
  if (own === null || own.hash !== '' || own.origin !== used.origin) return false
  return `${used.pathname}/`.startsWith(`${own.pathname.replace(/\/$/, '')}/`)
}
