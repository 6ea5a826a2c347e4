import type { ProbeContext, ToolDefinition, UpstreamBehaviour, UpstreamCall } from '../../../src/model/index.ts'

/** A call that takes a while: of the scripted upstream where there is one, else of the tool the operator names as slow. */
export interface LongCall {
  params: { name: string; arguments: Record<string, unknown> }
  /** Set when the upstream has seen the call: what reached it. */
  seen?: () => Promise<UpstreamCall[]>
}

/** Milliseconds a call of the operator's slow tool may take. */
export const longest = 8_000

export async function longCall(context: ProbeContext, behaviour: UpstreamBehaviour): Promise<LongCall> {
  const scripted = await scriptedCall(context, behaviour)
  if (scripted) return scripted
  const { definition, name, arguments: given } = await context.tool('slow')
  return { params: { name, arguments: { ...given, ...brief(definition) } } }
}

/** Behind a gateway the tool has a name of its own, which ends with that of the upstream. */
export async function scriptedCall(
  { instruments: { upstream }, catalogue }: ProbeContext,
  behaviour: UpstreamBehaviour,
): Promise<LongCall | undefined> {
  if (upstream === undefined) return undefined
  const { tools } = await catalogue()
  const tool = tools.items.find(({ name }) => name.endsWith(upstream.toolNames.scripted))
  if (tool === undefined) return undefined
  const script = await upstream.script(behaviour)
  return { params: { name: tool.name, arguments: { script } }, seen: () => upstream.calls(script) }
}

/** A tool that takes its duration as an argument, apparently in seconds, is asked for one second. */
function brief({ inputSchema }: ToolDefinition): Record<string, number> {
  const properties = Object.entries((inputSchema?.properties ?? {}) as Record<string, { default?: unknown } | undefined>)
  const inSeconds = (value: unknown) => typeof value === 'number' && value > 1 && value <= 60
  const durations = properties.filter(([name, property]) => /duration|delay|seconds|sleep|wait/i.test(name) && inSeconds(property?.default))
  return Object.fromEntries(durations.map(([name]) => [name, 1]))
}
