import type { ServerResponse } from 'node:http'
import type { Era, UpstreamBehaviour, UpstreamCall } from '../../model/index.ts'
import { longestHold, pause, reply } from '../http-server.ts'
import { textResult } from './catalogue.ts'
import { type CacheHints, dressed, type Json, objectOf, type Reply, statusFor } from './protocol.ts'
import { openStream, sendEvent } from './streams.ts'

const largestText = 64 * 1024 * 1024

/** One request that is being answered. */
export interface Handling {
  call: UpstreamCall
  message: Json
  era: Era
  response: ServerResponse
  /** Settles when the caller drops the connection or cancels. */
  signal: AbortSignal
  /** The caller takes an event stream. */
  streams: boolean
  cache: CacheHints
  /** Set when this side drops the connection, so that it is not taken for the caller's doing. */
  dropped?: boolean
}

/** What a behaviour answers when nothing is damaged. */
export function scriptedReply(behaviour: UpstreamBehaviour, params: Json): Reply {
  if (behaviour.error) return { error: behaviour.error }
  if (behaviour.result) return { result: behaviour.result }
  const text = behaviour.text ?? String(objectOf(params.arguments).text ?? '')
  return textResult(behaviour.size === undefined ? text : sized(text, Math.min(behaviour.size, largestText)))
}

/** The text filled up to so many bytes; one that is longer is left out rather than cut within a character. */
function sized(text: string, size: number): string {
  const bytes = Buffer.alloc(Math.max(0, size), 'x')
  const start = Buffer.from(text)
  if (start.length <= bytes.length) start.copy(bytes)
  return bytes.toString('utf8')
}

export function envelope({ message, era, cache }: Pick<Handling, 'message' | 'era' | 'cache'>, answer: Reply): Json {
  const body = 'result' in answer ? { result: dressed(answer.result, String(message.method), era, cache) } : answer
  return { jsonrpc: '2.0', id: message.id ?? null, ...body }
}

/** Answers a request that has no script. */
export function answerPlainly(handling: Handling, answer: Reply, headers: Record<string, string> = {}): void {
  handling.call.completed = true
  reply(handling.response, statusFor(answer, handling.era), envelope(handling, answer), headers)
}

/** Answers a scripted call; `attempt` counts from one over the calls that share the script. */
export async function perform(handling: Handling, behaviour: UpstreamBehaviour, attempt: number): Promise<void> {
  const { call, response } = handling
  const faulty = attempt <= (behaviour.times ?? Number.POSITIVE_INFINITY)
  const damage = faulty ? behaviour.damage : undefined
  const refused = faulty && behaviour.status !== undefined
  const speaks = behaviour.notifications?.length || behaviour.progress?.length || damage === 'duplicate-answer'
  const streaming = Boolean(speaks) && handling.streams && !refused && damage !== 'reset' && damage !== 'html'
  if (streaming) openStream(response)

  const waited = await work(handling, behaviour, streaming)
  if (!waited) return endCancelled(handling)
  if (damage === 'reset') return drop(handling)
  if (refused) return reply(response, behaviour.status!)
  if (damage === 'no-answer') return hold(handling)

  call.completed = true
  if (damage === 'reset-after-handling') return drop(handling)
  if (damage === 'html')
    return reply(response, 200, '<!doctype html><title>Sorry</title><p>Something went wrong.', { 'content-type': 'text/html' })
  deliver(handling, scriptedReply(behaviour, objectOf(handling.message.params)), damage, streaming)
}

/** Never answers: waits for the caller to give up, and gives up itself in the end. */
export async function hold(handling: Handling): Promise<void> {
  if (await pause(longestHold, handling.signal)) drop(handling)
  else endCancelled(handling)
}

/** Spends the delay, speaking as scripted; false when the caller went away meanwhile. */
async function work({ message, response, signal }: Handling, behaviour: UpstreamBehaviour, streaming: boolean): Promise<boolean> {
  const delay = Math.min(behaviour.delay ?? 0, longestHold)
  if (!streaming) return pause(delay, signal)
  for (const notification of behaviour.notifications ?? []) sendEvent(response, { jsonrpc: '2.0', ...notification })
  const progressToken = objectOf(objectOf(message.params)._meta).progressToken
  const steps = progressToken === undefined ? [] : (behaviour.progress ?? [])
  for (const progress of steps) {
    if (!(await pause(delay / (steps.length + 1), signal))) return false
    sendEvent(response, { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } })
  }
  return pause(delay / (steps.length + 1), signal)
}

function deliver(handling: Handling, answer: Reply, damage: UpstreamBehaviour['damage'], streaming: boolean) {
  const { response, era } = handling
  const right = envelope(handling, answer)
  const sent = damage === 'wrong-id' ? { ...right, id: otherThan(right.id) } : right
  const text = JSON.stringify(sent)
  const body = damage === 'invalid-json' ? text.slice(0, -Math.ceil(text.length / 3)) : text
  if (!streaming) return reply(response, statusFor(answer, era), body)
  const copies = damage === 'duplicate-answer' ? 2 : 1
  response.end(`event: message\ndata: ${body}\n\n`.repeat(copies))
}

const otherThan = (id: unknown): unknown => (typeof id === 'number' ? id + 1_000_003 : `${String(id)}-other`)

/** Resets the connection from this side. */
export function drop(handling: Handling): void {
  handling.dropped = true
  handling.response.socket?.resetAndDestroy()
}

/** A cancelled request gets no response: its stream ends empty, unless the caller has gone. */
function endCancelled({ response, call }: Handling): void {
  if (call.cancelled !== 'notification') return
  if (!response.headersSent) openStream(response)
  response.end()
}
