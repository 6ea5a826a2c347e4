import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'

/** No instrument holds a request longer than this, whatever it was told to do. */
export const longestHold = 600_000

const largestBody = 8 * 1024 * 1024

/** Where an instrument stands; on a free port of 127.0.0.1 if nothing is said. */
export interface Place {
  port?: number
  /** The address it listens on. */
  host?: string
  /** The origin under which the target reaches it, where that is another: `http://host.docker.internal:9400`. */
  origin?: string
}

/** An HTTP server that can close its socket and open it again on the same port. */
export class HttpServer {
  readonly #place: Place
  readonly #handle: RequestListener
  #port: number
  #server: Server | undefined

  constructor(handle: RequestListener, place: Place = {}) {
    this.#handle = handle
    this.#place = place
    this.#port = place.port ?? 0
  }

  get origin(): string {
    return this.#place.origin ?? this.at
  }

  /** Where it is reached on this machine. */
  get at(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async open(): Promise<void> {
    if (this.#server) return
    const server = createServer(this.#handle)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, this.#place.host ?? '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Closes the listening socket and every connection; later connections are refused. */
  async shut(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}

/** Reads the body, or says that it is larger than the instruments accept. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBody) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function reply(response: ServerResponse, status: number, body?: unknown, headers: Record<string, string> = {}): void {
  if (response.destroyed || response.headersSent) return
  if (body === undefined) {
    response.writeHead(status, headers).end()
    return
  }
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Waits; false when the signal came first. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return false
  if (milliseconds <= 0) return true
  return after(Math.min(milliseconds, longestHold), true, { signal }).catch(() => false)
}
