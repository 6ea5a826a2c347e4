import { type Catalogue, type Connection, resultOf, type ToolCall, type ToolDefinition, Unfit } from '../model/index.ts'
import { fitting } from './arguments.ts'
import type { Target } from './types.ts'

/** Tools that may be called: those the operator names, and those that say they only read. */
export const callable = (tools: readonly ToolDefinition[], allowed: readonly string[]): ToolDefinition[] =>
  tools.filter(
    ({ name, annotations }) => allowed.includes(name) || (annotations?.readOnlyHint === true && annotations.destructiveHint !== true),
  )

const remedy = 'name one under `tools.allow` of the target, or with --allow-tool'

/** The first callable tool whose arguments follow from its schema. */
export function anyCall(catalogue: Catalogue, target: Target): ToolCall {
  const tools = callable(catalogue.tools.items, target.tools.allow)
  if (tools.length === 0) throw new Unfit('not-testable', `no tool is marked read-only: ${remedy}`)
  for (const tool of tools) {
    const call = callOf(tool)
    if (call) return call
  }
  throw new Unfit('not-testable', `arguments cannot be derived from the schema of any callable tool: ${remedy}`)
}

/** The first callable tool that promises structured content. */
export function structuredCall(catalogue: Catalogue, target: Target): ToolCall {
  const promising = catalogue.tools.items.filter(({ outputSchema }) => outputSchema !== undefined)
  if (promising.length === 0) throw new Unfit('not-applicable', 'no tool has an output schema')
  const call = callable(promising, target.tools.allow)
    .map(callOf)
    .find((each) => each !== undefined)
  if (call === undefined) throw new Unfit('not-testable', `no tool with an output schema can be called: ${remedy}`)
  return call
}

/** The first callable tool with arguments that are given again in headers; those have values, required or not. */
export function mirroredCall(catalogue: Catalogue, target: Target): ToolCall {
  const annotated = catalogue.tools.items.filter((tool) => mirroredArguments(tool).length > 0)
  if (annotated.length === 0) throw new Unfit('not-applicable', 'no tool mirrors an argument in a header')
  for (const tool of callable(annotated, target.tools.allow)) {
    const call = callOf(tool)
    const values = mirroredArguments(tool).map(([name, schema]): [string, unknown] => [
      name,
      call?.arguments[name] ?? fitting(schema, tool.inputSchema),
    ])
    const given = Object.fromEntries(values.filter(([, value]) => value !== undefined))
    if (call && Object.keys(given).length > 0) return { ...call, arguments: { ...call.arguments, ...given } }
  }
  throw new Unfit('not-testable', `no tool that mirrors an argument in a header can be called: ${remedy}`)
}

/** The first callable tool with an argument that takes a URL. */
export function addressedCall(catalogue: Catalogue, target: Target): ToolCall {
  const addressed = catalogue.tools.items.filter((tool) => urlArgument(tool) !== undefined)
  if (addressed.length === 0) throw new Unfit('not-applicable', 'no tool takes a URL')
  for (const tool of callable(addressed, target.tools.allow)) {
    const call = callOf(tool)
    if (call) return { ...call, takesUrl: urlArgument(tool) }
  }
  throw new Unfit('not-testable', `no tool that takes a URL can be called: ${remedy}`)
}

const urlArgument = ({ inputSchema }: ToolDefinition): string | undefined =>
  Object.entries((inputSchema?.properties ?? {}) as Record<string, { type?: unknown; format?: unknown } | null>).find(
    ([name, property]) =>
      property?.type === 'string' &&
      (/^(uri|url|uri-reference|iri)$/.test(String(property.format)) || /(^|_|-)(url|uri|href|link|webhook|endpoint)$/i.test(name)),
  )?.[0]

const mirroredArguments = ({ inputSchema }: ToolDefinition): [name: string, schema: unknown][] =>
  Object.entries((inputSchema?.properties ?? {}) as Record<string, Record<string, unknown> | null>).filter(
    ([, property]) => typeof property?.['x-mcp-header'] === 'string',
  )

/** A tool named by the operator for a role. */
export function namedCall(catalogue: Catalogue, target: Target, role: 'slow' | 'failing' | 'personal'): ToolCall {
  const name = target.tools[role]
  if (name === undefined) throw new Unfit('not-testable', `needs a ${role} tool: name one under \`tools.${role}\` of the target`)
  const definition = catalogue.tools.items.find((tool) => tool.name === name)
  if (definition === undefined) throw new Unfit('not-testable', `tools.${role} names ${name}, which the target does not list`)
  const call = callOf(definition)
  if (call === undefined) throw new Unfit('not-testable', `arguments of ${name} cannot be derived from its schema`)
  return call
}

/** A tool that gives back the text it is given: the one the operator names, or one that is seen to do so. */
export async function echoCall(catalogue: Catalogue, target: Target, session: Connection): Promise<ToolCall> {
  const named = target.tools.echo
  const tools = callable(catalogue.tools.items, named === undefined ? target.tools.allow : [...target.tools.allow, named])
  const candidates = named === undefined ? tools.filter(({ name }) => /echo/i.test(name)) : tools.filter(({ name }) => name === named)
  for (const tool of candidates.slice(0, 3)) {
    for (const argument of textArguments(tool)) {
      const base = callOf(tool)
      if (base === undefined) continue
      const nonce = `assay-${tool.name.length}-${argument}`
      const tried = await session.send('tools/call', { name: tool.name, arguments: { ...base.arguments, [argument]: nonce } })
      if (JSON.stringify(resultOf(tried)?.content ?? '').includes(nonce)) return { ...base, echoes: argument }
    }
  }
  throw new Unfit('not-testable', 'no callable tool gives back the text it is given: name one under `tools.echo` of the target')
}

export function callOf(definition: ToolDefinition): ToolCall | undefined {
  const value = fitting(definition.inputSchema ?? { type: 'object' })
  return typeof value === 'object' && value !== null
    ? { definition, name: definition.name, arguments: value as Record<string, unknown> }
    : undefined
}

const textArguments = ({ inputSchema }: ToolDefinition): string[] =>
  Object.entries((inputSchema?.properties ?? {}) as Record<string, { type?: string }>)
    .filter(([, property]) => property?.type === 'string')
    .map(([name]) => name)
