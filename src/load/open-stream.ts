import { Agent, type Dispatcher } from 'undici'
import { answerName, EventStreamParser, eventOf, isRequest, type ScriptStream } from '../model/index.ts'
import { count, type StreamTally } from './stream-tally.ts'

/** Bytes without an event in them, after which a stream is none. */
const mostBytes = 4 * 1024 * 1024
/** Milliseconds after an answer in which more may come that should not. */
const lingering = 250
/** Milliseconds until a stream is taken up again that its server has ended, where the server does not say, and at most. */
const [usualRetry, longestRetry] = [1_000, 3_000]
/** How often one stream is taken up again for its server. */
const mostRenewals = 50

type Request = Pick<ScriptStream, 'method' | 'headers' | 'body'>

/** One connection of a stream; what comes over it after it was left is not heard. */
interface Line {
  left: boolean
  controller?: Dispatcher.DispatchController
}

/** One stream, from its request to its end; taken up again where we cut it, or its server has ended it with an id to go on from. */
export class OpenStream {
  readonly #stream: ScriptStream
  readonly #tally: StreamTally
  readonly #agent: Agent
  readonly #timeout: number
  readonly #begun = Promise.withResolvers<void>()
  readonly #over = Promise.withResolvers<void>()
  readonly #seen = new Set<number>()
  #furthest = -1
  #line: Line | undefined
  #timer: NodeJS.Timeout | undefined
  #asked = 0
  /** When the last message came. */
  #last: number | undefined
  #lastId: string | undefined
  #retry = usualRetry
  #renewals = 0
  #opened = false
  #cut = false
  #resumed = false
  #isOver = false

  constructor(stream: ScriptStream, tally: StreamTally, agent: Agent, timeout: number) {
    this.#stream = stream
    this.#tally = tally
    this.#agent = agent
    this.#timeout = timeout
  }

  /** Settles when the stream has begun, or will not begin. */
  get begun(): Promise<void> {
    return this.#begun.promise
  }

  /** Settles when nothing more comes. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** Whether it has every event that is due, or is over. */
  get complete(): boolean {
    return this.#isOver || this.#seen.size >= this.#tally.due
  }

  open(): void {
    if (this.#isOver) return
    this.#asked = performance.now()
    this.#send(this.#stream)
  }

  /** Ends the stream because the time for all of them is over. */
  end(): void {
    if (this.#isOver) return
    if (!this.#opened) this.#finish(() => count(this.#tally.refused, 'timeout'))
    else if (this.#tally.flow.listens || this.#cut || this.#answered) this.#complete()
    else this.#finish(() => count(this.#tally.ended, 'no answer in time'))
  }

  /** Ends the stream before its time: nothing is said of what did not come. */
  abandon(): void {
    this.#finish(() => {})
  }

  get #answered(): boolean {
    const place = this.#tally.placeOf(answerName)
    return place !== undefined && this.#seen.has(place)
  }

  #send(request: Request): void {
    const { origin, pathname, search } = new URL(this.#tally.flow.url)
    const line: Line = { left: false }
    this.#line = line
    this.#after(this.#timeout, () => this.#failed(line, 'timeout'))
    const decoder = new TextDecoder()
    const parser = new EventStreamParser((event) => {
      bytes = 0
      if (!line.left) this.#event(event)
    })
    let bytes = 0
    this.#agent.dispatch(
      { origin, path: pathname + search, method: request.method, headers: request.headers, body: request.body },
      {
        onRequestStart: (controller) => {
          line.controller = controller
          if (line.left) this.#leave(line)
        },
        onResponseStart: (_controller, status, headers) => {
          if (line.left) return
          if (status !== 200) this.#failed(line, `HTTP ${status}`)
          else if (!/^\s*text\/event-stream\b/i.test(String(headers['content-type'] ?? ''))) this.#failed(line, 'no stream')
          else this.#began(line)
        },
        onResponseData: (_controller, chunk) => {
          if (line.left) return
          bytes += chunk.length
          if (bytes > mostBytes) this.#failed(line, `${mostBytes} bytes without an event`)
          else parser.push(decoder.decode(chunk, { stream: true }))
        },
        onResponseEnd: () => {
          if (!line.left) this.#endedByServer()
        },
        onResponseError: (_controller, error) => {
          if (!line.left) this.#failed(line, reasonOf(error))
        },
      },
    )
  }

  #began(line: Line): void {
    clearTimeout(this.#timer)
    if (!this.#opened) this.#tally.counts.opened += 1
    else if (this.#cut && !this.#resumed) {
      this.#resumed = true
      this.#tally.counts.resumed += 1
    }
    this.#opened = true
    if (this.#waitsForWord) this.#after(this.#timeout, () => this.#failed(line, 'not acknowledged'))
    else this.#begun.resolve()
  }

  /** A subscription holds from its acknowledgement on (2026-07-28, basic/patterns/subscriptions). */
  get #waitsForWord(): boolean {
    return this.#tally.flow.listens && this.#stream.method === 'POST' && this.#last === undefined
  }

  #event({ id, event, retry, data }: { id?: string; event?: string; retry?: string; data: string }): void {
    // An empty id takes back the one before it.
    if (id !== undefined) this.#lastId = id || undefined
    if (retry !== undefined && /^\d+$/.test(retry)) this.#retry = Number(retry)
    if (data === '' || (event !== undefined && event !== 'message')) return
    const message = parsed(data)
    // A cut ends what is left of a batch as well: it would come again.
    const line = this.#line
    for (const each of Array.isArray(message) ? message : [message]) if (!line?.left) this.#message(each)
  }

  #message(message: unknown): void {
    const { name, owner } = eventOf(message)
    if (isRequest(message)) this.#answerPing(message)
    else if (owner !== undefined && owner !== null && owner !== this.#stream.own) this.#tally.counts.foreign += 1
    else this.#ownMessage(message, name)
  }

  #ownMessage(message: unknown, name: string | undefined): void {
    const now = performance.now()
    if (this.#waitsForWord) {
      clearTimeout(this.#timer)
      this.#begun.resolve()
    }
    // What comes first on a stream by GET comes when it is announced.
    if (this.#last === undefined && this.#stream.method === 'POST') this.#tally.first.take(now - this.#asked)
    if (this.#last !== undefined && !this.#tally.flow.listens && !this.#cut) this.#tally.gaps.take(now - this.#last)
    this.#last = now
    const place = name === undefined ? undefined : this.#tally.placeOf(name)
    const failure = name === answerName ? failureOf(message) : undefined
    if (failure !== undefined) this.#failed(this.#line!, failure)
    else if (place !== undefined) this.#dueEvent(place, now)
  }

  #dueEvent(place: number, now: number): void {
    const { counts, delays, flow } = this.#tally
    counts.received += 1
    if (this.#resumed) counts.brought += 1
    const announced = this.#tally.announcedAt(place)
    if (announced !== undefined) delays.take(now - announced)
    if (this.#seen.has(place)) counts.duplicated += 1
    else if (place < this.#furthest) counts.disordered += 1
    this.#seen.add(place)
    this.#furthest = Math.max(this.#furthest, place)
    if (flow.cut !== undefined && !this.#cut && this.#seen.size >= flow.cut.after) this.#cutOff(flow.cut.pause)
    else if (this.#answered) this.#after(lingering, () => this.#complete())
  }

  /** A server may end the session of a client that does not answer its ping; other requests are for clients that offer something. */
  #answerPing({ method, id }: Record<string, unknown>): void {
    const { resuming } = this.#stream
    if (resuming === undefined || method !== 'ping') return
    const { origin, pathname, search } = new URL(this.#tally.flow.url)
    const headers = { ...resuming, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
    const body = JSON.stringify({ jsonrpc: '2.0', id, result: {} })
    this.#agent.dispatch({ origin, path: pathname + search, method: 'POST', headers, body }, { onResponseError: () => {} })
  }

  #cutOff(pause: number): void {
    this.#cut = true
    this.#tally.counts.cut += 1
    this.#leave(this.#line)
    if (this.#lastId === undefined || this.#stream.resuming === undefined)
      this.#finish(() => {
        this.#tally.counts.unnamed += 1
      })
    else this.#after(pause, () => this.#resume())
  }

  #resume(): void {
    this.#send({ method: 'GET', headers: { ...this.#stream.resuming, 'Last-Event-ID': this.#lastId! } })
  }

  /** A server may end a stream at any time, and have its client come again (2025-11-25, basic/transports#sending-messages-to-the-server). */
  #endedByServer(): void {
    clearTimeout(this.#timer)
    this.#leave(this.#line)
    const goesOn = this.#lastId !== undefined && this.#stream.resuming !== undefined && this.#renewals < mostRenewals
    if (this.#answered) this.#complete()
    else if (goesOn) {
      this.#renewals += 1
      this.#tally.counts.renewed += 1
      this.#after(Math.min(this.#retry, longestRetry), () => this.#resume())
    } else this.#finish(() => count(this.#tally.ended, 'ended'))
  }

  #failed(line: Line, how: string): void {
    clearTimeout(this.#timer)
    this.#leave(line)
    if (this.#answered) this.#complete()
    else if (!this.#opened) this.#finish(() => count(this.#tally.refused, how))
    else if (this.#cut) this.#finish(() => count(this.#tally.notResumed, how))
    else this.#finish(() => count(this.#tally.ended, how))
  }

  /** It has come to its end; what has not come by now is lost. */
  #complete(): void {
    this.#finish(() => {
      this.#tally.counts.due += this.#tally.due
      this.#tally.counts.lost += this.#tally.due - this.#seen.size
    })
  }

  #finish(tell: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#leave(this.#line)
    tell()
    this.#begun.resolve()
    this.#over.resolve()
  }

  #after(milliseconds: number, act: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(act, milliseconds)
  }

  #leave(line: Line | undefined): void {
    if (line === undefined) return
    line.left = true
    line.controller?.abort(new Error('the stream is left'))
  }
}

/** What connections are made with: one for each stream, and no time limits but our own. */
export const agentFor = (credentials: StreamTally['flow']['credentials']): Agent =>
  new Agent({
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 65_536,
    connect: { ...credentials },
  })

/** How an answer is none, where it is an error. */
function failureOf(message: unknown): string | undefined {
  const { error, result } = message as { error?: { code?: unknown }; result?: { isError?: unknown } }
  if (error !== undefined) return `error ${error?.code}`
  return result?.isError === true ? 'tool error' : undefined
}

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'a head that does not end'
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' ? 'broken off' : (code ?? error.message)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
