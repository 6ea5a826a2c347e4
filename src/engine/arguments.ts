type Schema = Record<string, unknown>

/**
 * The smallest value that fits a JSON Schema, as far as it can be seen without guessing; `undefined` where it cannot, for
 * instance behind a `pattern` without an example.
 */
export function fitting(schema: unknown, root: unknown = schema, depth = 0): unknown {
  if (schema === true || schema === undefined) return 'assay'
  if (typeof schema !== 'object' || schema === null || depth > 8) return undefined
  const node = schema as Schema
  if ('const' in node) return node.const
  if (node.default !== undefined) return node.default
  if (Array.isArray(node.examples) && node.examples.length > 0) return node.examples[0]
  if (Array.isArray(node.enum)) return node.enum[0]
  if (typeof node.$ref === 'string') return fitting(local(node.$ref, root), root, depth + 1)
  for (const word of ['oneOf', 'anyOf'] as const) {
    const branches = node[word]
    if (Array.isArray(branches) && node.type !== 'object') return firstDefined(branches.map((branch) => fitting(branch, root, depth + 1)))
  }
  const type = Array.isArray(node.type)
    ? node.type.find((each) => each !== 'null')
    : (node.type ?? (node.properties ? 'object' : undefined))
  switch (type) {
    case 'object':
      return fittingObject(node, root, depth)
    case 'array':
      return fittingArray(node, root, depth)
    case 'integer':
    case 'number':
      return fittingNumber(node)
    case 'boolean':
      return false
    case 'null':
      return null
    case 'string':
    case undefined:
      return fittingString(node)
    default:
      return undefined
  }
}

function fittingObject(node: Schema, root: unknown, depth: number): Schema | undefined {
  const properties = (node.properties ?? {}) as Record<string, unknown>
  const required = Array.isArray(node.required) ? (node.required as string[]) : []
  const value: Schema = {}
  for (const name of required) {
    const fit = fitting(properties[name], root, depth + 1)
    if (fit === undefined) return undefined
    value[name] = fit
  }
  return value
}

/** A schema that wants more than this is not worth satisfying, and may be a trap. */
const mostItems = 100
const mostCharacters = 10_000

function fittingArray(node: Schema, root: unknown, depth: number): unknown[] | undefined {
  const length = Number(node.minItems ?? 0)
  if (!(length <= mostItems)) return undefined
  const items = Array.from({ length }, () => fitting(node.items, root, depth + 1))
  return items.includes(undefined) ? undefined : items
}

function fittingNumber(node: Schema): number {
  const lowest = Number(node.minimum ?? Number(node.exclusiveMinimum ?? 0) + 1)
  const highest = Number(node.maximum ?? Number(node.exclusiveMaximum ?? Number.POSITIVE_INFINITY) - 1)
  const step = Number(node.multipleOf ?? 1)
  return Math.min(Math.ceil(lowest / step) * step, highest)
}

const formats: Record<string, string> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  time: '00:00:00Z',
  email: 'assay@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  hostname: 'example.com',
}

function fittingString(node: Schema): string | undefined {
  if (typeof node.pattern === 'string' || Number(node.minLength ?? 0) > mostCharacters) return undefined
  const text = formats[node.format as string] ?? 'assay'
  const padded = text.padEnd(Number(node.minLength ?? 0), 'x')
  return typeof node.maxLength === 'number' ? padded.slice(0, node.maxLength) : padded
}

const local = (ref: string, root: unknown): unknown =>
  ref.startsWith('#/')
    ? ref
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Schema | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], root)
    : null

const firstDefined = (values: unknown[]): unknown => values.find((value) => value !== undefined)
