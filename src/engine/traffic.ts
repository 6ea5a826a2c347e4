import {
  type Connection,
  type ConnectOptions,
  type Era,
  eraOf,
  type Flow,
  type LoadScript,
  type ScriptFlow,
  type Traffic,
  Unfit,
} from '../model/index.ts'
import { scriptFlow } from '../wire/index.ts'
import { type Line, tokenFor } from './connect.ts'
import type { Target } from './types.ts'

/** Agents that share the calls of a flow, each with a session of its own. */
const agents = 10

type Connect = (options: ConnectOptions) => Promise<Connection>

/** How traffic gets to a target; `connect` opens what the harness closes again. */
export interface Way {
  target: Target
  line: Line
  connect: Connect
}

/** Traffic with the addresses, tokens and headers of the targets in it. */
export async function scriptOf(
  { flows, warmUp = 2_000, timeout = 10_000, objectives = [] }: Traffic,
  wayTo: (at: Flow['at']) => Promise<Way>,
): Promise<LoadScript> {
  for (const at of new Set(flows.map((flow) => flow.at)))
    keepWithin(
      (await wayTo(at)).target,
      flows.filter((flow) => flow.at === at),
    )
  const within = [...new Set(objectives.flatMap((objective) => objective.within ?? []))]
  return { warmUp, timeout, within, flows: await Promise.all(flows.map(async (flow) => flowOver(flow, await wayTo(flow.at)))) }
}

async function flowOver(flow: Flow, { target, line, connect }: Way): Promise<ScriptFlow> {
  const { endpoint, tools } = line.link
  return scriptFlow(flow, {
    url: endpoint.url.href,
    revision: line.revision,
    headers: endpoint.headers,
    token: flow.token ?? (await tokenFor(target, { identity: flow.identity }, line.recorder)) ?? undefined,
    sessions: await sessionsFor(flow, eraOf(line.revision), connect),
    tools,
  })
}

/** The virtual users of k6 take turns: a session for each would be opened by nearly every arrival. */
async function sessionsFor({ arrivals, identity }: Flow, era: Era, connect: Connect): Promise<string[]> {
  if (era === 'stateless' || arrivals === 'visits') return []
  const opened = await Promise.all(Array.from({ length: agents }, () => connect({ identity })))
  return opened.map(({ sessionId }) => sessionId ?? '')
}

/** What arrives within any one second, of visits with all their requests. */
function keepWithin(target: Target, flows: Traffic['flows']): void {
  const starts = flows.map(({ after = 0 }) => after)
  const most = Math.max(
    ...starts.map((at) =>
      flows
        .filter(({ after = 0, seconds }) => after <= at && at < after + seconds)
        .reduce((sum, { rate, arrivals, requests }) => sum + rate * (arrivals === 'visits' ? requests.length + 2 : 1), 0),
    ),
  )
  refuseMoreThan(target, most)
}

/** Requests a second that the target does not allow are not sent more slowly: it would be another measurement. */
export function refuseMoreThan({ limits }: Target, perSecond: number): void {
  if (perSecond > limits.requestsPerSecond)
    throw new Unfit(
      'not-testable',
      `needs ${Math.ceil(perSecond)} requests a second, and limits.requestsPerSecond of the target is ${limits.requestsPerSecond}`,
    )
}
