import type { FlowRequest, ProbeContext } from '../../src/model/index.ts'

/** The call of the echo tool, each with a text of its own. */
export async function echoRequest(context: ProbeContext): Promise<FlowRequest> {
  const { name, arguments: given, echoes } = await context.tool('echo')
  return { method: 'tools/call', params: { name, arguments: given }, ...(echoes !== undefined && { echoes }) }
}

/** What agents ask a gateway for, in the shares in which they do: many calls to a list. */
export async function usual(context: ProbeContext): Promise<FlowRequest[]> {
  return [
    { ...(await echoRequest(context)), weight: 8 },
    { method: 'tools/list', weight: 2 },
  ]
}
