import {
  check,
  type Exchange,
  holdsIf,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  section,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { proven } from './crossing.ts'
import { type Clients, type Side, sharedBoth, sides } from './pair.ts'

interface Pooled {
  calls: Exchange[]
  /** The ids of the sessions in which the server was called. */
  used: Record<Side, string[]>
}

/** Calls the server behind the target for two clients in turn. */
async function inTurn(context: ProbeContext, clients: Clients): Promise<Pooled> {
  const { name } = await scriptedTool(context)
  const upstream = context.instruments.upstream!
  const used: Record<Side, string[]> = { own: [], other: [] }
  const calls: Exchange[] = []
  for (const side of [...sides, ...sides]) {
    const script = await upstream.script({})
    calls.push(await clients[side].send('tools/call', { name, arguments: { script, text: 'assay' } }))
    const ids = (await upstream.calls(script)).map(({ headers }) => headers['mcp-session-id'])
    used[side].push(...ids.filter((id) => id !== undefined))
  }
  return { calls, used }
}

const tenants = probe(
  'sessions at the server behind the target',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => inTurn(context, await sharedBoth(context)),
)

/** Two people who use one client of one tenant: their subjects are all that differs. */
const people = probe(
  'sessions of two people at the server behind the target',
  { requires: ['authorization', 'forging issuer', 'scripted upstream'], over: 'http' },
  async (context) => {
    const as = async (sub: string) => context.connect({ token: await context.instruments.issuer!.mint({ claims: { sub } }) })
    return inTurn(context, { own: await as('assay-person'), other: await as('assay-other-person') })
  },
)

const keptApart = ({ calls, used }: Pooled, whose: string): Judgement =>
  proven(calls, () => {
    if (used.own.length === 0 || used.other.length === 0) return notApplicable('the target uses no sessions at this server')
    const shared = used.own.find((id) => used.other.includes(id))
    return holdsIf(shared === undefined, `calls a server for two ${whose} in one session`, {
      expected: 'a session for each of them',
      actual: shared,
      exchange: calls[0],
    })
  })

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'scripted upstream',
    weakness: ['CWE-488', 'CWE-668', 'API1:2023', 'MCP10:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/upstream-session', {
      requires: 'second tenant',
      title: 'Tenants share no session at a server',
      policy: 'hold a session of its own for each tenant at the servers behind it',
      needs: { tenants },
      judge: ({ tenants }) => keptApart(tenants, 'tenants'),
      fix: 'Keep sessions at servers by tenant and client, never in a pool that all draw from.',
      covers: 'tenant.session-isolation',
    }),

    check('tenants/upstream-session-of-people', {
      requires: ['authorization', 'forging issuer'],
      revisions: '2025-03-26..',
      title: 'People share no session at a server',
      policy: 'hold a session of their own for each of two people of one tenant at the servers behind it',
      needs: { people },
      judge: ({ people }) => keptApart(people, 'people'),
      fix: 'Keep sessions at servers by the whole identity of the caller: what a server remembers of one person is not for the next.',
      threat: 'session-hijack',
    }),
  ],
)
