import {
  type Connection,
  type ConnectOptions,
  type Era,
  type Exchange,
  eraOf,
  isRequest,
  type ListenOptions,
  type Revision,
  resultOf,
  type SendOptions,
  type Stream,
  type ToolDefinition,
} from '../model/index.ts'
import { answerToServer, clientInfo, mirroredHeaders, withMeta } from './envelope.ts'
import { exchangeOverHttp, type HttpCall, type HttpSockets, openOverHttp } from './http.ts'
import { OpenStream } from './open-stream.ts'
import type { Recorder } from './recorder.ts'

export interface Endpoint {
  url: URL
  /** Sent with every request, below what a caller gives. */
  headers: Record<string, string>
}

export interface Link {
  recorder: Recorder
  sockets: HttpSockets
  endpoint: Endpoint
  /** The target's tools, once they are known: their schemas say which arguments are mirrored in headers. */
  tools: Map<string, ToolDefinition>
}

type Headers = Record<string, string | string[] | null | undefined>

/** Opens a connection: `initialize` and `initialized` in the session era, `server/discover` in the stateless one. Never rejects. */
export async function connectOverHttp(
  link: Link,
  revision: Revision,
  options: ConnectOptions & { token?: string | null },
): Promise<HttpConnection> {
  const connection = new HttpConnection(link, revision, options)
  await connection.open(options.hold ?? false)
  return connection
}

class HttpConnection implements Connection {
  readonly number: number
  readonly revision: Revision
  readonly era: Era
  readonly via = 'http'
  readonly token?: string
  opening!: Exchange
  sessionId?: string
  capabilities: Record<string, unknown> = {}
  serverInfo?: Record<string, unknown>
  readonly #link: Link
  readonly #claims: Record<string, unknown>
  readonly #headers: Record<string, string>
  readonly #streams = new Set<Stream>()
  #nextId = 0
  #closed = false

  constructor(link: Link, revision: Revision, options: ConnectOptions & { token?: string | null }) {
    this.#link = link
    this.number = link.recorder.nextConnection(options.revision)
    this.revision = revision
    this.era = eraOf(revision)
    this.token = options.token ?? undefined
    this.#claims = options.capabilities ?? {}
    this.#headers = options.headers ?? {}
  }

  async open(hold: boolean): Promise<void> {
    if (this.era === 'stateless') {
      this.opening = await this.send('server/discover')
    } else {
      this.opening = await this.send('initialize', { protocolVersion: this.revision, capabilities: this.#claims, clientInfo })
      this.sessionId = this.opening.response?.headers['mcp-session-id']
    }
    const result = resultOf(this.opening)
    this.capabilities = (result?.capabilities as Record<string, unknown>) ?? {}
    const meta = result?._meta as Record<string, unknown> | undefined
    this.serverInfo = (result?.serverInfo ?? meta?.['io.modelcontextprotocol/serverInfo']) as Record<string, unknown> | undefined
    if (this.era === 'session' && result !== undefined && !hold) await this.notify('notifications/initialized')
  }

  send(method: string, params?: Record<string, unknown>, options: SendOptions = {}): Promise<Exchange> {
    this.#nextId += 1
    const id = 'id' in options ? options.id : this.#nextId
    const full = withMeta(this.era, this.revision, this.#claims, params, options.meta)
    const message = { jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method, ...(full === undefined ? {} : { params: full }) }
    const rpc = id === undefined ? { method } : { id, method }
    return this.#post(JSON.stringify(message), { ...options, headers: { ...this.#mirrored(method, full), ...options.headers } }, rpc)
  }

  notify(method: string, params?: Record<string, unknown>, options: SendOptions = {}): Promise<Exchange> {
    const full = withMeta(this.era, this.revision, this.#claims, params, options.meta)
    const message = { jsonrpc: '2.0', method, ...(full === undefined ? {} : { params: full }) }
    return this.#post(JSON.stringify(message), { ...options, headers: { ...this.#mirrored(method, full), ...options.headers } }, { method })
  }

  post(body: unknown, options: SendOptions = {}): Promise<Exchange> {
    const message = body as { method?: unknown; params?: Record<string, unknown> } | null
    const mirrored = typeof message?.method === 'string' ? this.#mirrored(message.method, message.params) : {}
    return this.#post(typeof body === 'string' ? body : JSON.stringify(body), { ...options, headers: { ...mirrored, ...options.headers } })
  }

  http(verb: string, options: SendOptions & { body?: string } = {}): Promise<Exchange> {
    const headers: Headers = { Accept: verb === 'GET' ? 'text/event-stream' : undefined, ...options.headers }
    return this.#exchange({ ...this.#common(options), method: verb, headers: this.#fields(headers), body: options.body })
  }

  listen(options: ListenOptions = {}): Promise<Stream> {
    return this.era === 'stateless' ? this.#openStream(...this.#listenCall(options)) : this.#openStream('GET', options, undefined)
  }

  async close(): Promise<Exchange | undefined> {
    if (this.#closed) return undefined
    this.#closed = true
    await Promise.all([...this.#streams].map((stream) => stream.close()))
    return this.sessionId === undefined ? undefined : this.http('DELETE')
  }

  #listenCall(options: ListenOptions): ['POST', ListenOptions, string] {
    this.#nextId += 1
    const params = withMeta(this.era, this.revision, this.#claims, { notifications: options.filter ?? {} }, options.meta)
    const message = { jsonrpc: '2.0', id: 'id' in options ? options.id : this.#nextId, method: 'subscriptions/listen', params }
    return [
      'POST',
      { ...options, headers: { ...this.#mirrored('subscriptions/listen', params), ...options.headers } },
      JSON.stringify(message),
    ]
  }

  async #openStream(method: 'GET' | 'POST', options: ListenOptions, body: string | undefined): Promise<Stream> {
    const headers: Headers = {
      ...(body === undefined
        ? { Accept: 'text/event-stream' }
        : { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }),
      'Last-Event-ID': options.after,
      ...options.headers,
    }
    const abort = new AbortController()
    const waiting = new Set<() => void>()
    const { exchange, done } = await openOverHttp(this.#link.recorder, this.#link.sockets, {
      ...this.#common(options),
      method,
      headers: this.#fields(headers),
      body,
      abort: abort.signal,
      onMessage: (message) => {
        this.#react(message)
        options.onMessage?.(message)
        for (const look of waiting) look()
      },
    })
    const stream = new OpenStream(exchange, done, waiting, () => {
      abort.abort()
      return done
    })
    this.#streams.add(stream)
    return stream
  }

  #mirrored(method: string, params: Record<string, unknown> | undefined): Record<string, string> {
    return this.era === 'stateless' ? mirroredHeaders(method, params, this.#link.tools.get(params?.name as string)) : {}
  }

  #post(body: string, options: SendOptions, rpc?: HttpCall['rpc']): Promise<Exchange> {
    const headers: Headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...options.headers }
    return this.#exchange({ ...this.#common(options), method: 'POST', headers: this.#fields(headers), body, rpc })
  }

  #common(options: SendOptions) {
    const { deadline, until, wholeStream, abort, passing } = options
    const onMessage = (message: unknown) => {
      this.#react(message)
      options.onMessage?.(message)
    }
    return { connection: this.number, url: this.#link.endpoint.url, deadline, until, wholeStream, abort, passing, onMessage }
  }

  /** A client answers what a server asks, or the server waits for ever. */
  #react(message: unknown): void {
    if (!isRequest(message) || this.era === 'stateless' || this.#closed) return
    void this.#post(answerToServer(message), {})
  }

  #fields(own: Headers): [string, string][] {
    const established = this.opening !== undefined || this.era === 'stateless'
    const named = established && this.revision >= '2025-06-18' ? this.revision : undefined
    const base: Headers = {
      ...this.#link.endpoint.headers,
      Authorization: this.token === undefined ? undefined : `Bearer ${this.token}`,
      'MCP-Protocol-Version': named,
      'Mcp-Session-Id': this.sessionId,
      ...this.#headers,
    }
    return mergeHeaders(base, own)
  }

  #exchange(call: HttpCall): Promise<Exchange> {
    return exchangeOverHttp(this.#link.recorder, this.#link.sockets, call)
  }
}

export type { HttpConnection }

/** Later fields replace earlier ones whatever their case; `null` and `undefined` leave a field out; an array repeats it. */
function mergeHeaders(...layers: Headers[]): [string, string][] {
  const merged = new Map<string, [string, string | string[] | null]>()
  for (const layer of layers) {
    for (const name in layer) {
      const value = layer[name]
      if (value !== undefined) merged.set(name.toLowerCase(), [name, value])
    }
  }
  const fields: [string, string][] = []
  for (const [name, value] of merged.values()) {
    if (typeof value === 'string') fields.push([name, value])
    else for (const each of value ?? []) fields.push([name, each])
  }
  return fields
}
