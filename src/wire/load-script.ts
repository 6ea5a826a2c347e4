import {
  type Era,
  eraOf,
  type Flow,
  type FlowRequest,
  type Revision,
  type ScriptFlow,
  type ScriptRequest,
  type ToolDefinition,
} from '../model/index.ts'
import { clientInfo, mirroredHeaders, withMeta } from './envelope.ts'

/** Stands where each request has a text of its own. */
const ownText = 'assay-own-text'

/** Seconds a target may take for all requests before arrivals find nobody who is free. */
const patience = 3

export interface FlowLink {
  url: string
  revision: Revision
  /** Sent with every request. */
  headers: Record<string, string>
  token: string | undefined
  sessions: readonly string[]
  tools: ReadonlyMap<string, ToolDefinition>
}

/** A flow with everything that goes over the wire. */
export function scriptFlow(flow: Flow, { url, revision, headers, token, sessions, tools }: FlowLink): ScriptFlow {
  const era = eraOf(revision)
  const version = { 'MCP-Protocol-Version': revision }
  const request = (asked: FlowRequest) => scriptRequest(asked, era, revision, tools)
  return {
    name: flow.name,
    url,
    era,
    arrivals: flow.arrivals,
    rate: flow.rate,
    starts: (flow.after ?? 0) * 1000,
    lasts: flow.seconds * 1000,
    users: flow.users ?? Math.ceil(flow.rate * patience) + 5,
    unkept: flow.unkept ?? false,
    headers: {
      ...headers,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(era === 'stateless' && version),
    },
    sessions,
    settled: era === 'stateless' ? {} : version,
    opening:
      era === 'stateless'
        ? request({ method: 'server/discover' })
        : request({ method: 'initialize', params: { protocolVersion: revision, capabilities: {}, clientInfo } }),
    requests: flow.requests.map(request),
    order: orderOf(flow.requests),
  }
}

function scriptRequest(
  { method, params, echoes, as = method }: FlowRequest,
  era: Era,
  revision: Revision,
  tools: ReadonlyMap<string, ToolDefinition>,
): ScriptRequest {
  const own = echoes === undefined ? params : { ...params, arguments: { ...(params?.arguments as object), [echoes]: ownText } }
  const full = withMeta(era, revision, {}, own, undefined)
  const rest = JSON.stringify({ method, ...(full === undefined ? {} : { params: full }) }).slice(1)
  const [middle, tail] = echoes === undefined ? [rest] : rest.split(ownText)
  const head = '{"jsonrpc":"2.0","id":'
  return {
    as,
    text: tail === undefined ? [head, `,${middle}`] : [head, `,${middle}`, tail],
    headers: era === 'stateless' ? mirroredHeaders(method, full, tools.get(String(params?.name))) : {},
  }
}

/** Which request each arrival takes: by weight, and spread, so that a short run has the same mix as a long one. */
export function orderOf(requests: readonly { weight?: number }[]): number[] {
  const weights = requests.map(({ weight = 1 }) => weight)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const taken = weights.map(() => 0)
  return Array.from({ length: all }, (_, at) => {
    // The one that is furthest behind its share.
    const behind = weights.map((weight, index) => (weight * (at + 1)) / all - taken[index]!)
    const next = behind.indexOf(Math.max(...behind))
    taken[next]! += 1
    return next
  })
}
