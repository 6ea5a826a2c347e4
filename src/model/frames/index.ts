import { isObject } from '../exchange.ts'
import type { Revision } from '../revision.ts'
import type { DefinitionName } from './names.ts'
import { type FrameProblem, problemsOf } from './problem.ts'
import { type FrameSchema, frameSchema } from './schema.ts'

export type { DefinitionName } from './names.ts'
export type { FrameProblem } from './problem.ts'

const batches: Revision = '2025-03-26'
const maximumProblems = 10
/** Above this many values a frame is told its first problem only: listing all of them has no bound. */
const maximumListed = 50_000

/** What is wrong with `result` as the answer to `method`. `request.task` says whether the request asked for a task. */
export const validateResult = (revision: Revision, method: string, result: unknown, request: { task?: boolean } = {}): FrameProblem[] =>
  guarded(revision, (schema) => {
    const [own = 'Result', ...others] = entry(schema.index.results, method) ?? []
    const type = memberOf(result, 'resultType')
    if (revision < '2026-07-28') {
      const task = request.task && others.includes('CreateTaskResult') && memberOf(result, 'task') !== undefined
      return validate(schema, task ? 'CreateTaskResult' : own, result)
    }
    if (typeof type !== 'string' || type === 'complete') return validate(schema, own, result)
    // An extension has result types of its own, of which only the base is known here.
    if (type !== 'input_required' || own === 'Result') return validate(schema, 'Result', result)
    return others.includes('InputRequiredResult')
      ? validate(schema, 'InputRequiredResult', result)
      : [{ path: '/resultType', message: `must not be "input_required" in a result of ${method}`, keyword: 'resultType' }]
  })

/** What is wrong with a notification of a server. Methods the revision does not define have no shape to break. */
export const validateNotification = (revision: Revision, message: unknown): FrameProblem[] =>
  guarded(revision, (schema) => validateMethod(schema, 'notifications', message))

/** What is wrong with a request of a server. Methods the revision does not define have no shape to break. */
export const validateServerRequest = (revision: Revision, message: unknown): FrameProblem[] =>
  guarded(revision, (schema) => validateMethod(schema, 'requests', message))

/** What is wrong with a part of a frame. Nothing, when the revision has no such part. */
export const validateDefinition = (revision: Revision, definition: DefinitionName, value: unknown): FrameProblem[] =>
  guarded(revision, (schema) => {
    return schema.has(definition) ? validate(schema, definition, value) : []
  })

/** What is wrong with a message as JSON-RPC, and with an error by its code; what a result or params hold is not looked at. */
export const validateEnvelope = (revision: Revision, message: unknown): FrameProblem[] =>
  guarded(revision, (schema) => {
    if (!Array.isArray(message)) return envelope(schema, message)
    if (revision !== batches) return [{ path: '', message: `must be an object: ${revision} has no batches`, keyword: 'type' }]
    if (message.length === 0) return [{ path: '', message: 'must hold at least one message', keyword: 'minItems' }]
    const problems: FrameProblem[] = []
    for (const [index, one] of message.entries()) {
      problems.push(...envelope(schema, one).map((problem) => ({ ...problem, path: `/${index}${problem.path}` })))
      if (problems.length >= maximumProblems) break
    }
    return problems.slice(0, maximumProblems)
  })

function envelope(schema: FrameSchema, message: unknown): FrameProblem[] {
  if (!isObject(message)) return [{ path: '', message: 'must be an object', keyword: 'type' }]
  const { envelopes, errors } = schema.index
  const [method, id, result, error] = ['method', 'id', 'result', 'error'].map((name) => Object.hasOwn(message, name))
  if (method) return validate(schema, id ? envelopes.request : envelopes.notification, message)
  if (result && error) return [{ path: '', message: 'must not have both result and error', keyword: 'not' }]
  if (result) return validate(schema, envelopes.result, message)
  if (!error) return [{ path: '', message: 'must have a method, a result or an error', keyword: 'required' }]
  const own = entry(errors, String(memberOf(message.error, 'code')))
  // JSON-RPC wants null where the id of the request could not be read.
  return validate(schema, own ?? envelopes.error, message.id === null ? { ...message, id: 0 } : message)
}

function validateMethod(schema: FrameSchema, kind: 'notifications' | 'requests', message: unknown): FrameProblem[] {
  const definition = entry(schema.index[kind], memberOf(message, 'method'))
  return definition === undefined ? [] : validate(schema, definition, message)
}

function validate(schema: FrameSchema, definition: string, value: unknown): FrameProblem[] {
  const first = schema.compiled(definition, 'first')
  if (first(value)) return []
  if (!isListable(value)) return problemsOf(first.errors ?? [])
  const all = schema.compiled(definition, 'all')
  all(value)
  return problemsOf(all.errors ?? [])
}

function isListable(value: unknown): boolean {
  const queue = [value]
  let seen = 0
  while (queue.length > 0) {
    const next = queue.pop()
    if (!isObject(next) && !Array.isArray(next)) continue
    const inner = Object.values(next)
    seen += inner.length
    if (seen > maximumListed) return false
    queue.push(...inner)
  }
  return true
}

const memberOf = (value: unknown, name: string): unknown => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined)

const entry = <Value>(table: Record<string, Value>, key: unknown): Value | undefined =>
  typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined

// What is given comes from a stranger: a value that cannot be read (a getter that throws, a proxy) is a problem of it, not of ours.
function guarded(revision: Revision, judge: (schema: FrameSchema) => FrameProblem[]): FrameProblem[] {
  const schema = frameSchema(revision)
  try {
    return judge(schema)
  } catch (error) {
    return [{ path: '', message: `cannot be read: ${error instanceof Error ? error.message : 'reading it throws'}`, keyword: 'unreadable' }]
  }
}
