import {
  type Exchange,
  inconclusive,
  isObject,
  type Judgement,
  type Listing,
  notApplicable,
  type ProbeContext,
  probe,
  resultOf,
  summaryOf,
  type ToolCall,
  type ToolDefinition,
  Unfit,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'

export type Json = Record<string, unknown>

/** The tools as listed, read to the end of the list. */
export const listing = probe('the list of tools', { requires: 'tools' }, async ({ catalogue }) => (await catalogue()).tools)

/** Every listed tool that is an object, with the page that lists it. */
export const listedTools = ({ pages }: Listing<ToolDefinition>): { tool: ToolDefinition; page: Exchange }[] =>
  pages.flatMap((page) => {
    const tools = resultOf(page)?.tools
    return Array.isArray(tools) ? tools.filter(isObject).map((tool) => ({ tool: tool as ToolDefinition, page })) : []
  })

/** Judges a list that could be read; one that breaks off says nothing about what it would have held. */
export function readable(listing: Listing<ToolDefinition>, judge: (tools: ReturnType<typeof listedTools>) => Judgement): Judgement {
  const last = listing.pages.at(-1)
  if (last === undefined) return inconclusive('the list was not read')
  if (resultOf(last) === undefined) return inconclusive(`the list cannot be read: ${summaryOf(last)}`, last)
  const tools = listedTools(listing)
  return tools.length === 0 ? notApplicable('the target lists no tools') : judge(tools)
}

export interface Called {
  tool: ToolDefinition
  exchange: Exchange
}

/** Calls of the tools that may be called, with arguments that fit: any, one that echoes, one with an output schema. */
export const called = probe('calls that fit their schemas', { requires: 'callable tool' }, async (context) => {
  const calls = [await context.tool('any'), await optional(context, 'echo'), await optional(context, 'structured')]
  const byName = new Map(calls.flatMap((call): [string, ToolCall][] => (call === undefined ? [] : [[call.name, call]])))
  const session = await context.session()
  return Promise.all([...byName.values()].map(async (call) => ({ tool: call.definition, exchange: await callWith(session, call) })))
})

/** A call of a tool that promises structured content. */
export const structured = probe('a call of a tool with an output schema', { requires: 'tools' }, async (context) => {
  const call = await context.tool('structured')
  return { tool: call.definition, exchange: await callWith(await context.session(), call) }
})

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Results with every kind of content, as an upstream of a gateway may give them. */
export const relayed = probe('a result with an image behind a gateway', { requires: ['tools', 'scripted upstream'] }, async (context) => {
  const tool = await scriptedTool(context)
  const content = [
    { type: 'text', text: 'assay' },
    { type: 'image', data: pixel, mimeType: 'image/png' },
    ...(context.revision >= '2025-03-26' ? [{ type: 'audio', data: 'UklGRiQAAABXQVZF', mimeType: 'audio/wav' }] : []),
  ]
  const script = await context.instruments.upstream!.script({ result: { content } })
  return (await context.session()).send('tools/call', { name: tool.name, arguments: { script } })
})

export const callWith = (session: Awaited<ReturnType<ProbeContext['session']>>, call: ToolCall, args: Json = call.arguments) =>
  session.send('tools/call', { name: call.name, arguments: args })

export async function optional(context: ProbeContext, role: 'echo' | 'structured'): Promise<ToolCall | undefined> {
  try {
    return await context.tool(role)
  } catch (error) {
    if (error instanceof Unfit) return undefined
    throw error
  }
}
