import { randomUUID } from 'node:crypto'
import {
  all,
  broken,
  check,
  type Exchange,
  each,
  holds,
  type Judgement,
  notTestable,
  type Probe,
  type ProbeContext,
  probe,
  section,
  type UpstreamCall,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { proven, showsNone } from './crossing.ts'
import { type Clients, connectBoth, pairOf, sharedBoth } from './pair.ts'
import { tellingQuestions, type Views, viewsOf } from './views.ts'

/** Fields by which gateways, proxies and services are told of a tenant. */
const fields = [
  'X-Tenant-Id',
  'X-Tenant',
  'Tenant-Id',
  'Tenant',
  'X-Tenant-Name',
  'X-Org-Id',
  'X-Organization-Id',
  'X-Account-Id',
  'X-Customer-Id',
  'X-Workspace-Id',
  'X-Realm',
  'X-Namespace',
  'X-Scope-OrgID',
  'X-Forwarded-Tenant',
  'X-Auth-Tenant',
]

const members = ['tenant', 'tenant_id', 'tenantId', 'x-tenant-id', 'org_id', 'organization', 'account_id', 'workspace', 'realm']

/** One request that claims to be of the other tenant, as a change of one that does not. */
interface Claim {
  /** Completes "a tenant named …". */
  what: string
  headers?: [string, string][]
  url?: (url: URL) => string
  body?: (message: Message) => Message
}

interface Message {
  params?: Record<string, unknown> & { _meta?: Record<string, unknown>; arguments?: Record<string, unknown> }
  [member: string]: unknown
}

interface Spoof {
  what: string
  answers: Exchange[]
  /** What of it reached the scripted upstream. */
  passed: UpstreamCall[]
}

interface Spoofs {
  other: string
  words: Views['words']
  controls: Exchange[]
  /** Fields by which the scripted upstream could tell the tenants apart, with the values of the unit's own. */
  telling: Record<string, string>
  /** Whether there is a scripted upstream to see what is passed on. */
  watched: boolean
  spoofs: Spoof[]
}

interface Known {
  /** The name of the other tenant. */
  other: string
  /** The field by which the target tells servers of the tenant, where the scripted upstream has seen one. */
  field: string | undefined
  endpoint: URL
}

/** How the scripted upstream can tell the tenants apart: by fields that are the same in each call of one, and differ between them. */
const tellingFields = probe(
  'what a server learns of the tenant of a call',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { name } = await scriptedTool(context)
    const upstream = context.instruments.upstream!
    const headersOf = async (client: Clients['own']) => {
      const script = await upstream.script({})
      await client.send('tools/call', { name, arguments: { script, text: 'assay' } })
      return (await upstream.calls(script)).at(-1)?.headers ?? {}
    }
    const [first, again] = [await sharedBoth(context), await connectBoth(context)]
    const [own, other, ownAgain, otherAgain] = [
      await headersOf(first.own),
      await headersOf(first.other),
      await headersOf(again.own),
      await headersOf(again.other),
    ]
    const stable = Object.entries(own).filter(([field, value]) => ownAgain[field] === value && otherAgain[field] === other[field])
    return { telling: Object.fromEntries(stable.filter(([field, value]) => other[field] !== value)) }
  },
)

function spoofing(name: string, claims: (known: Known) => Claim[]): Probe<Spoofs> {
  return probe(name, { requires: 'second tenant', over: 'http' }, async (context): Promise<Spoofs> => {
    const seen = await viewsOf(context)
    const watched = context.facts.facilities['scripted upstream'] === true
    const telling = watched ? (await context.use(tellingFields)).telling : {}
    const other = pairOf(context).other.tenant
    const field = Object.keys(telling).find((each) => each !== 'authorization')
    const { own } = await sharedBoth(context)
    const questions = tellingQuestions(seen).slice(0, 2)
    const controls = await Promise.all(questions.map(({ method, params }) => own.send(method, params)))
    const scripted = watched ? await scriptedCall(context, own) : undefined
    const spoofs: Spoof[] = []
    for (const claim of claims({ other, field, endpoint: new URL(context.facts.url) }))
      spoofs.push(await spoof(context, [...controls, ...(scripted === undefined ? [] : [scripted])], claim, watched))
    return { other, words: seen.words, controls, telling, watched, spoofs }
  })
}

async function scriptedCall(context: ProbeContext, own: Clients['own']): Promise<Exchange> {
  const { name } = await scriptedTool(context)
  return own.send('tools/call', { name, arguments: { script: await context.instruments.upstream!.script({}), text: 'assay' } })
}

async function spoof(context: ProbeContext, controls: readonly Exchange[], claim: Claim, watched: boolean): Promise<Spoof> {
  const { upstream } = context.instruments
  const script = watched ? await upstream!.script({}) : undefined
  const answers = await Promise.all(controls.map((control) => repeated(context, control, claim, script)))
  return { what: claim.what, answers, passed: script === undefined ? [] : await upstream!.calls(script) }
}

/** A request again, with the token of the unit's own identity and what it claims besides. */
async function repeated(
  { request }: ProbeContext,
  { request: sent }: Exchange,
  { headers = [], url, body }: Claim,
  script: string | undefined,
): Promise<Exchange> {
  const replaced = new Set(['authorization', 'host', 'content-length', ...headers.map(([name]) => name.toLowerCase())])
  const message = anew(JSON.parse(sent.body ?? '{}') as Message, script)
  return request({
    method: sent.method,
    url: url?.(new URL(sent.url)),
    headers: [...sent.headers.filter(([name]) => !replaced.has(name.toLowerCase())), ...headers],
    body: JSON.stringify(body?.(message) ?? message),
  })
}

/** Under an id of its own and, if it is a scripted call, with a script of its own. */
function anew(message: Message, script: string | undefined): Message {
  const given = message.params?.arguments
  const renewed = given !== undefined && 'script' in given ? withParams(message, { arguments: { ...given, script } }) : message
  return { ...renewed, id: randomUUID() }
}

const withParams = (message: Message, more: Record<string, unknown>): Message => ({ ...message, params: { ...message.params, ...more } })

const byHeader = spoofing('a header that names another tenant', ({ other, field }) => [
  { what: 'in a header', headers: fields.map((name) => [name, other]) },
  ...(field === undefined
    ? []
    : ([
        { what: `in the header ${field}, which servers are told the tenant by`, headers: [[field, other]] },
        {
          what: `in the header ${field} twice`,
          headers: [
            [field, other],
            [field, other],
          ],
        },
        { what: `in the header ${field}, written with underscores`, headers: [[field.replaceAll('-', '_'), other]] },
      ] satisfies Claim[])),
  {
    what: 'in what a proxy would say',
    headers: [
      ['Forwarded', `for=192.0.2.1;host=${other}.assay.example;proto=https`],
      ['X-Forwarded-Host', `${other}.assay.example`],
      ['X-Forwarded-Prefix', `/${other}`],
      ['X-Original-URL', `/${other}/mcp`],
    ],
  },
  { what: 'in a cookie', headers: [['Cookie', members.map((name) => `${name}=${other}`).join('; ')]] },
])

const byQuery = spoofing('a query that names another tenant', ({ other }) => [
  {
    what: 'in the query',
    url: (url) => {
      for (const name of members) url.searchParams.set(name, other)
      return url.href
    },
  },
])

const byPath = spoofing('a path that names another tenant', ({ other }) =>
  [
    (path: string) => `${path}/${other}`,
    (path: string) => `/${other}${path}`,
    (path: string) => `/tenants/${other}${path}`,
    (path: string) => `${path};tenant=${other}`,
  ].map((change) => ({
    what: 'in the path',
    url: (url: URL) => {
      url.pathname = change(url.pathname.replace(/\/$/, ''))
      return url.href
    },
  })),
)

/** Over TLS another host would want another certificate, and the request would not be made at all: then nothing is tried. */
const byHost = spoofing('a host that names another tenant', ({ other, endpoint }) =>
  endpoint.protocol === 'https:'
    ? []
    : [
        { what: 'in the Host header', headers: [['Host', `${other}.${endpoint.host}`]] },
        { what: 'as the Host header', headers: [['Host', other]] },
      ],
)

const byMeta = spoofing('metadata that names another tenant', ({ other }) => {
  const claimed = Object.fromEntries(members.map((name) => [name, other]))
  return [
    { what: 'in _meta', body: (message) => withParams(message, { _meta: { ...message.params?._meta, ...claimed } }) },
    { what: 'in the parameters', body: (message) => withParams(message, claimed) },
    { what: 'beside the parameters', body: (message) => ({ ...message, tenant: other, tenant_id: other }) },
  ]
})

const byArgument = spoofing('an argument that names another tenant', ({ other }) => [
  {
    what: 'in the arguments of a call',
    body: (message) =>
      withParams(message, { arguments: { ...message.params?.arguments, ...Object.fromEntries(members.map((name) => [name, other])) } }),
  },
])

/** The caller gets its own, or nothing; and what the servers are told of the tenant is what the token says. */
function believed(evidence: Spoofs): Judgement {
  const { controls, telling, spoofs, words } = evidence
  const watches = Object.keys(telling).length > 0
  if (controls.length === 0 && !watches)
    return notTestable('two tenants get the same answers here, and the scripted upstream cannot tell them apart: nothing shows whose it is')
  const judge = () => each(spoofs, 'a request with another host cannot be made over TLS', (spoof) => ofOwn(spoof, words.other, telling))
  return controls.length === 0 ? judge() : proven(controls, judge)
}

function ofOwn({ what, answers, passed }: Spoof, words: readonly string[], telling: Record<string, string>): Judgement {
  const shown = answers.map((answer) => (answer.response === undefined ? holds : showsNone(words, answer, `to a tenant named ${what}`)))
  const told = passed.flatMap(({ headers }) =>
    Object.entries(telling)
      .filter(([field, value]) => headers[field] !== value)
      .map(([field, value]) =>
        broken(`tells servers another tenant than that of the token: the one named ${what}`, {
          expected: `${field}: ${value}`,
          actual: `${field}: ${headers[field] ?? '(absent)'}`,
          exchange: answers.at(-1),
        }),
      ),
  )
  return all([...shown, ...told])
}

/** No header of the caller's that names a tenant goes on to a server that might believe it. */
function forwarded({ watched, spoofs, telling, other }: Spoofs): Judgement {
  if (!watched) return notTestable('needs the scripted upstream registered behind the gateway: see `instruments` of the target')
  return each(
    spoofs.flatMap(({ passed, answers }) => passed.map((call) => ({ call, answer: answers.at(-1)! }))),
    'the target refuses every request that names a tenant in a header',
    ({ call, answer }) => {
      const kept = Object.entries(call.headers).find(([field, value]) => !(field in telling) && field !== 'host' && value.includes(other))
      return kept === undefined
        ? holds
        : broken('passes a header on in which a caller names a tenant', {
            expected: 'such headers taken out of what goes to servers',
            actual: kept.join(': '),
            exchange: answer,
          })
    },
  )
}

const spoofed = (probe: Probe<Spoofs>, where: string) => ({
  title: `A tenant named ${where} is not believed`,
  policy: `serve the tenant of the token, or refuse, whatever tenant a caller names ${where}`,
  needs: { probe },
  judge: ({ probe: evidence }: { probe: Spoofs }) => believed(evidence),
  fix: 'Take the tenant from the verified token and from nowhere else; write it over whatever the request says of it.',
  covers: 'tenant.header-spoof',
})

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-639', 'CWE-290', 'CWE-807', 'API1:2023', 'MCP07:2025'],
    threat: 'tenant-spoofing',
  },
  [
    check('tenants/spoofed-header', spoofed(byHeader, 'in a header')),
    check('tenants/spoofed-query', spoofed(byQuery, 'in the query')),
    check('tenants/spoofed-path', spoofed(byPath, 'in the path')),
    check('tenants/spoofed-host', spoofed(byHost, 'as the host')),
    check('tenants/spoofed-metadata', spoofed(byMeta, 'in the body')),
    check('tenants/spoofed-argument', spoofed(byArgument, 'in an argument')),

    check('tenants/forwarded-header', {
      requires: 'scripted upstream',
      title: 'Headers in which a caller names a tenant go no further',
      policy: 'not pass on to servers what a caller says of its tenant in headers',
      needs: { byHeader },
      judge: ({ byHeader }) => forwarded(byHeader),
      fix: 'Build the headers of a request to a server anew, from a list of what may be passed on.',
      covers: 'tenant.header-spoof',
    }),
  ],
)
