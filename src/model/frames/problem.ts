import type { ErrorObject } from 'ajv'
import { formatWords } from './formats.ts'

/** What is wrong with a frame: where (a JSON pointer, to the missing member if one is missing), and what. */
export interface FrameProblem {
  path: string
  message: string
  keyword: string
}

const maximum = 10

/** The errors of ajv in our words, unions said as one, at most ten. */
export function problemsOf(errors: ErrorObject[]): FrameProblem[] {
  const kept: ErrorObject[] = []
  for (const error of errors) {
    // ajv lists what each branch of a union misses before it says that none fits.
    if (error.keyword === 'anyOf') while (isWithin(kept.at(-1), error.instancePath)) kept.pop()
    if (error.keyword !== 'if') kept.push(error)
  }
  const problems = new Map<string, FrameProblem>()
  for (const error of kept) {
    const problem = problemOf(error)
    problems.set(`${problem.path} ${problem.message}`, problem)
    if (problems.size === maximum) break
  }
  return [...problems.values()]
}

const isWithin = (error: ErrorObject | undefined, path: string): boolean =>
  error !== undefined && (error.instancePath === path || error.instancePath.startsWith(`${path}/`))

function problemOf({ keyword, instancePath: path, params, schema, data, message }: ErrorObject): FrameProblem {
  switch (keyword) {
    case 'required':
      return { path: `${path}/${pointer(params.missingProperty)}`, message: 'is missing', keyword }
    case 'type':
      return { path, message: `must be ${[schema].flat().join(' or ')}, is ${typeOf(data)}`, keyword }
    case 'const':
      return { path, message: `must be ${show(schema)}, is ${show(data)}`, keyword }
    case 'enum':
      return { path, message: `must be one of ${params.allowedValues.map(show).join(', ')}, is ${show(data)}`, keyword }
    case 'format':
      return { path, message: `must be ${formatWords[params.format] ?? params.format}, is ${show(data)}`, keyword }
    case 'anyOf':
      return { path, message: `fits none of ${(schema as object[]).map(nameOf).join(', ')}`, keyword }
    default:
      return { path, message: message ?? `breaks ${keyword}`, keyword }
  }
}

const pointer = (member: string): string => member.replaceAll('~', '~0').replaceAll('/', '~1')

const nameOf = (branch: { $ref?: string; type?: string }): string => branch.$ref?.replace('#/$defs/', '') ?? branch.type ?? 'another shape'

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && !Number.isInteger(value) ? 'a fraction' : typeof value
}

/** Enough of a value to recognise it by. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  return typeof value === 'object' ? typeOf(value) : String(value)
}
