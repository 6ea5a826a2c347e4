import type { IncomingMessage } from 'node:http'
import { type Era, eraOf, isObject, isRevision, type Revision } from '../../model/index.ts'

export type Json = Record<string, unknown>

export type Reply = { result: Json } | { error: { code: number; message: string; data?: unknown } }

export const objectOf = (value: unknown): Json => (isObject(value) ? value : {})

export const failed = (code: number, message: string, data?: unknown): Reply => ({
  error: { code, message, ...(data === undefined ? {} : { data }) },
})

export const versionKey = 'io.modelcontextprotocol/protocolVersion'
export const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

const serverInfo = { name: 'scripted-upstream', version: '1.0.0' }

const cacheable = /^server\/discover$|\/list$|^resources\/read$/

/** What a revision adds to every result of a method. */
export function dressed(result: Json, method: string, era: Era, cache: CacheHints): Json {
  if (era === 'session') return method === 'initialize' ? { serverInfo, ...result } : result
  const meta = { 'io.modelcontextprotocol/serverInfo': serverInfo, ...objectOf(result._meta) }
  return { resultType: 'complete', ...(cacheable.test(method) ? cache : {}), ...result, _meta: meta }
}

export interface CacheHints {
  ttlMs: number
  cacheScope: 'public' | 'private'
}

/** The revision a message asks to be served at, as claimed: it need not exist. */
export function claimedVersion(request: IncomingMessage, message: Json): string | undefined {
  const claimed = objectOf(objectOf(message.params)._meta)[versionKey]
  if (typeof claimed === 'string') return claimed
  const header = request.headers['mcp-protocol-version']
  return typeof header === 'string' ? header : undefined
}

const statelessOnly = new Set(['server/discover', 'subscriptions/listen'])

/** A message belongs to the stateless era when it carries its version, or when no other era has its method. */
export function eraOfMessage(message: Json, version: string | undefined): Era {
  if (message.method === 'initialize') return 'session'
  const carried = typeof objectOf(objectOf(message.params)._meta)[versionKey] === 'string'
  if (carried || statelessOnly.has(String(message.method))) return 'stateless'
  return isRevision(version) ? eraOf(version) : 'session'
}

/** The HTTP status the stateless era gives an error; the session era answers every request with 200. */
export function statusFor(reply: Reply, era: Era): number {
  if (era === 'session' || !('error' in reply)) return 200
  const { code } = reply.error
  if (code === -32601) return 404
  return code <= -32020 && code >= -32022 ? 400 : 200
}

const unsupported = (requested: string | undefined, supported: readonly Revision[]): Reply =>
  failed(-32022, 'Unsupported protocol version', { supported: [...supported], requested: requested ?? '' })

/** Whether the caller takes an event stream: a caller that says nothing takes everything. */
export function acceptsStream(request: IncomingMessage): boolean {
  const accept = request.headers.accept
  return accept === undefined || /text\/event-stream|text\/\*|\*\/\*/i.test(accept)
}

/** Why a message cannot be served at the version it claims, if so. */
export function wrongVersion(served: readonly Revision[], era: Era, version: string | undefined, message: Json): Reply | undefined {
  const known = isRevision(version) && served.includes(version)
  const speaks = served.some((revision) => eraOf(revision) === era)
  if (era === 'stateless') {
    // An upstream of the session era knows no error of the stateless one; callers take that as a sign to fall back.
    if (!speaks) return failed(-32600, 'Send initialize first')
    return known && eraOf(version) === 'stateless' ? undefined : unsupported(version, served)
  }
  if (!speaks) return unsupported(String(objectOf(message.params).protocolVersion ?? version ?? ''), served)
  return version === undefined || known || message.method === 'initialize'
    ? undefined
    : failed(-32600, `Unsupported protocol version: ${version}`)
}
