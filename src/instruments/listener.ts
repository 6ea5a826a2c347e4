import { randomUUID } from 'node:crypto'
import type { OutOfBandHit, OutOfBandListener } from '../model/index.ts'
import { HttpServer, type Place } from './http-server.ts'

export interface StartedListener extends OutOfBandListener, AsyncDisposable {
  readonly origin: string
  close(): Promise<void>
}

const mostKept = 1_000

/** Starts an address that writes down who asks for it. Every answer is an empty document, or a redirect. */
export async function startListener(place: Place = {}): Promise<StartedListener> {
  const hits: OutOfBandHit[] = []
  const redirects = new Map<string, string>()
  const server = new HttpServer((request, response) => {
    const path = request.url ?? ''
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    hits.push({ at: Date.now(), verb: request.method ?? '', path, headers })
    if (hits.length > mostKept) hits.shift()
    const location = redirects.get(path)
    request.resume()
    response.writeHead(location === undefined ? 200 : 302, location === undefined ? { 'content-type': 'application/json' } : { location })
    response.end(location === undefined ? '{}' : '')
  }, place)
  await server.open()
  const close = () => server.shut()
  return {
    origin: server.origin,
    url: async ({ redirect } = {}) => {
      const path = `/${randomUUID()}`
      if (redirect !== undefined) redirects.set(path, redirect)
      return `${server.origin}${path}`
    },
    hits: async (url) => {
      const { pathname } = new URL(url)
      return hits.filter(({ path }) => path.startsWith(pathname))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
