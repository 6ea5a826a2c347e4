import { randomUUID } from 'node:crypto'
import {
  all,
  answered,
  broken,
  type Check,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  mediaTypeOf,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { addressesIn } from './addresses.ts'
import { fieldsOf } from './bare.ts'

const paths = {
  metrics: ['/metrics', '/prometheus', '/actuator/prometheus', '/stats/prometheus'],
  health: ['/health', '/healthz', '/livez', '/readyz', '/ready', '/status', '/ping', '/actuator/health', '/info', '/version'],
  administration: [
    '/admin',
    '/admin/',
    '/admin/config',
    '/admin/users',
    '/api/admin',
    '/api/keys',
    '/api/v1/users',
    '/users',
    '/sessions',
    '/tenants',
    '/clients',
    '/config',
    '/settings',
    '/logs',
    '/audit',
    '/config_dump',
    '/clusters',
  ],
  debugging: [
    '/debug/pprof/',
    '/debug/vars',
    '/debug',
    '/__debug__/',
    '/actuator',
    '/actuator/env',
    '/actuator/configprops',
    '/actuator/mappings',
    '/json/list',
    '/server-status',
    '/phpinfo.php',
    '/trace.axd',
  ],
  files: [
    '/.env',
    '/.git/HEAD',
    '/.git/config',
    '/.npmrc',
    '/.aws/credentials',
    '/.ssh/id_rsa',
    '/package.json',
    '/docker-compose.yml',
    '/config.yaml',
    '/backup.sql',
  ],
  descriptions: ['/docs', '/redoc', '/swagger', '/swagger.json', '/openapi.json', '/openapi.yaml', '/api-docs', '/v3/api-docs', '/graphql'],
  catalogues: [
    '/tools',
    '/api/tools',
    '/v1/tools',
    '/servers',
    '/api/servers',
    '/gateways',
    '/resources',
    '/prompts',
    '/registry',
    '/agents',
  ],
} as const

type Group = keyof typeof paths

interface Found {
  path: string
  exchange: Exchange
}

/** Looked for without a token, as anybody on the network can. What a path that cannot exist is answered with tells a page for everything. */
const unlisted = probe(
  'paths nobody has been told of, without a token',
  { over: 'http' },
  async ({ connect, request, catalogue, identities, facts }) => {
    const before = (await connect({ hold: true })).opening
    const get = async (path: string): Promise<Found> => ({
      path,
      exchange: await request({
        method: 'GET',
        url: new URL(path, facts.url).href,
        authorize: false,
        deadline: 3_000,
        headers: [['Accept', '*/*']],
      }),
    })
    const missing = await get(`/assay-${randomUUID()}`)
    const groups = await Promise.all(Object.values(paths).map((group) => Promise.all(group.map(get))))
    const found = Object.fromEntries(Object.keys(paths).map((group, at) => [group, groups[at]!])) as Record<Group, Found[]>
    const { tools } = await catalogue()
    const names = tools.items.map(({ name }) => name).filter((name) => name.length >= 6)
    const who = identities.flatMap(({ name, tenant }) => [name, ...(tenant === undefined ? [] : [tenant])])
    return { before, missing, found, names: names.slice(0, 200), who, after: (await connect({ hold: true })).opening }
  },
)

/** Transports of earlier days, which are easily forgotten when the token is asked for at the new one. */
const older = probe('endpoints of earlier transports, without a token', { over: 'http', requires: 'authorization' }, async (context) => {
  const { opening } = await context.connect({ hold: true })
  const { pathname } = new URL(context.facts.url)
  const base = pathname.replace(/\/[^/]*$/, '')
  const other = (path: string) => path !== pathname
  const streams = [...new Set(['/sse', `${base}/sse`, `${pathname}/sse`, '/events'])].filter(other)
  const posts = [...new Set(['/', '/messages', '/message', `${base}/messages`, '/rpc', '/jsonrpc', '/v1/mcp', '/api/mcp'])].filter(other)
  const stream = (url: string) =>
    context.request({ method: 'GET', url, authorize: false, deadline: 1_500, headers: [['Accept', 'text/event-stream']] })
  const post = (url: string) =>
    context.request({ method: 'POST', url, authorize: false, deadline: 3_000, headers: fieldsOf(opening), body: opening.request.body })
  const tried = await Promise.all([...streams.map(stream), ...posts.map(post)])
  return { before: opening, tried, after: (await context.connect({ hold: true })).opening }
})

interface Unlisted {
  before: Exchange
  missing: Found
  found: Record<Group, Found[]>
  names: string[]
  who: string[]
  after: Exchange
}

/** Those that answer with something of their own, rather than with what any path is answered with. */
const present = ({ missing, found }: Unlisted, group: Group): Found[] =>
  found[group].filter(({ exchange }) => {
    const { response } = exchange
    if (response === undefined || response.status !== 200 || response.body === '') return false
    return statusOf(missing.exchange) !== 200 || alike(response.body) !== alike(missing.exchange.response?.body ?? '')
  })

// A page for everything may name the path.
const alike = (body: string): string => body.replaceAll(/\/[\w./-]+/g, '').slice(0, 2_000)

const isData = (exchange: Exchange): boolean => {
  const text = exchange.response!.body.trimStart()
  return (
    /json|yaml/.test(mediaTypeOf(exchange)) || ((text.startsWith('{') || text.startsWith('[')) && !mediaTypeOf(exchange).includes('html'))
  )
}

/** The server is there, whatever it says to whom. */
const looked = (evidence: Unlisted, judge: () => Judgement): Judgement => {
  const { before, missing, after } = evidence
  const silent = [before, missing.exchange, after].find(({ response }) => response === undefined)
  return silent ? inconclusive('the target does not answer', silent) : judge()
}

const gives = ({ path, exchange }: Found, what: string, actual: unknown = summaryOf(exchange)): Judgement =>
  broken(`gives ${what} to whoever asks for ${path}`, { expected: 'HTTP 401, 403 or 404', actual, exchange })

const exposes = (group: Group, what: string, found: (found: Found) => unknown) => ({
  needs: { unlisted },
  judge: ({ unlisted }: { unlisted: Unlisted }) =>
    looked(unlisted, () =>
      all([
        holds,
        ...present(unlisted, group).map((each) => {
          const shown = found(each)
          return shown === undefined ? holds : gives(each, what, shown)
        }),
      ]),
    ),
})

const debugMarks =
  /propertySources|"memstats"|Types of profiles available|webSocketDebuggerUrl|Apache Server Status|phpinfo\(\)|"contexts"\s*:\s*\{|"_links"\s*:\s*\{|Application Trace/
const fileMarks =
  /^ref: refs\/|^\[core\]|^[A-Z][A-Z0-9_]{2,}\s*=\s*\S|_authToken|aws_secret_access_key|PRIVATE KEY-----|"(?:dev)?[dD]ependencies"\s*:|^services:\s*$|CREATE TABLE|(?:password|secret|token)\s*:\s*\S/m
const descriptionMarks = /"(?:openapi|swagger)"\s*:|^openapi:|swagger-ui|redoc|graphiql|"__schema"/i
const telling = /\b(tenant|tenant_id|client_id|user|username|user_id|email|subject|sub|session|session_id|token|api_key)="(?!")/
const credential = /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.|Bearer [\w.-]{16,}|\$(?:TOKEN|[A-Z_]*SECRET_\d)/

const checks: Check[] = section(
  {
    spec: 'policy',
    page: 'unlisted-endpoints',
    revisions: 'all',
    over: 'http',
    threat: 'exposed-internals',
    weakness: ['CWE-306', 'CWE-497', 'API9:2023', 'API8:2023', 'MCP09:2025'],
  },
  [
    check('exposure/administration', {
      ...exposes('administration', 'the data of an operator', ({ exchange }) => (isData(exchange) ? summaryOf(exchange) : undefined)),
      title: 'What operators use asks who they are',
      policy: 'give configuration, users, sessions and logs to nobody without a token',
      fix: 'Ask for authentication at every administrative path, or serve them on an address of their own.',
    }),

    check('exposure/debugging', {
      ...exposes('debugging', 'the inside of the process', ({ exchange }) => debugMarks.exec(exchange.response!.body)?.[0]),
      title: 'No debugging endpoint is open',
      policy: 'have no profiler, environment or debugger that answers without a token',
      fix: 'Leave debugging endpoints out of production, or serve them on a loopback address.',
      weakness: ['CWE-489', 'CWE-497', 'API8:2023', 'API9:2023'],
    }),

    check('exposure/files', {
      ...exposes('files', 'a file of the deployment', ({ exchange }) =>
        mediaTypeOf(exchange).includes('html') ? undefined : fileMarks.exec(exchange.response!.body)?.[0].slice(0, 40),
      ),
      title: 'No file of the deployment is served',
      policy: 'serve none of the files it is built from, those with secrets above all',
      fix: 'Serve routes, not a folder; keep configuration outside of what is served.',
      weakness: ['CWE-538', 'CWE-552', 'API8:2023'],
    }),

    check('exposure/api-description', {
      ...exposes('descriptions', 'the description of its interface', ({ exchange }) => descriptionMarks.exec(exchange.response!.body)?.[0]),
      title: 'The description of the interface is not for everybody',
      policy: 'describe its interfaces beside the endpoint to nobody without a token',
      fix: 'Switch generated documentation off in production, or ask for authentication.',
      weakness: ['CWE-497', 'API9:2023'],
    }),

    check('exposure/catalogue', {
      requires: ['authorization', 'tools'],
      title: 'The catalogue is told at no other path',
      policy: 'name its tools at no other path to anybody without a token',
      needs: { unlisted },
      judge: ({ unlisted }) =>
        looked(unlisted, () =>
          all([
            holds,
            ...(Object.keys(paths) as Group[])
              .flatMap((group) => present(unlisted, group))
              .map((each) => {
                const named = unlisted.names.find((name) => each.exchange.response!.body.includes(JSON.stringify(name)))
                return named === undefined ? holds : gives(each, 'names of its tools', named)
              }),
          ]),
        ),
      fix: 'Ask for the token wherever servers, tools or agents are listed.',
      weakness: ['CWE-306', 'API5:2023', 'API9:2023'],
    }),

    check('exposure/metrics', {
      title: 'Metrics name nobody',
      policy: 'show nobody without a token whom it serves: neither users nor tenants, clients or sessions',
      needs: { unlisted },
      judge: ({ unlisted }) =>
        looked(unlisted, () =>
          all([
            holds,
            ...present(unlisted, 'metrics').map((each) => {
              const { body } = each.exchange.response!
              const named = telling.exec(body)?.[0] ?? credential.exec(body)?.[0] ?? labelled(body, unlisted.who)
              return named === undefined ? holds : gives(each, 'who is served', named)
            }),
          ]),
        ),
      fix: 'Leave users, tenants and clients out of labels, or serve metrics to the monitoring system alone.',
      weakness: ['CWE-497', 'CWE-200', 'API8:2023', 'MCP09:2025'],
    }),

    check('exposure/health', {
      ...exposes('health', 'addresses and credentials behind it', ({ exchange }) => {
        const { body } = exchange.response!
        return credential.exec(body)?.[0] ?? addressesIn(body, exchange.request.url)[0]
      }),
      title: 'Health says whether, not where',
      policy: 'tell in answers on health and version neither addresses behind it nor credentials',
      fix: 'Answer with a status alone, and keep the state of each dependency for operators.',
      weakness: ['CWE-497', 'API8:2023'],
    }),

    check('exposure/older-transports', {
      title: 'Earlier transports ask for the token as well',
      policy: 'ask for the token at every path it takes messages at',
      needs: { older },
      judge: ({ older: { before, tried } }) =>
        answered(before, () =>
          all(
            tried.map((exchange) => {
              const open = resultOf(exchange) !== undefined || (statusOf(exchange) === 200 && (exchange.response?.events?.length ?? 0) > 0)
              return holdsIf(!open, `serves ${exchange.request.method} at another path without a token`, {
                expected: 'HTTP 401 or 404',
                actual: summaryOf(exchange),
                exchange,
              })
            }),
          ),
        ),
      fix: 'Remove transports that are no longer used, or put the same check before them.',
      weakness: ['CWE-306', 'API9:2023', 'MCP09:2025'],
      threat: 'gateway-bypass',
    }),
  ],
)

export default checks

/** The name of an identity or a tenant as the value of a label. */
const labelled = (body: string, who: readonly string[]): string | undefined =>
  who.filter((name) => name.length >= 3).find((name) => body.includes(`="${name}"`))
