import { type ProbeContext, type ToolDefinition, Unfit } from '../src/model/index.ts'

/** The scripted upstream's read-only tool as the target lists it. */
export async function scriptedTool({ catalogue, instruments }: ProbeContext): Promise<ToolDefinition> {
  const own = instruments.upstream!.toolNames.idempotent
  const tool = (await catalogue()).tools.items.find(({ name }) => typeof name === 'string' && name.endsWith(own))
  if (tool === undefined)
    throw new Unfit('not-testable', `the target lists no tool whose name ends in ${own}: register the scripted upstream behind it`)
  return tool
}
