import { type Exchange, isObject, isResponse, type Revision, type UnitFacts } from '../../../src/model/index.ts'

export type Json = Record<string, unknown>

/** One JSON-RPC message the target sent. */
export interface Frame {
  message: Json
  exchange: Exchange
  /** The method of the request this message answers, when that is certain. */
  answers?: string
  /** Set when the exchange ran under the revision of the unit beyond doubt: only then its schema binds the message. */
  inForce: boolean
}

/**
 * The JSON-RPC messages of a transcript. Probes of all kinds leave their traces there, damaged requests and other revisions
 * included, so each message says whether the schema of this revision may be held against it.
 */
export function framesOf(exchanges: readonly Exchange[], facts: UnitFacts): Frame[] {
  // A dozen checks read the same transcript.
  let frames = read.get(exchanges)
  if (frames === undefined) {
    frames = readFrames(exchanges, facts)
    read.set(exchanges, frames)
  }
  return frames
}

const read = new WeakMap<readonly Exchange[], Frame[]>()

function readFrames(exchanges: readonly Exchange[], facts: UnitFacts): Frame[] {
  const agreed = facts.era === 'session' ? agreements(exchanges) : undefined
  const repeated = repeatedIds(exchanges)
  return exchanges.flatMap((exchange) => {
    const spoken = agreed ? revisionOf(exchange, agreed) : namedRevision(exchange, requestOf(exchange))
    const inForce = spoken === facts.revision
    return exchange.messages.flatMap(({ message }) =>
      isObject(message) && isFrame(exchange, message)
        ? [{ message, exchange, answers: repeated.has(idKey(exchange)) ? undefined : answeredMethod(exchange, message), inForce }]
        : [],
    )
  })
}

/** The request of an exchange as sent, when it is one JSON object. */
export function requestOf(exchange: Exchange): Json | undefined {
  try {
    const body: unknown = JSON.parse(exchange.request.body ?? '')
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}

// Bodies of error statuses, of metadata documents and of other methods need not be JSON-RPC unless they say so.
function isFrame(exchange: Exchange, message: Json): boolean {
  if ('jsonrpc' in message || exchange.via === 'stdio') return true
  if (exchange.connection === 0) return false
  if (exchange.response?.events !== undefined) return true
  const status = exchange.response?.status ?? 0
  return exchange.request.method === 'POST' && status >= 200 && status < 300
}

const answeredMethod = ({ request }: Exchange, message: Json): string | undefined =>
  isResponse(message) && request.rpc !== undefined && message.id === request.rpc.id && typeof request.rpc.method === 'string'
    ? request.rpc.method
    : undefined

const idKey = ({ connection, request }: Exchange): string => JSON.stringify([connection, request.rpc?.id])

/** Ids sent more than once on a connection: which request a response answers is then anyone's guess, and not the target's fault. */
function repeatedIds(exchanges: readonly Exchange[]): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const exchange of exchanges) {
    if (exchange.request.rpc?.id === undefined) continue
    const key = idKey(exchange)
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
}

interface Agreements {
  bySession: Map<string, unknown>
  byConnection: Map<number, unknown>
}

function agreements(exchanges: readonly Exchange[]): Agreements {
  const bySession = new Map<string, unknown>()
  const byConnection = new Map<number, unknown>()
  for (const exchange of exchanges) {
    const version = agreedVersion(exchange)
    if (version === undefined) continue
    const session = exchange.response?.headers['mcp-session-id']
    if (session !== undefined) bySession.set(session, version)
    if (!byConnection.has(exchange.connection)) byConnection.set(exchange.connection, version)
  }
  return { bySession, byConnection }
}

function agreedVersion(exchange: Exchange): unknown {
  if (exchange.request.rpc?.method !== 'initialize') return undefined
  const answer = exchange.messages.map(({ message }) => message).find(isResponse)
  return isObject(answer?.result) ? answer.result.protocolVersion : undefined
}

function revisionOf(exchange: Exchange, { bySession, byConnection }: Agreements): unknown {
  const opened = agreedVersion(exchange)
  if (opened !== undefined) return opened
  const [version] = sentHeaders(exchange, 'mcp-protocol-version')
  const [session] = sentHeaders(exchange, 'mcp-session-id')
  const agreed =
    session === undefined ? (exchange.connection === 0 ? undefined : byConnection.get(exchange.connection)) : bySession.get(session)
  return version === undefined || version === agreed ? agreed : undefined
}

function namedRevision(exchange: Exchange, sent: Json | undefined): unknown {
  const meta = isObject(sent?.params) && isObject(sent.params._meta) ? sent.params._meta : {}
  const version = meta['io.modelcontextprotocol/protocolVersion']
  if (exchange.via === 'stdio') return version
  const headers = sentHeaders(exchange, 'mcp-protocol-version')
  return headers.length === 1 && headers[0] === version ? version : undefined
}

const sentHeaders = ({ request }: Exchange, name: string): string[] =>
  request.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)

/** The code of an error message, whatever its type. */
export const codeOf = ({ message }: Frame): unknown => (isObject(message.error) ? message.error.code : undefined)

/** Why a frame that must exist is judged at another revision only, in words. */
export const noneInForce = (what: string, revision: Revision): string => `the target sent no ${what} under ${revision}`
