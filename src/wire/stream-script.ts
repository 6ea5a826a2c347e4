import { answerName, type Era, eraOf, progressName, type ScriptStream, type ScriptStreams, type StreamFlow } from '../model/index.ts'
import { mirroredHeaders, withMeta } from './envelope.ts'
import type { FlowLink } from './load-script.ts'

/** Streams opened a second, where a plan says nothing. */
export const usualOpenings = 20

export interface StreamLink extends FlowLink {
  credentials: ScriptStreams['credentials']
}

/** Streams with everything that goes over the wire. */
export function scriptStreams(flow: StreamFlow, link: StreamLink): ScriptStreams {
  const { name, count, rate = usualOpenings, opens, cut } = flow
  return {
    name,
    url: link.url,
    every: 1_000 / rate,
    listens: 'resources' in opens,
    due: 'resources' in opens ? [] : [...Array.from({ length: opens.steps }, (_, at) => progressName(at + 1)), answerName],
    ...(cut && { cut }),
    streams: Array.from({ length: count }, (_, at) => scriptStream(flow, at, link)),
    credentials: link.credentials,
  }
}

function scriptStream({ name, opens }: StreamFlow, at: number, link: StreamLink): ScriptStream {
  const { revision, sessions, tools } = link
  const era = eraOf(revision)
  // Shared sessions must not share ids.
  const own = `assay-${name}-${at}`
  const common = commonHeaders(link, era, sessions[at % sessions.length])
  const listening = { ...common, Accept: 'text/event-stream' }
  const resuming = era === 'session' ? { resuming: listening } : {}
  if ('resources' in opens && era === 'session') return { own, method: 'GET', headers: listening, ...resuming }
  const { method, params } = 'request' in opens ? opens.request : listenRequest(opens.resources)
  const full = withMeta(era, revision, {}, params, 'request' in opens ? { progressToken: own } : undefined)
  return {
    own,
    method: 'POST',
    headers: {
      ...common,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(era === 'stateless' && mirroredHeaders(method, full, tools.get(String(params?.name)))),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: own, method, params: full }),
    ...resuming,
  }
}

/** Something has to be listened for: where there are no resources, changes of the tools. */
const listenRequest = (resources: readonly string[]) => ({
  method: 'subscriptions/listen',
  params: { notifications: resources.length > 0 ? { resourceSubscriptions: resources } : { toolsListChanged: true } } as Record<
    string,
    unknown
  >,
})

const commonHeaders = ({ headers, token, revision }: StreamLink, era: Era, session: string | undefined): Record<string, string> => ({
  ...headers,
  ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  'MCP-Protocol-Version': revision,
  ...(era === 'session' && session !== undefined && session !== '' && { 'Mcp-Session-Id': session }),
})
