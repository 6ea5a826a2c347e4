import type { ToolCall } from '../../../src/model/index.ts'
import { validatorOf } from './json-schema.ts'

type Json = Record<string, unknown>

export interface InvalidArguments {
  /** What is wrong with them, in words. */
  what: string
  arguments: Json
}

const most = 5
/** Not to be read as anything else by even a lenient server. */
const unlike: Record<string, unknown> = {
  string: { assay: 'not a string' },
  number: 'not a number',
  integer: 'not a number',
  boolean: 'neither',
  array: { assay: 'not a list' },
  object: 'not an object',
}

/** Arguments that the tool's own schema refuses, each wrong in one way. */
export function invalidArguments(call: ToolCall): InvalidArguments[] {
  const schema = call.definition.inputSchema ?? {}
  const problemOf = validatorOf(schema)
  if (problemOf === undefined || problemOf(call.arguments) !== undefined) return []
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>)
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : []
  const wrong = [
    ...properties
      .filter(([name, { default: given }]) => required.includes(name) && given === undefined)
      .map(([name]) => without(call, name)),
    ...properties.flatMap(([name, property]) => wrongValues(property).map(([what, value]) => withValue(call, name, what, value))),
  ]
  return wrong.filter(({ arguments: each }) => problemOf(each) !== undefined).slice(0, most)
}

/** Arguments with one more than the schema allows, where it allows no more. */
export function surplusArguments(call: ToolCall): InvalidArguments | undefined {
  const surplus = withValue(call, 'assay_unexpected', 'is not in the schema', 'assay')
  const problemOf = validatorOf(call.definition.inputSchema)
  return problemOf?.(surplus.arguments) === undefined || problemOf(call.arguments) !== undefined ? undefined : surplus
}

function without(call: ToolCall, name: string): InvalidArguments {
  const { [name]: _, ...rest } = call.arguments
  return { what: `"${name}" is missing`, arguments: rest }
}

const withValue = (call: ToolCall, name: string, what: string, value: unknown): InvalidArguments => ({
  what: `"${name}" ${what}`,
  arguments: { ...call.arguments, [name]: value },
})

function wrongValues(property: Json): [what: string, value: unknown][] {
  // A mirrored parameter has a header too, which is another rule's subject.
  if (typeof property !== 'object' || property === null || 'x-mcp-header' in property) return []
  const { type, enum: choices, minimum, maximum, maxLength, minLength } = property
  const wrong: [string, unknown][] = []
  if (typeof type === 'string' && type in unlike) wrong.push([`is no ${type}`, unlike[type]])
  if (Array.isArray(choices)) wrong.push(['is none of the choices', 'assay-none-of-them'])
  if (typeof minimum === 'number') wrong.push(['is below the minimum', minimum - 1000])
  if (typeof maximum === 'number') wrong.push(['is above the maximum', maximum + 1000])
  if (typeof maxLength === 'number' && maxLength < 10_000) wrong.push(['is too long', 'x'.repeat(maxLength + 1)])
  if (typeof minLength === 'number' && minLength > 0) wrong.push(['is too short', ''])
  return wrong
}
