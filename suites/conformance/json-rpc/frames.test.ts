import { expect, test } from 'vitest'
import type { Exchange, Revision, UnitFacts } from '../../../src/model/index.ts'
import { framesOf } from './frames.ts'

const factsAt = (revision: Revision) => ({ revision, era: revision === '2026-07-28' ? 'stateless' : 'session' }) as UnitFacts

let exchanges = 0

function exchange(
  sent: { body?: object; headers?: [string, string][]; connection?: number },
  got: { message: unknown; status?: number; headers?: Record<string, string> },
): Exchange {
  exchanges += 1
  const body = sent.body as { id?: unknown; method?: string } | undefined
  return {
    id: exchanges,
    connection: sent.connection ?? 1,
    via: 'http',
    request: {
      method: 'POST',
      url: 'http://target.test/mcp',
      headers: sent.headers ?? [],
      body: JSON.stringify(body),
      rpc: body?.method === undefined ? undefined : { id: body.id, method: body.method },
    },
    response: { status: got.status ?? 200, headers: got.headers ?? {}, body: '', size: 1, head: 1, ended: 1 },
    messages: [{ at: 1, message: got.message }],
    started: 0,
    ended: 1,
  }
}

const initialized = (session: string, protocolVersion: string, connection = 1) =>
  exchange(
    { body: { jsonrpc: '2.0', id: 1, method: 'initialize' }, connection },
    { message: { jsonrpc: '2.0', id: 1, result: { protocolVersion } }, headers: { 'mcp-session-id': session } },
  )

const ping = (id: number, headers: [string, string][], connection = 1) =>
  exchange({ body: { jsonrpc: '2.0', id, method: 'ping' }, headers, connection }, { message: { jsonrpc: '2.0', id, result: {} } })

const inForce = (transcript: Exchange[], revision: Revision) => framesOf(transcript, factsAt(revision)).map((frame) => frame.inForce)

test('a session runs under the version it was opened with', () => {
  const transcript = [
    initialized('a', '2025-11-25'),
    initialized('b', '2025-06-18'),
    ping(2, [['Mcp-Session-Id', 'a']]),
    ping(3, [['Mcp-Session-Id', 'b']]),
    ping(4, [['Mcp-Session-Id', 'never issued']]),
  ]
  expect(inForce(transcript, '2025-11-25')).toEqual([true, false, true, false, false])
})

test('a version header that differs leaves it open which revision is in force', () => {
  const headers: [string, string][] = [
    ['Mcp-Session-Id', 'a'],
    ['MCP-Protocol-Version', '2025-06-18'],
  ]
  expect(inForce([initialized('a', '2025-11-25'), ping(2, headers)], '2025-11-25')).toEqual([true, false])
})

test('a stateless request says its revision in header and body alike', () => {
  const request = (version: string, named: string) =>
    exchange(
      {
        body: {
          jsonrpc: '2.0',
          id: 1,
          method: 'server/discover',
          params: { _meta: { 'io.modelcontextprotocol/protocolVersion': version } },
        },
        headers: [['MCP-Protocol-Version', named]],
      },
      { message: { jsonrpc: '2.0', id: 1, result: {} } },
    )
  expect(inForce([request('2026-07-28', '2026-07-28'), request('2026-07-28', '2025-11-25')], '2026-07-28')).toEqual([true, false])
})

test('an id that is sent twice does not say which request it answers', () => {
  const frames = framesOf([initialized('a', '2025-11-25'), ping(7, []), ping(7, []), ping(7, [], 2)], factsAt('2025-11-25'))
  expect(frames.map(({ answers }) => answers)).toEqual(['initialize', undefined, undefined, 'ping'])
})

test('the body of an error status is no frame unless it says so', () => {
  const bodies = [{ error: 'invalid_token' }, { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no' } }]
  const frames = bodies.map((message) =>
    framesOf([exchange({ body: { id: 1, method: 'ping' } }, { message, status: 400 })], factsAt('2025-11-25')),
  )
  expect(frames.map(({ length }) => length)).toEqual([0, 1])
})

test('a success that is not JSON-RPC is a frame all the same', () => {
  const broken = exchange({ body: { id: 1, method: 'ping' } }, { message: { error: 'Session not found' } })
  expect(framesOf([broken], factsAt('2025-11-25'))).toHaveLength(1)
})
