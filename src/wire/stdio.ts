import { isUtf8 } from 'node:buffer'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  type Connection,
  type ConnectOptions,
  type Era,
  type Exchange,
  eraOf,
  isRequest,
  isResponse,
  type ListenOptions,
  type Revision,
  resultOf,
  type SendOptions,
  type Stream,
} from '../model/index.ts'
import { answerToServer, clientInfo, parse, withMeta } from './envelope.ts'
import { OpenStream } from './open-stream.ts'
import type { Recorder } from './recorder.ts'

export interface Command {
  command: string
  args: string[]
  env?: Record<string, string>
  cwd?: string
}

/** A process may load much before it first answers, in milliseconds. */
const startUp = 20_000

/** How a server process ended, and what it wrote that was no message. Plain data. */
export interface ProcessRecord {
  /** Lines of stdout that are not JSON-RPC messages, the first hundred. */
  noise: string[]
  stderr: string
  /** Exit code or signal name once it is gone. */
  exit?: number | string
  /** Milliseconds between closing stdin and the end. */
  exitAfter?: number
  /** What we had to send to end it: nothing, `SIGTERM`, or `SIGKILL`. */
  forced?: 'SIGTERM' | 'SIGKILL'
}

/** Starts the server and opens a connection to it. Never rejects: a process that cannot be started shows in the opening exchange. */
export async function connectOverStdio(
  recorder: Recorder,
  command: Command,
  revision: Revision,
  options: ConnectOptions,
): Promise<StdioConnection> {
  const connection = new StdioConnection(recorder, command, revision, options)
  await connection.open(options.hold ?? false)
  return connection
}

export class StdioConnection implements Connection {
  readonly number: number
  readonly revision: Revision
  readonly era: Era
  readonly via = 'stdio'
  readonly process: ProcessRecord = { noise: [], stderr: '' }
  opening!: Exchange
  capabilities: Record<string, unknown> = {}
  serverInfo?: Record<string, unknown>
  readonly #recorder: Recorder
  readonly #child: ChildProcess
  readonly #command: string
  readonly #claims: Record<string, unknown>
  readonly #listeners = new Set<(message: unknown, at: number) => void>()
  readonly #gone: Promise<void>
  #lines: Buffer[] = []
  #bytes = 0
  #nextId = 0
  #closing?: Promise<undefined>

  constructor(recorder: Recorder, command: Command, revision: Revision, options: ConnectOptions) {
    this.#recorder = recorder
    this.number = recorder.nextConnection(options.revision)
    this.revision = revision
    this.era = eraOf(revision)
    this.#claims = options.capabilities ?? {}
    this.#command = [command.command, ...command.args].join(' ')
    this.#child = spawn(command.command, command.args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
    })
    const gone = Promise.withResolvers<void>()
    this.#gone = gone.promise
    this.#child.on('error', (error) => {
      this.process.exit = error.message
      gone.resolve()
    })
    this.#child.on('exit', (code, signal) => {
      this.process.exit = code ?? signal ?? undefined
      gone.resolve()
    })
    this.#child.stdin!.on('error', () => {})
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      if (this.process.stderr.length < 65_536) this.process.stderr += this.#recorder.redact(chunk.toString('utf8'))
    })
  }

  async open(hold: boolean): Promise<void> {
    const options = { deadline: Math.max(startUp, this.#recorder.limits.exchangeDeadline) }
    this.opening =
      this.era === 'stateless'
        ? await this.send('server/discover', undefined, options)
        : await this.send('initialize', { protocolVersion: this.revision, capabilities: this.#claims, clientInfo }, options)
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
    return this.#exchange(
      JSON.stringify({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method, ...(full === undefined ? {} : { params: full }) }),
      { id, method },
      options,
    )
  }

  notify(method: string, params?: Record<string, unknown>, options: SendOptions = {}): Promise<Exchange> {
    const full = withMeta(this.era, this.revision, this.#claims, params, options.meta)
    return this.#exchange(JSON.stringify({ jsonrpc: '2.0', method, ...(full === undefined ? {} : { params: full }) }), { method }, options)
  }

  post(body: unknown, options: SendOptions = {}): Promise<Exchange> {
    const message = body as { id?: unknown; method?: string } | null
    const asks = typeof message === 'object' && message !== null && 'id' in message
    const rpc = asks ? { id: message.id, method: message.method } : typeof body === 'string' ? { id: null } : { method: message?.method }
    return this.#exchange(typeof body === 'string' ? body : JSON.stringify(body), rpc, options)
  }

  http(): Promise<Exchange> {
    throw new Error('there is no HTTP over stdio: declare `over: "http"` on the probe')
  }

  /** Everything the server says by itself from now on; `subscriptions/listen` in the stateless era. */
  async listen(options: ListenOptions = {}): Promise<Stream> {
    const exchange = this.#recorder.begin('stdio', this.number, { method: 'stdout', url: this.#command, headers: [] })
    const looks = new Set<() => void>()
    const hear = (message: unknown, at: number) => {
      exchange.messages.push({ at, message })
      for (const look of looks) look()
    }
    this.#listeners.add(hear)
    if (this.era === 'stateless') {
      this.#nextId += 1
      const id = 'id' in options ? options.id : this.#nextId
      const params = withMeta(this.era, this.revision, this.#claims, { notifications: options.filter ?? {} }, options.meta)
      exchange.request = {
        ...exchange.request,
        method: 'stdin',
        body: JSON.stringify({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params }),
        rpc: { id, method: 'subscriptions/listen' },
      }
      this.#child.stdin!.write(`${exchange.request.body}\n`)
    }
    this.#recorder.end(exchange)
    return new OpenStream(exchange, this.#gone, looks, () => {
      this.#listeners.delete(hear)
    })
  }

  /** Closes stdin and waits; then asks, then forces. */
  close(): Promise<undefined> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** Sends a signal and waits up to so many milliseconds for the process to end. */
  async signal(name: 'SIGTERM', milliseconds: number): Promise<boolean> {
    this.#child.kill(name)
    return this.#goneWithin(milliseconds)
  }

  async #shutDown(): Promise<undefined> {
    const began = this.#recorder.now()
    this.#child.stdin!.end()
    if (await this.#goneWithin(2_000)) {
      this.process.exitAfter = this.#recorder.now() - began
      return undefined
    }
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      this.process.forced = signal
      this.#child.kill(signal)
      if (await this.#goneWithin(1_000)) break
    }
    return undefined
  }

  async #goneWithin(milliseconds: number): Promise<boolean> {
    if (this.process.exit !== undefined) return true
    const timer = Promise.withResolvers<boolean>()
    const timeout = setTimeout(() => timer.resolve(false), milliseconds)
    const gone = await Promise.race([this.#gone.then(() => true), timer.promise])
    clearTimeout(timeout)
    return gone
  }

  #read(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#recorder.limits.maxBytes * 4) {
      this.process.noise.push(`more than ${this.#recorder.limits.maxBytes * 4} bytes`)
      this.#child.kill('SIGKILL')
      return
    }
    let rest = chunk
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      this.#line(Buffer.concat([...this.#lines, rest.subarray(0, end)]))
      this.#lines = []
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) this.#lines.push(rest)
  }

  #line(bytes: Buffer): void {
    const text = this.#recorder.redact(bytes.toString('utf8').replace(/\r$/, ''))
    const message = parse(text)
    if (message === undefined || typeof message !== 'object' || message === null || !isUtf8(bytes)) {
      if (this.process.noise.length < 100) this.process.noise.push(text.slice(0, 1_000))
      return
    }
    const at = this.#recorder.now()
    for (const each of Array.isArray(message) ? message : [message]) {
      this.#answer(each)
      for (const listener of this.#listeners) listener(each, at)
    }
  }

  #answer(message: unknown): void {
    if (!isRequest(message) || this.era === 'stateless') return
    this.#child.stdin!.write(`${answerToServer(message)}\n`)
  }

  async #exchange(line: string, rpc: { id?: unknown; method?: string }, options: SendOptions): Promise<Exchange> {
    await this.#recorder.turn()
    const exchange = this.#recorder.begin('stdio', this.number, { method: 'stdin', url: this.#command, headers: [], body: line, rpc })
    const awaited = 'id' in rpc
    const settled = Promise.withResolvers<void>()
    const token = progressTokenOf(line)
    const hear = (message: unknown, at: number) => {
      if (!concerns(message, rpc, token)) return
      exchange.messages.push({ at, message })
      options.onMessage?.(message)
      if (isResponse(message) || options.until?.(message)) settled.resolve()
    }
    this.#listeners.add(hear)
    const deadline = options.deadline ?? this.#recorder.limits.exchangeDeadline
    const timer = setTimeout(() => {
      exchange.failure = { code: 'timeout', message: `nothing more within ${deadline} ms` }
      settled.resolve()
    }, deadline)
    options.abort?.addEventListener('abort', () => settled.resolve(), { once: true })
    this.#gone.then(() => {
      if (exchange.messages.length === 0 && awaited)
        exchange.failure = { code: 'exited', message: `the process has ended (${this.process.exit})` }
      settled.resolve()
    })
    if (this.process.exit === undefined) this.#child.stdin!.write(`${line}\n`)
    if (!awaited) settled.resolve()
    await settled.promise
    clearTimeout(timer)
    this.#listeners.delete(hear)
    return this.#recorder.end(exchange)
  }
}

function progressTokenOf(line: string): unknown {
  return (parse(line) as { params?: { _meta?: { progressToken?: unknown } } } | undefined)?.params?._meta?.progressToken
}

/** On one shared channel, what belongs to a request is told by its id or its progress token. */
function concerns(message: unknown, rpc: { id?: unknown }, token: unknown): boolean {
  if (isResponse(message)) return message.id === rpc.id || ((message.id === null || message.id === undefined) && 'id' in rpc)
  const params = (message as { params?: { progressToken?: unknown } } | null)?.params
  return token !== undefined && params?.progressToken === token
}
