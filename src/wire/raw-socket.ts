import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Exchange } from '../model/index.ts'
import { keptText, type Recorder } from './recorder.ts'
import { type Credentials, securedBy } from './tls.ts'

const net = process.getBuiltinModule('node:net')
const tls = process.getBuiltinModule('node:tls')

export interface RawCall {
  url: URL
  /** The whole message; names of secrets are replaced by the secrets. */
  bytes: string
  /** Ends with the first answer, where nothing can follow it; otherwise when the peer closes or falls silent. */
  untilAnswered?: boolean
  deadline?: number
  credentials?: Credentials
}

/** After twice so many milliseconds without a byte, a peer that keeps the connection open is taken to be done. */
const silence = 500

/**
 * Sends a message byte for byte over a socket of its own and takes down what comes back until the peer closes, falls silent or the
 * deadline passes. Never rejects. The answer has the first head, and all that follows as its body.
 */
export async function exchangeOverSocket(
  recorder: Recorder,
  { url, bytes, untilAnswered = false, deadline = recorder.limits.exchangeDeadline, credentials }: RawCall,
): Promise<Exchange> {
  await recorder.turn()
  const exchange = recorder.begin('http', 0, { method: bytes.split(' ', 1)[0]!, url: url.href, headers: [], body: bytes, pace: 'raw' })
  const socket = opened(url, credentials)
  const end = await heard(socket, recorder, Buffer.from(recorder.reveal(bytes), 'latin1'), deadline, untilAnswered)
  if (url.protocol === 'https:' && end.chunks.length > 0) exchange.tls = securedBy(socket as TLSSocket)
  socket.destroy()
  take(exchange, recorder, end)
  return recorder.end(exchange)
}

const portOf = ({ port, protocol }: URL): number => Number(port || (protocol === 'https:' ? 443 : 80))

function opened(url: URL, credentials: Credentials = {}): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol !== 'https:') return net.connect({ host, port: portOf(url) })
  const servername = net.isIP(host) === 0 ? { servername: host } : {}
  return tls.connect({ host, port: portOf(url), ALPNProtocols: ['http/1.1'], rejectUnauthorized: false, ...servername, ...credentials })
}

interface Heard {
  chunks: Buffer[]
  head: number
  closed?: number
  /** The deadline came before the peer was done. */
  late?: true
  problem?: NodeJS.ErrnoException
}

function heard(socket: Socket, recorder: Recorder, message: Buffer, deadline: number, untilAnswered: boolean): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>()
  const end: Heard = { chunks: [], head: 0 }
  let size = 0
  let quiet: NodeJS.Timeout | undefined
  const done = () => {
    clearTimeout(quiet)
    clearTimeout(timer)
    resolve(end)
  }
  const timer = setTimeout(() => {
    end.late = true
    done()
  }, deadline)
  socket.on('data', (chunk: Buffer) => {
    if (size === 0) end.head = recorder.now()
    size += chunk.length
    if (size <= keptText) end.chunks.push(chunk)
    clearTimeout(quiet)
    if (untilAnswered && isWhole(Buffer.concat(end.chunks).toString('latin1'))) return done()
    // Twice, as a process that is held up learns of the time before it learns of the end.
    quiet = setTimeout(() => {
      quiet = setTimeout(done, silence)
    }, silence)
  })
  socket.on('error', (error) => {
    end.problem = error
    done()
  })
  socket.on('close', () => {
    end.closed = recorder.now()
    done()
  })
  socket.on('end', () => {
    end.closed = recorder.now()
    done()
  })
  socket.write(message)
  return promise
}

/** Whether the first answer has all its head or its own framing promises; one that ends with the connection is never whole. */
function isWhole(text: string): boolean {
  const split = text.indexOf('\r\n\r\n')
  if (split < 0) return false
  const [head, body] = [text.slice(0, split), text.slice(split + 4)]
  if (/^HTTP\/1\.[01] (204|304)/.test(head)) return true
  if (/^transfer-encoding: *chunked *$/im.test(head)) return /(^|\r\n)0\r\n\r\n$/.test(body)
  const length = /^content-length: *(\d+) *$/im.exec(head)?.[1]
  return length !== undefined && body.length >= Number(length)
}

function take(exchange: Exchange, recorder: Recorder, { chunks, head, closed, late, problem }: Heard): void {
  const text = recorder.conceal(Buffer.concat(chunks).toString('utf8'))
  const split = text.indexOf('\r\n\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  if (status !== undefined) {
    const lines = text
      .slice(0, split < 0 ? text.length : split)
      .split('\r\n')
      .slice(1)
    exchange.response = {
      status: Number(status),
      headers: fieldsOf(lines),
      body: split < 0 ? '' : text.slice(split + 4),
      size: Buffer.concat(chunks).length,
      head,
      ...(closed === undefined ? {} : { ended: closed }),
    }
    if (late) exchange.failure = { code: 'timeout', message: 'the peer was not done in time' }
    return
  }
  const reset = problem?.code === 'ECONNRESET' || problem?.code === 'EPIPE' || (closed !== undefined && problem === undefined)
  if (problem?.code === 'ECONNREFUSED') exchange.failure = { code: 'refused', message: problem.message }
  else if (reset) exchange.failure = { code: 'reset', message: 'the peer closed the connection without an answer' }
  else if (problem !== undefined) exchange.failure = { code: 'unreachable', message: problem.message }
  else exchange.failure = { code: chunks.length > 0 ? 'malformed' : 'timeout', message: chunks.length > 0 ? 'not HTTP' : 'no answer' }
}

function fieldsOf(lines: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    fields[name] = name in fields ? `${fields[name]}, ${value}` : value
  }
  return fields
}
