import type { Revision } from './revision.ts'

/**
 * What went over the wire, as plain data: it survives JSON, so a saved run can be judged again.
 * Times are milliseconds since the run began; sizes are bytes as received.
 */
export interface Exchange {
  /** Unique within one unit of a run (a target at a revision). */
  id: number
  /** The connection the exchange belongs to, `0` for a request outside any. */
  connection: number
  via: 'http' | 'stdio'
  /** Set when it was spoken at another revision than the unit's. */
  revision?: Revision
  request: SentRequest
  /** Absent when nothing, not even a status line, came back. */
  response?: ReceivedResponse
  /** Why the exchange did not run to its end, if it did not. A response may still be there, cut off. */
  failure?: ExchangeFailure
  /** How the connection was secured, where that was asked for. */
  tls?: SecuredBy
  /** Every JSON-RPC message that came back on this exchange, in order. */
  messages: ReceivedMessage[]
  started: number
  ended: number
}

export interface SentRequest {
  /** HTTP verb, or `stdin` over stdio. */
  method: string
  url: string
  headers: [name: string, value: string][]
  /** The body as sent, cut at the recorder's limit, secrets replaced. */
  body?: string
  /** The JSON-RPC id and method of the body, when it is one message. */
  rpc?: { id?: unknown; method?: string }
  /** How the bytes were sent when not all at once: kept for the replay. */
  pace?: 'half-open' | 'slow' | 'raw'
  /** What was offered for a TLS connection of its own. */
  tls?: { version?: string; ciphers?: string; client?: string | null }
}

export interface ReceivedResponse {
  status: number
  /** Lower-case names; repeated fields are joined with a comma and a space, those of cookies with a line break. */
  headers: Record<string, string>
  /** The body, cut at the recorder's limit. Empty for an event stream: see `events`. */
  body: string
  size: number
  /** Set when the limit on bytes or time cut the body off. */
  cut?: 'bytes' | 'time'
  /** Set when the body is not UTF-8. */
  notUtf8?: true
  events?: StreamEvent[]
  /** When the head arrived. */
  head: number
  /** When the body ended; absent while the peer keeps it open. */
  ended?: number
}

/** What was agreed on, and the certificate the peer showed. */
export interface SecuredBy {
  version: string
  cipher: string
  /** Why the certificate is not trusted; absent when it is. */
  problem?: string
  serial: string
  subject: string
  issuer: string
  names: string
  from: string
  to: string
}

export interface StreamEvent {
  at: number
  id?: string
  event?: string
  retry?: string
  data: string
}

export interface ReceivedMessage {
  at: number
  message: unknown
}

export interface ExchangeFailure {
  code: 'refused' | 'reset' | 'timeout' | 'oversize' | 'malformed' | 'exited' | 'aborted' | 'unreachable'
  message: string
}

type Json = Record<string, unknown>

/** An object of JSON: neither null nor an array. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The JSON object that a text is, or undefined when it is none. */
export function objectIn(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The JSON object in the body of the answer, or undefined when there is none. */
export const bodyOf = ({ response }: Exchange): Json | undefined => (response === undefined ? undefined : objectIn(response.body))

/** The JSON-RPC response that answers the request of this exchange: same id, with `result` or `error`. */
export function answerOf(exchange: Exchange): Json | undefined {
  const asked = exchange.request.rpc?.id
  const responses = exchange.messages.map(({ message }) => message).filter(isResponse)
  return responses.find((message) => message.id === asked) ?? responses.find((message) => message.id === null || message.id === undefined)
}

/** The `result` of the answer, or undefined when there is none. */
export function resultOf(exchange: Exchange): Json | undefined {
  const result = answerOf(exchange)?.result
  return isObject(result) ? result : undefined
}

/** The `error` of the answer, or undefined when there is none. `code` and `message` are as received, of any type. */
export function errorOf(exchange: Exchange): { code?: unknown; message?: unknown; data?: unknown } | undefined {
  const error = answerOf(exchange)?.error
  return isObject(error) ? error : undefined
}

export const statusOf = (exchange: Exchange): number | undefined => exchange.response?.status

export const headerOf = (exchange: Exchange, name: string): string | undefined => exchange.response?.headers[name.toLowerCase()]

/** The media type without parameters, lower-case; empty when absent. */
export const mediaTypeOf = (exchange: Exchange): string => (headerOf(exchange, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase()

/** Notifications received on this exchange, of one method or of all. */
export function notificationsOf(exchange: Exchange, method?: string): { method: string; params?: Json; at: number }[] {
  return exchange.messages.flatMap(({ message, at }) =>
    isNotification(message) && (method === undefined || message.method === method)
      ? [{ method: message.method as string, params: message.params as Json | undefined, at }]
      : [],
  )
}

/** Requests the peer sent on this exchange. */
export const requestsOf = (exchange: Exchange): Json[] => exchange.messages.map(({ message }) => message).filter(isRequest)

export const isResponse = (message: unknown): message is Json => isObject(message) && ('result' in message || 'error' in message)

export const isRequest = (message: unknown): message is Json => isObject(message) && 'method' in message && 'id' in message

export const isNotification = (message: unknown): message is Json => isObject(message) && 'method' in message && !('id' in message)
