import type { Connection, Exchange, ProbeContext, SendOptions } from '../../../src/model/index.ts'

/** A request that every target answers and that changes nothing. */
export const harmless = (connection: Connection, options: SendOptions = {}): Promise<Exchange> =>
  connection.send(connection.era === 'stateless' ? 'server/discover' : 'ping', undefined, options)

/** The name of that request, for a body written by hand. */
export const harmlessMethod = (era: Connection['era']): string => (era === 'stateless' ? 'server/discover' : 'ping')

/** A request that may speak before it answers; `make` gives its parameters for a progress token. */
export interface SpeakingRequest {
  method: string
  make(token: string): Record<string, unknown>
}

/** Milliseconds a scripted call takes; its progress is spread over them. */
export const scriptedDelay = 240

/** The scripted upstream where it is there, else a tool the operator named as slow, else any that may be called, else a list. */
export async function speakingRequest(context: ProbeContext): Promise<SpeakingRequest> {
  const { facilities } = context.facts
  if (facilities['scripted upstream'] === true) {
    const { call } = await scriptedCall(context, { delay: scriptedDelay, progress: [1, 2, 3] })
    return call
  }
  const role = facilities['slow tool'] === true ? 'slow' : facilities['callable tool'] === true ? 'any' : undefined
  if (role === undefined) {
    const method = facilities.tools === true ? 'tools/list' : harmlessMethod(context.era)
    return { method, make: (progressToken) => ({ _meta: { progressToken } }) }
  }
  const tool = await context.tool(role)
  return callOf(tool.name, tool.arguments)
}

/** A call of the scripted upstream through the target, and the script it follows. */
export async function scriptedCall(context: ProbeContext, behaviour: object): Promise<{ script: string; call: SpeakingRequest }> {
  const upstream = context.instruments.upstream!
  const { tools } = await context.catalogue()
  const name = tools.items.find((tool) => tool.name.endsWith(upstream.toolNames.scripted))?.name
  if (name === undefined) throw new Error(`the target lists no tool whose name ends with ${upstream.toolNames.scripted}`)
  const script = await upstream.script(behaviour)
  return { script, call: callOf(name, { script }) }
}

const callOf = (name: string, given: Record<string, unknown>): SpeakingRequest => ({
  method: 'tools/call',
  make: (progressToken) => ({ name, arguments: given, _meta: { progressToken } }),
})

/** Waits until the peer has ended the event streams of these exchanges, for at most so many milliseconds. */
export async function settled(context: ProbeContext, exchanges: readonly Exchange[], milliseconds: number): Promise<void> {
  const open = () =>
    exchanges.some(({ response, failure }) => response?.events !== undefined && response.ended === undefined && failure === undefined)
  for (let waited = 0; open() && waited < milliseconds; waited += 20) await context.pause(20)
}
