import { expect, test } from 'vitest'
import type { Revision, StreamFlow } from '../model/index.ts'
import { scriptStreams } from './stream-script.ts'

const link = (revision: Revision, sessions: string[] = []) => ({
  url: 'http://127.0.0.1:1/mcp',
  revision,
  headers: { 'X-Own': 'yes' },
  token: 'secret',
  sessions,
  tools: new Map(),
  credentials: {},
})

const listeners: StreamFlow = { name: 'ears', count: 2, rate: 10, opens: { resources: ['test://note'] } }
const calls: StreamFlow = {
  name: 'calls',
  count: 3,
  opens: { request: { method: 'tools/call', params: { name: 'scripted' } }, steps: 2 },
}

test('in the session era a client listens by GET, in a session of its own', () => {
  const { streams, listens, every, due } = scriptStreams(listeners, link('2025-11-25', ['one', 'two']))
  expect({ listens, every, due }).toEqual({ listens: true, every: 100, due: [] })
  expect(streams.map(({ method, headers }) => [method, headers['Mcp-Session-Id'], headers.Accept])).toEqual([
    ['GET', 'one', 'text/event-stream'],
    ['GET', 'two', 'text/event-stream'],
  ])
  expect(streams[0]!.resuming).toMatchObject({ Authorization: 'Bearer secret', 'Mcp-Session-Id': 'one', 'X-Own': 'yes' })
})

test('in the stateless era a client subscribes, and there is nothing to resume', () => {
  const { streams } = scriptStreams(listeners, link('2026-07-28'))
  const [first, second] = streams.map(({ body }) => JSON.parse(body!))
  expect(first).toMatchObject({ method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: ['test://note'] } } })
  expect(first.id).not.toBe(second.id)
  expect(streams[0]!.headers).toMatchObject({ 'Mcp-Method': 'subscriptions/listen', 'MCP-Protocol-Version': '2026-07-28' })
  expect(streams[0]!.resuming).toBeUndefined()
})

test('each call is told from the others by its id and its progress token', () => {
  const { streams, due } = scriptStreams(calls, link('2025-11-25', ['one', 'two']))
  expect(due).toEqual(['progress 1', 'progress 2', 'answer'])
  for (const { own, body } of streams)
    expect(JSON.parse(body!)).toMatchObject({ id: own, params: { name: 'scripted', _meta: { progressToken: own } } })
  expect(new Set(streams.map(({ own }) => own)).size).toBe(3)
  expect(streams.map(({ headers }) => headers['Mcp-Session-Id'])).toEqual(['one', 'two', 'one'])
})
