import { randomUUID } from 'node:crypto'
import type { OutOfBandHit, OutOfBandListener } from '../model/index.ts'
import { Loopback } from './loopback.ts'

export interface StartedListener extends OutOfBandListener, AsyncDisposable {
  readonly origin: string
  close(): Promise<void>
}

const mostKept = 1_000

/** Starts an address on a free port of 127.0.0.1 that writes down who asks for it. Every answer is an empty document, or a redirect. */
export async function startListener(): Promise<StartedListener> {
  const hits: OutOfBandHit[] = []
  const redirects = new Map<string, string>()
  const loopback = new Loopback((request, response) => {
    const path = request.url ?? ''
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    hits.push({ at: Date.now(), verb: request.method ?? '', path, headers })
    if (hits.length > mostKept) hits.shift()
    const location = redirects.get(path)
    request.resume()
    response.writeHead(location === undefined ? 200 : 302, location === undefined ? { 'content-type': 'application/json' } : { location })
    response.end(location === undefined ? '{}' : '')
  })
  await loopback.open()
  const close = () => loopback.shut()
  return {
    origin: loopback.origin,
    url: async ({ redirect } = {}) => {
      const path = `/${randomUUID()}`
      if (redirect !== undefined) redirects.set(path, redirect)
      return `${loopback.origin}${path}`
    },
    hits: async (url) => {
      const { pathname } = new URL(url)
      return hits.filter(({ path }) => path.startsWith(pathname))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
