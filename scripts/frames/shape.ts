import { definitionNames } from '../../src/model/frames/names.ts'
import type { FrameIndex } from '../../src/model/frames/schema.ts'
import type { Definitions, Schema } from './source.ts'
import { discriminate } from './union.ts'

/** The definitions of one revision, reduced to the frames a server sends, and which of them a frame answers to. */
export function shapeFrames(official: Definitions): { index: FrameIndex; $defs: Definitions } {
  const amended = amend(official)
  const index = indexOf(amended)
  const { results, notifications, requests, errors, envelopes } = index
  const roots = [
    Object.values(results),
    Object.values(notifications),
    Object.values(requests),
    Object.values(errors),
    Object.values(envelopes),
  ]
  const reached = reach([...roots.flat(2), 'Result', ...definitionNames], amended)
  return { index, $defs: Object.fromEntries([...reached].sort().map((name) => [name, compact(amended[name]!, amended)])) }
}

/**
 * The official definitions, less what the tool that derives them from the TypeScript source made narrower than that source and the text
 * of the specification, and with the two that frames are asked for in another way.
 */
export function amend(official: Definitions): Definitions {
  const definitions = structuredClone(official)
  for (const bound of Object.values<Schema>(pick(definitions.NumberSchema?.properties, ['minimum', 'maximum', 'default'])))
    bound.type = 'number'
  // Any JSON is a JSONValue; the derived schema knows neither null nor fractions, and descends without end.
  if (definitions.JSONValue) definitions.JSONValue = {}
  if (definitions.JSONObject) definitions.JSONObject = { type: 'object' }
  if (definitions.JSONArray) definitions.JSONArray = { type: 'array' }
  // The older revisions write the union out wherever they use it.
  definitions.ContentBlock ??= definitions.CallToolResult!.properties.content.items
  // An envelope says that there is a result; which one is said by the method.
  const envelope = definitions.JSONRPCResultResponse ?? definitions.JSONRPCResponse!
  envelope.properties.result = { type: 'object' }
  return definitions
}

const pick = (members: Schema | undefined, names: string[]): Schema =>
  Object.fromEntries(names.flatMap((name) => (members?.[name] ? [[name, members[name]]] : [])))

const nameOf = (reference: Schema): string => reference.$ref.replace('#/$defs/', '')

function indexOf(definitions: Definitions): FrameIndex {
  const byMethod = (union: string): [string, string][] =>
    (definitions[union]?.anyOf ?? []).map(nameOf).map((name: string) => [definitions[name]!.properties.method.const, name])

  const errors = Object.entries(definitions).flatMap(([name, { properties }]) => {
    const code = properties?.error?.allOf?.[1]?.properties.code.const
    return code === undefined ? [] : [[String(code), name]]
  })
  return {
    results: Object.fromEntries(byMethod('ClientRequest').map(([method, name]) => [method, resultsOf(name, definitions)])),
    notifications: Object.fromEntries(byMethod('ServerNotification')),
    requests: Object.fromEntries(byMethod('ServerRequest')),
    errors: Object.fromEntries(errors),
    envelopes: {
      request: 'JSONRPCRequest',
      notification: 'JSONRPCNotification',
      result: definitions.JSONRPCResultResponse ? 'JSONRPCResultResponse' : 'JSONRPCResponse',
      error: definitions.JSONRPCErrorResponse ? 'JSONRPCErrorResponse' : 'JSONRPCError',
    },
  }
}

/** What answers a request: its own result first, then a task or a demand for input where these are allowed. */
function resultsOf(request: string, definitions: Definitions): string[] {
  const stem = request.replace(/Request$/, '')
  const response = definitions[`${stem}ResultResponse`]?.properties.result
  if (response) return (response.anyOf ?? [response]).map(nameOf).sort((a: string, b: string) => rank(a) - rank(b))
  const own = definitions[`${stem}Result`] ? `${stem}Result` : 'EmptyResult'
  const params = definitions[request]!.properties.params
  const augmented = params?.$ref && definitions[nameOf(params)]!.properties?.task
  return augmented ? [own, 'CreateTaskResult'] : [own]
}

const rank = (name: string): number => (name === 'InputRequiredResult' ? 1 : 0)

function reach(roots: readonly string[], definitions: Definitions): Set<string> {
  const reached = new Set<string>()
  const queue = roots.filter((name) => name in definitions)
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (reached.has(name)) continue
    reached.add(name)
    for (const [, next] of JSON.stringify(definitions[name]).matchAll(/"#\/\$defs\/(\w+)"/g)) queue.push(next!)
  }
  return reached
}

/** The same schema without what constrains nothing, and with its unions told apart. */
function compact(schema: Schema, definitions: Definitions): Schema {
  const { properties, additionalProperties, items, allOf, anyOf, type, ...rest } = schema
  const inner = (one: Schema) => compact(one, definitions)
  const members = Object.entries<Schema>(properties ?? {}).map(([name, member]) => [name, inner(member)])
  const open = additionalProperties === undefined || additionalProperties === true || Object.keys(additionalProperties).length === 0
  return {
    ...(type && !('const' in rest || 'enum' in rest) && { type }),
    ...rest,
    ...(members.length > 0 && { properties: Object.fromEntries(members) }),
    ...(!open && { additionalProperties: additionalProperties === false ? false : inner(additionalProperties) }),
    ...(items && { items: inner(items) }),
    ...(allOf && { allOf: allOf.map(inner) }),
    ...(anyOf && discriminate(anyOf.map(inner), definitions)),
  }
}
