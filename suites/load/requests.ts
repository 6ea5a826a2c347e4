import type { Beside, FlowRequest, ProbeContext } from '../../src/model/index.ts'

/** The call of the echo tool, of the target or of one beside it, each with a text of its own. */
export async function echoRequest(context: ProbeContext, at?: Beside): Promise<FlowRequest> {
  const { name, arguments: given, echoes } = await context.tool('echo', at)
  return { method: 'tools/call', params: { name, arguments: given }, ...(echoes !== undefined && { echoes }) }
}

/** What agents ask a gateway for, in the shares in which they do: many calls to a list. */
export async function usual(context: ProbeContext): Promise<FlowRequest[]> {
  return [
    { ...(await echoRequest(context)), weight: 8 },
    { method: 'tools/list', weight: 2 },
  ]
}

/** Requests that are enough for every judgement of the usual ones. */
const plenty = 30

/** So many seconds, or as many as bring enough requests where the rate is low. */
export const secondsAt = (rate: number, least: number): number => Math.max(least, Math.ceil(plenty / rate))
