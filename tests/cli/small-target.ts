import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface SmallTarget {
  url: string
  /** Calls that came in. */
  readonly calls: number
  /** When the first of them came. */
  called: Promise<void>
  close(): void
}

const tool = {
  name: 'echo',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  annotations: { readOnlyHint: true },
}

/** The configuration of a run that sends it a little; its token is in SMALL_TOKEN. */
export const configurationFor = ({ url }: Pick<SmallTarget, 'url'>, objectives: object): string =>
  JSON.stringify({
    targets: {
      small: {
        kind: 'server',
        url,
        revisions: ['2026-07-28'],
        identities: { client: { token: { bearer: { env: 'SMALL_TOKEN' } } } },
        disruptive: true,
        load: { rate: 30, duration: '3s' },
      },
    },
    objectives,
  })

/** A server of the stateless era with one tool, in front of which a token is asked for. Each call takes so long. */
export async function startSmallTarget(token: string, milliseconds: number): Promise<SmallTarget> {
  let calls = 0
  const first = Promise.withResolvers<void>()
  const results: Record<string, (params: any) => unknown> = {
    'server/discover': () => ({
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      serverInfo: { name: 'small', version: '1' },
      instructions: '',
    }),
    'tools/list': () => ({ tools: [tool], ttlMs: 0, cacheScope: 'public' }),
    'tools/call': ({ arguments: { text } }) => ({ content: [{ type: 'text', text: String(text) }] }),
  }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end()
      return
    }
    const { id, method, params } = JSON.parse(body || '{}')
    if (method === 'tools/call') {
      calls += 1
      first.resolve()
      await delay(milliseconds)
    }
    const result = results[method]
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        ...(result
          ? { result: { resultType: 'complete', ...(result(params) as object) } }
          : { error: { code: -32601, message: 'no such method' } }),
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    get calls() {
      return calls
    },
    called: first.promise,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
