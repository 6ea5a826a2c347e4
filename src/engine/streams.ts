import {
  type Connection,
  type ConnectOptions,
  type Era,
  eraOf,
  resultOf,
  type StreamFlow,
  type StreamPlan,
  type StreamScript,
  summaryOf,
  Unfit,
} from '../model/index.ts'
import { scriptStreams, usualOpenings } from '../wire/index.ts'
import { type Line, tokenFor } from './connect.ts'
import { ownCredentials } from './securing.ts'
import { refuseMoreThan } from './traffic.ts'
import type { Target } from './types.ts'

/** Sessions that are opened at once, and streams of answers that share one. */
const [openedAtOnce, perSession] = [10, 5]

type Connect = (options: ConnectOptions) => Promise<Connection>

/** Streams with the addresses, tokens and headers of a target in them; `connect` opens what the harness closes again. */
export async function streamScriptOf(
  { flows, timeout = 10_000, lasts = 60_000, within = [] }: StreamPlan,
  target: Target,
  line: Line,
  connect: Connect,
): Promise<StreamScript> {
  refuseMoreThan(
    target,
    flows.reduce((sum, { rate = usualOpenings }) => sum + rate, 0),
  )
  const { endpoint, tools } = line.link
  return {
    timeout,
    lasts,
    within,
    flows: await Promise.all(
      flows.map(async (flow) =>
        scriptStreams(flow, {
          url: endpoint.url.href,
          revision: line.revision,
          headers: endpoint.headers,
          token: (await tokenFor(target, { identity: flow.identity }, line.recorder)) ?? undefined,
          sessions: await sessionsFor(flow, eraOf(line.revision), connect),
          tools,
          credentials: ownCredentials(target, target.identities.find(({ name }) => name === flow.identity)?.tenant),
        }),
      ),
    ),
  }
}

/** A client that listens has a session of its own; those that only ask share a few. */
async function sessionsFor({ opens, count, identity }: StreamFlow, era: Era, connect: Connect): Promise<string[]> {
  if (era === 'stateless') return []
  const resources = 'resources' in opens ? opens.resources : undefined
  const wanted = resources === undefined ? Math.ceil(count / perSession) : count
  const sessions: string[] = []
  while (sessions.length < wanted) {
    const some = Math.min(openedAtOnce, wanted - sessions.length)
    const opened = await Promise.all(Array.from({ length: some }, () => subscribed(connect, identity, resources)))
    sessions.push(...opened)
  }
  return sessions
}

async function subscribed(connect: Connect, identity: string | undefined, resources: readonly string[] = []): Promise<string> {
  const session = await connect({ identity })
  for (const uri of resources) {
    const answer = await session.send('resources/subscribe', { uri })
    if (resultOf(answer) === undefined) throw new Unfit('inconclusive', `a client cannot subscribe to ${uri}: ${summaryOf(answer)}`)
  }
  return session.sessionId ?? ''
}
