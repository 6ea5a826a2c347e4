import { isUtf8 } from 'node:buffer'
import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { EventStreamParser, type Exchange, type ExchangeFailure, isResponse } from '../model/index.ts'
import { parse } from './envelope.ts'
import { keptText, type Recorder } from './recorder.ts'
import { type Credentials, type Securing, securedBy } from './tls.ts'

// Importing them would read every member they export, and one of those loads another HTTP client.
const http = process.getBuiltinModule('node:http')
const https = process.getBuiltinModule('node:https')

export interface HttpCall {
  connection: number
  method: string
  url: URL
  /** Instead of the path and query of the URL, however it is spelt. */
  target?: string
  /** For a connection of its own. */
  tls?: Securing
  /** In order, duplicates kept. `Host` is added when missing, nothing else is. */
  headers: [string, string][]
  body?: string | Uint8Array
  /** What the body is known to hold; otherwise it is read from the body. */
  rpc?: { id?: unknown; method?: string }
  /** Sends this many bytes of the body and then nothing, holding the connection open. */
  halfOpen?: number
  /** Sends one byte each so many milliseconds. */
  drip?: number
  deadline?: number
  /** Ends the exchange when it says so of a message. Without it an event stream ends our wait with the response. */
  until?: (message: unknown) => boolean
  wholeStream?: boolean
  abort?: AbortSignal
  onMessage?: (message: unknown) => void
  onHead?: () => void
  /** Not written down by itself. */
  passing?: boolean
  /** Keeps an event stream open past the response and the deadline, until aborted. */
  stream?: boolean
}

/** After a response on a stream the peer has this long to end it before we do, in milliseconds. */
const lingering = 1_000

/** Sockets of one target; `close` drops them all. */
export class HttpSockets {
  readonly #plain = new http.Agent({ keepAlive: true, maxSockets: 256 })
  readonly #secure: InstanceType<typeof https.Agent>

  readonly #others: HttpSockets[] = []

  constructor(credentials: Credentials = {}) {
    this.#secure = new https.Agent({ keepAlive: true, maxSockets: 256, ...credentials })
  }

  /** Sockets on which something else is shown; closed with these. */
  as(credentials: Credentials): HttpSockets {
    const others = new HttpSockets(credentials)
    this.#others.push(others)
    return others
  }

  for(url: URL): Agent {
    return url.protocol === 'https:' ? this.#secure : this.#plain
  }

  close(): void {
    this.#plain.destroy()
    this.#secure.destroy()
    for (const others of this.#others) others.close()
  }
}

/**
 * One HTTP exchange, recorded. Resolves when the answer is there, the peer has closed, or the deadline has passed, whatever
 * the peer does; never rejects. The exchange may grow a little after that, until the stream is ended.
 */
export async function exchangeOverHttp(recorder: Recorder, sockets: HttpSockets, call: HttpCall): Promise<Exchange> {
  await recorder.turn()
  const attempt = () => new HttpExchange(recorder, sockets, call).done
  const first = await attempt()
  if (!first.stale) return first.exchange
  // The peer had closed an idle connection before our request reached it: a property of keep-alive, not of the target.
  recorder.strike(first.exchange)
  return (await attempt()).exchange
}

/** Opens a stream the peer may keep open: resolves once its head is there, or it has failed. */
export async function openOverHttp(
  recorder: Recorder,
  sockets: HttpSockets,
  call: HttpCall,
): Promise<{ exchange: Exchange; done: Promise<unknown> }> {
  await recorder.turn()
  const head = Promise.withResolvers<void>()
  // A socket of its own: an idle one might have been closed by the peer, and a stream is not begun twice.
  const opened = new HttpExchange(recorder, sockets, { ...call, stream: true, onHead: head.resolve })
  await Promise.race([head.promise, opened.done])
  return { exchange: opened.exchange, done: opened.done }
}

type Address = Pick<RequestOptions, 'protocol' | 'hostname' | 'port' | 'path'>

// Taking a URL apart costs as much as sending the request, and nearly all of them are to one.
const addresses = new WeakMap<URL, Address>()

function partsOf(url: URL): Address {
  const known = addresses.get(url)
  if (known !== undefined) return known
  const { protocol, hostname, port, pathname, search } = url
  const address = { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port: port || undefined, path: pathname + search }
  addresses.set(url, address)
  return address
}

class HttpExchange {
  readonly exchange: Exchange
  readonly done: Promise<{ exchange: Exchange; stale: boolean }>
  readonly #recorder: Recorder
  readonly #call: HttpCall
  #request?: ClientRequest
  readonly #chunks: Buffer[] = []
  readonly #decoder = new TextDecoder()
  readonly #timer: NodeJS.Timeout
  readonly #settle: (value: { exchange: Exchange; stale: boolean }) => void
  #parser?: EventStreamParser
  #size = 0
  #waiting = true
  #drip?: NodeJS.Timeout

  constructor(recorder: Recorder, sockets: HttpSockets, call: HttpCall) {
    this.#recorder = recorder
    this.#call = call
    const settled = Promise.withResolvers<{ exchange: Exchange; stale: boolean }>()
    this.done = settled.promise
    this.#settle = settled.resolve
    const text = typeof call.body === 'object' ? Buffer.from(call.body).toString('utf8') : call.body
    this.exchange = recorder.begin(
      'http',
      call.connection,
      {
        method: call.method,
        url: call.target === undefined ? call.url.href : addressOf(call.url, call.target),
        headers: call.headers,
        body: text,
        ...(call.tls === undefined ? {} : { tls: call.tls.choice }),
        rpc: call.rpc ?? rpcOf(text),
        pace: call.halfOpen !== undefined ? 'half-open' : call.drip !== undefined ? 'slow' : undefined,
      },
      call.passing,
    )
    const deadline = call.deadline ?? recorder.limits.exchangeDeadline
    this.#timer = setTimeout(() => this.#fail('timeout', `nothing more within ${deadline} ms`, 'time'), deadline)
    try {
      this.#request = this.#open(sockets)
    } catch (error) {
      // Node refuses to put some header values on the wire.
      this.#fail('aborted', `not sent: ${(error as Error).message}`)
    }
  }

  /** What really goes over the wire: secrets instead of their names. */
  #revealed(): Pick<HttpCall, 'url' | 'headers' | 'body'> {
    const { connection, url, headers, body } = this.#call
    if (connection !== 0) return { url, headers, body }
    const reveal = (text: string) => this.#recorder.reveal(text)
    return {
      url: url.href.includes('$') ? new URL(reveal(url.href)) : url,
      headers: headers.map(([name, value]) => [name, reveal(value)]),
      body: typeof body === 'string' ? reveal(body) : body,
    }
  }

  #open(sockets: HttpSockets): ClientRequest {
    const { method, abort } = this.#call
    const { url, headers, body } = this.#revealed()
    const given = headers.map(([name]) => name.toLowerCase())
    const all: [string, string][] = given.includes('host') ? headers : [['Host', url.host], ...headers]
    if (body !== undefined && !given.includes('content-length') && !given.includes('transfer-encoding'))
      all.push(['Content-Length', String(Buffer.byteLength(body))])
    const { tls, target } = this.#call
    const request = (url.protocol === 'https:' ? https : http).request({
      ...partsOf(url),
      method,
      agent: this.#call.stream || tls ? false : sockets.for(url),
      ...tls?.options,
      ...(target === undefined ? {} : { path: target }),
      headers: all.flat() as unknown as OutgoingHttpHeaders,
      maxHeaderSize: 65_536,
    })
    request.on('response', (response) => this.#onResponse(response))
    if (tls !== undefined)
      request.on('socket', (socket) => {
        socket.once('secureConnect', () => {
          this.exchange.tls = securedBy(socket as TLSSocket)
        })
      })
    request.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    abort?.addEventListener('abort', () => this.#stop(), { once: true })
    if (abort?.aborted) queueMicrotask(() => this.#stop())
    this.#write(request, body)
    return request
  }

  #write(request: ClientRequest, whole: string | Uint8Array | undefined): void {
    const { halfOpen, drip } = this.#call
    if (whole !== undefined && halfOpen !== undefined) {
      request.flushHeaders()
      request.write(Buffer.from(whole as string).subarray(0, halfOpen))
    } else if (whole !== undefined && drip !== undefined) {
      request.flushHeaders()
      const body = Buffer.from(whole as string)
      let sent = 0
      this.#drip = setInterval(() => {
        if (sent < body.length) request.write(body.subarray(sent, ++sent))
        else {
          clearInterval(this.#drip)
          request.end()
        }
      }, drip)
    } else {
      request.end(whole)
    }
  }

  #onResponse(response: IncomingMessage): void {
    const headers: Record<string, string> = {}
    for (let i = 0; i < response.rawHeaders.length; i += 2) {
      const name = response.rawHeaders[i]!.toLowerCase()
      const value =
        name === 'set-cookie' ? this.#recorder.concealCookie(response.rawHeaders[i + 1]!) : this.#clean(response.rawHeaders[i + 1]!)
      // Cookies hold commas of their own (RFC 9110 §5.3).
      headers[name] = headers[name] === undefined ? value : `${headers[name]}${name === 'set-cookie' ? '\n' : ', '}${value}`
    }
    const received = { status: response.statusCode!, headers, body: '', size: 0, head: this.#recorder.now() }
    this.exchange.response = received
    if (/^\s*text\/event-stream\b/i.test(headers['content-type'] ?? '')) {
      this.exchange.response.events = []
      this.#parser = new EventStreamParser((event) => this.#onEvent(event))
    }
    this.#call.onHead?.()
    if (this.#call.stream && this.#parser) {
      clearTimeout(this.#timer)
      this.#recorder.end(this.exchange)
    }
    response.on('data', (chunk: Buffer) => this.#onData(chunk))
    response.on('end', () => this.#onEnd())
    response.on('aborted', () => this.#fail('reset', 'the peer broke the connection off within the body'))
    response.on('error', () => {})
  }

  #onData(chunk: Buffer): void {
    this.#size += chunk.length
    this.exchange.response!.size = this.#size
    if (this.#size > this.#recorder.limits.maxBytes) this.#fail('oversize', `more than ${this.#recorder.limits.maxBytes} bytes`, 'bytes')
    else if (this.#parser) this.#parser.push(this.#decoder.decode(chunk, { stream: true }))
    else this.#chunks.push(chunk)
  }

  #onEvent(event: { id?: string; event?: string; retry?: string; data: string }): void {
    const at = this.#recorder.now()
    const data = this.#recorder.redact(event.data)
    this.exchange.response!.events!.push({ at, ...event, data })
    if (data === '' || (event.event !== undefined && event.event !== 'message')) return
    const message = parse(data)
    if (message === undefined) return
    for (const each of Array.isArray(message) ? message : [message]) this.#onMessage(each, at)
  }

  #onMessage(message: unknown, at: number): void {
    this.exchange.messages.push({ at, message })
    this.#call.onMessage?.(message)
    if (!this.#waiting || this.#call.stream) return
    if (this.#call.until?.(message)) this.#stop()
    else if (!this.#call.wholeStream && isResponse(message) && this.#answers(message)) {
      this.#finish()
      clearTimeout(this.#timer)
      setTimeout(() => this.#request?.destroy(), lingering).unref()
    }
  }

  #answers(message: Record<string, unknown>): boolean {
    const rpc = this.exchange.request.rpc
    return rpc !== undefined && 'id' in rpc && (message.id === rpc.id || message.id === null || message.id === undefined)
  }

  #onEnd(): void {
    const response = this.exchange.response!
    response.ended = this.#recorder.now()
    this.#keepBody()
    this.#finish()
  }

  /** Outside a connection, what comes back may be credentials. */
  #clean(text: string): string {
    return this.#call.connection === 0 ? this.#recorder.conceal(text) : this.#recorder.redact(text)
  }

  #keepBody(): void {
    if (this.#parser || this.#chunks.length === 0) return
    const bytes = Buffer.concat(this.#chunks)
    const response = this.exchange.response!
    if (!isUtf8(bytes) && response.cut === undefined) response.notUtf8 = true
    const text = this.#clean(bytes.toString('utf8'))
    response.body = text.slice(0, keptText)
    const message = parse(text)
    if (message === undefined || typeof message !== 'object' || message === null) return
    const at = this.#recorder.now()
    for (const each of Array.isArray(message) ? message : [message]) this.exchange.messages.push({ at, message: each })
  }

  #onError(error: NodeJS.ErrnoException): void {
    const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE'
    if (reset && this.#request?.reusedSocket && this.exchange.response === undefined && this.#waiting) this.#giveUpStale()
    else if (error.code === 'ECONNREFUSED') this.#fail('refused', `connection refused by ${this.#call.url.host}`)
    else if (reset) this.#fail('reset', 'the peer reset the connection')
    else if (error.code?.startsWith('HPE_')) this.#fail('malformed', `not HTTP: ${error.message} (${error.code})`)
    else this.#fail('unreachable', error.message)
  }

  #giveUpStale(): void {
    this.#waiting = false
    clearTimeout(this.#timer)
    this.#recorder.end(this.exchange)
    this.#settle({ exchange: this.exchange, stale: true })
  }

  #fail(code: ExchangeFailure['code'], message: string, cut?: 'bytes' | 'time'): void {
    if (this.exchange.response && cut && this.exchange.response.ended === undefined) this.exchange.response.cut = cut
    if (this.#waiting) {
      this.exchange.failure = { code, message: this.#recorder.redact(message) }
      if (this.exchange.response) this.#keepBody()
    }
    this.#finish()
    this.#request?.destroy()
  }

  #stop(): void {
    if (this.#waiting && this.exchange.response === undefined)
      this.exchange.failure = { code: 'aborted', message: 'we dropped the connection' }
    this.#finish()
    this.#request?.destroy()
  }

  #finish(): void {
    clearInterval(this.#drip)
    if (!this.#waiting) return
    this.#waiting = false
    clearTimeout(this.#timer)
    this.#recorder.end(this.exchange)
    this.#settle({ exchange: this.exchange, stale: false })
  }
}

/** A target may be a whole URL by itself. */
const addressOf = (url: URL, target: string): string => (target.startsWith('/') ? `${url.origin}${target}` : `${url.origin} ${target}`)

function rpcOf(body: string | undefined): { id?: unknown; method?: string } | undefined {
  if (body === undefined || !body.startsWith('{') || body.length > 1_000_000) return undefined
  const message = parse(body) as Record<string, unknown> | undefined
  if (message === undefined || !('method' in message)) return undefined
  return 'id' in message ? { id: message.id, method: message.method as string } : { method: message.method as string }
}
