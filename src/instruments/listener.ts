import { randomUUID } from 'node:crypto'
import type { OutOfBandAnswer, OutOfBandHit, OutOfBandListener } from '../model/index.ts'
import { HttpServer, type Place, reply } from './http-server.ts'

export interface StartedListener extends OutOfBandListener, AsyncDisposable {
  readonly origin: string
  /** Where it is reached on this machine. */
  readonly at: string
  close(): Promise<void>
}

const mostKept = 1_000

/** Starts an address that writes down who asks for it. Every answer is an empty document, unless it is told another. */
export async function startListener(place: Place = {}): Promise<StartedListener> {
  const hits: OutOfBandHit[] = []
  const answers = new Map<string, OutOfBandAnswer>()
  const server = new HttpServer((request, response) => {
    const path = request.url ?? ''
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    hits.push({ at: Date.now(), verb: request.method ?? '', path, headers })
    if (hits.length > mostKept) hits.shift()
    request.resume()
    const { status = 200, headers: fields, body = '{}' } = answers.get(path) ?? {}
    reply(response, status, body, fields)
  }, place)
  await server.open()
  const close = () => server.shut()
  return {
    origin: server.origin,
    at: server.at,
    url: async ({ redirect } = {}) => {
      const path = `/${randomUUID()}`
      if (redirect !== undefined) answers.set(path, { status: 302, headers: { location: redirect }, body: '' })
      return `${server.origin}${path}`
    },
    answer: async (url, answer) => void answers.set(new URL(url).pathname, answer),
    hits: async (url) => {
      const { pathname } = new URL(url)
      return hits.filter(({ path }) => path.startsWith(pathname))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
