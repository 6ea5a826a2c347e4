import { check, each, holdsIf, isObject, type Judgement, probe, section, type ToolDefinition } from '../../../src/model/index.ts'

const tools = probe(
  'tools as the stateless era lists them',
  { requires: 'tools' },
  async ({ catalogue }) => (await catalogue()).tools.items,
)

export interface Annotation {
  tool: string
  /** Keys from the root of the schema. */
  path: string[]
  value: unknown
  type: unknown
  /** Reached through `properties` only. */
  reachable: boolean
}

const deepest = 64

/** Every `x-mcp-header` of a tool, wherever it stands. A property of that name is no annotation. */
export function annotationsOf({ name, inputSchema }: ToolDefinition): Annotation[] {
  const found: Annotation[] = []
  const visit = (node: unknown, path: string[], reachable: boolean): void => {
    if (path.length > deepest || typeof node !== 'object' || node === null) return
    if (isObject(node) && 'x-mcp-header' in node)
      found.push({ tool: name, path, value: node['x-mcp-header'], type: node.type, reachable: reachable && path.length > 0 })
    for (const [key, inner] of Object.entries(node)) {
      if (key === 'x-mcp-header' || data.has(key)) continue
      const names =
        key === 'properties' || key === '$defs' || key === 'definitions' || key === 'patternProperties' || key === 'dependentSchemas'
      if (names && isObject(inner))
        for (const [property, schema] of Object.entries(inner)) visit(schema, [...path, key, property], reachable && key === 'properties')
      else visit(inner, [...path, key], false)
    }
  }
  visit(inputSchema, [], true)
  return found
}

/** Keywords whose values are not schemas. */
const data = new Set(['const', 'default', 'enum', 'examples'])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const primitive = ['integer', 'string', 'boolean']
const secret = /pass(word|phrase|wd)|secret|token|api[-_]?key|credential|private[-_]?key|ssn/i

export const isToken = ({ value }: Annotation): boolean => typeof value === 'string' && token.test(value)
export const isPrimitive = ({ type }: Annotation): boolean => typeof type === 'string' && primitive.includes(type)

const place = ({ tool, path }: Annotation): string => `${tool}: ${path.join('/') || 'the schema itself'}`

function everyAnnotation(tools: readonly ToolDefinition[], judge: (annotation: Annotation) => Judgement): Judgement {
  return each(tools.flatMap(annotationsOf), 'no tool mirrors an argument in a header', judge)
}

export default section({ spec: 'mcp', page: 'server/tools#x-mcp-header', revisions: '2026-07-28', over: 'http' }, [
  check('stateless/annotation-name', {
    title: 'Header annotations are header names',
    must: 'give each `x-mcp-header` a value that is a token of HTTP, without control characters',
    requires: 'tools',
    needs: { tools },
    judge: ({ tools }) =>
      everyAnnotation(tools, (annotation) =>
        holdsIf(isToken(annotation), `annotates ${place(annotation)} with a value that is no header name`, {
          expected: String(token),
          actual: annotation.value,
        }),
      ),
    fix: 'Use letters, digits and hyphens.',
    covers: 'headers.xmcp.token-syntax',
  }),

  check('stateless/annotation-uniqueness', {
    title: 'Header annotations of a tool differ',
    must: 'use an `x-mcp-header` value once in a schema, whatever its case',
    requires: 'tools',
    needs: { tools },
    judge: ({ tools }) =>
      each(
        tools
          .map((tool) => ({ tool, names: annotationsOf(tool).map(({ value }) => String(value).toLowerCase()) }))
          .filter(({ names }) => names.length > 0),
        'no tool mirrors an argument in a header',
        ({ tool, names }) => holdsIf(new Set(names).size === names.length, `${tool.name} uses a header name twice`, { actual: names }),
      ),
    fix: 'Give each annotated argument a header of its own.',
    covers: 'headers.xmcp.unique',
  }),

  check('stateless/annotation-type', {
    title: 'Only strings, integers and booleans are mirrored in headers',
    must: 'annotate only arguments of type string, integer or boolean',
    requires: 'tools',
    needs: { tools },
    judge: ({ tools }) =>
      everyAnnotation(tools, (annotation) =>
        holdsIf(isPrimitive(annotation), `annotates ${place(annotation)}, which is not of a primitive type`, {
          expected: primitive.join(', '),
          actual: annotation.type ?? 'no type',
        }),
      ),
    fix: 'Say integer for whole numbers; leave objects, arrays and fractions unannotated.',
    covers: 'headers.xmcp.primitive',
  }),

  check('stateless/annotation-place', {
    title: 'Header annotations are reached through properties',
    must: 'annotate only properties that are reached from the root of the schema through `properties`',
    requires: 'tools',
    needs: { tools },
    judge: ({ tools }) =>
      everyAnnotation(tools, (annotation) =>
        holdsIf(annotation.reachable, `annotates ${place(annotation)}, where no value can be read for it`, { actual: annotation.path }),
      ),
    fix: 'Take annotations out of array items, alternatives, conditions and definitions.',
    covers: 'headers.xmcp.reachable',
  }),

  check('stateless/annotation-secrecy', {
    title: 'Sensitive arguments are not mirrored in headers',
    should: 'mark no password, key, token or personal data with `x-mcp-header`',
    requires: 'tools',
    needs: { tools },
    judge: ({ tools }) =>
      everyAnnotation(tools, (annotation) =>
        holdsIf(!secret.test(`${annotation.path.at(-1)} ${annotation.value}`), `mirrors ${place(annotation)} in a header`, {
          actual: annotation.value,
        }),
      ),
    fix: 'Take the annotation off: intermediaries log headers.',
    covers: 'headers.xmcp.no-secrets',
  }),
])
