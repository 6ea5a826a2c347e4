import { describe, expect, it } from 'vitest'
import type { Check, Exchange, StreamEvent, UnitFacts } from '../../../src/model/index.ts'
import sections from './index.ts'

const judge = (id: string, evidence: unknown, facts: Partial<UnitFacts> = {}) => {
  const check = sections.flat().find((each: Check) => each.id === id)!
  return check.judge(
    evidence as never,
    { revision: '2025-11-25', era: 'session', local: true, authorization: false, ...facts } as UnitFacts,
  )
}

const response = (id: number) => ({ jsonrpc: '2.0', id, result: {} })

const exchange = (status: number, about: Partial<Exchange['response']> = {}, messages: unknown[] = []): Exchange => ({
  id: 1,
  connection: 1,
  via: 'http',
  request: { method: 'POST', url: 'http://127.0.0.1:1/mcp', headers: [], body: '{}', rpc: { id: 1, method: 'tools/call' } },
  response: { status, headers: {}, body: '', size: 0, head: 0, ...about },
  messages: messages.map((message) => ({ at: 1, message })),
  started: 0,
  ended: 1,
})

const stream = (events: Partial<StreamEvent>[], messages: unknown[] = [], open = false): Exchange =>
  exchange(
    200,
    {
      headers: { 'content-type': 'text/event-stream' },
      events: events.map((event) => ({ at: 1, data: '', ...event })),
      ended: open ? undefined : 1,
    },
    messages,
  )

const served = exchange(200, {}, [response(1)])

describe('foreign origins', () => {
  const origins = { before: served, after: served, foreign: served, opaque: served, alike: [], get: null }

  it('fail a local target without tokens, and warn any other', () => {
    expect(judge('transport/origin-validation', { origins }).kind).toBe('broken')
    expect(judge('transport/origin-validation-in-depth', { origins }).kind).toBe('not-applicable')
    expect(judge('transport/origin-validation', { origins }, { authorization: true }).kind).toBe('not-applicable')
    expect(judge('transport/origin-validation-in-depth', { origins }, { local: false }).kind).toBe('broken')
  })

  it('are turned away with 403, which only a refusal can be judged by', () => {
    expect(judge('transport/origin-status', { origins }).kind).toBe('not-applicable')
    expect(judge('transport/origin-status', { origins: { ...origins, foreign: exchange(403) } }).kind).toBe('holds')
    expect(judge('transport/origin-status', { origins: { ...origins, foreign: exchange(400) } }).kind).toBe('broken')
  })

  it('say nothing when the request fails without them too', () => {
    expect(judge('transport/origin-validation', { origins: { ...origins, before: exchange(500), foreign: exchange(403) } }).kind).toBe(
      'inconclusive',
    )
  })
})

describe('the stream of a request', () => {
  it('may be closed to be asked again from 2025-11-25 on, not before', () => {
    const calls = [stream([{ id: '1' }])]
    expect(judge('transport/stream-response', { calls }).kind).toBe('not-applicable')
    expect(judge('transport/stream-response', { calls }, { revision: '2025-06-18' }).kind).toBe('broken')
    expect(judge('transport/stream-response', { calls: [stream([{ id: '1' }], [], true)] }, { revision: '2025-06-18' }).kind).toBe(
      'inconclusive',
    )
  })

  it('carries progress of its own token only', () => {
    const progress = (progressToken: string) => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken, progress: 1 },
    })
    const call = (messages: unknown[]) => {
      const made = stream([], messages)
      return { ...made, request: { ...made.request, body: '{"params":{"_meta":{"progressToken":"own"}}}' } }
    }
    expect(judge('transport/related-messages', { calls: [call([progress('own'), response(1)])] }).kind).toBe('holds')
    expect(judge('transport/related-messages', { calls: [call([progress('other'), response(1)])] }).kind).toBe('broken')
    expect(judge('transport/related-messages', { calls: [call([response(1)])] }).kind).toBe('not-applicable')
  })

  it('has event ids of its own, unless it resumes another', () => {
    const first = stream([{ id: '1' }, { id: '2' }])
    const again = { ...first, request: { ...first.request, headers: [['Last-Event-ID', '1'] as [string, string]] } }
    expect(judge('transport/event-ids', { all: [first, again] }).kind).toBe('holds')
    expect(judge('transport/event-ids', { all: [first, first] }).kind).toBe('broken')
    expect(judge('transport/event-ids', { all: [first, { ...first, connection: 2 }] }).kind).toBe('holds')
  })
})

describe('a notification', () => {
  const answers = (known: Exchange) => ({
    notifications: { before: served, after: served, known, unknown: exchange(202), response: exchange(202), wrong: [exchange(400)] },
  })

  it('is answered with a bare 202', () => {
    expect(judge('transport/notification-accepted', answers(exchange(202))).kind).toBe('holds')
    expect(judge('transport/notification-accepted', answers(exchange(200))).kind).toBe('broken')
    expect(judge('transport/notification-accepted', answers(exchange(202, { body: 'null', size: 4 }))).kind).toBe('broken')
  })

  it('is refused with a status, not within a success', () => {
    const refused = exchange(200, {}, [{ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no' } }])
    expect(judge('transport/notification-refused', answers(refused)).kind).toBe('broken')
    expect(judge('transport/notification-accepted', answers(refused)).kind).toBe('holds')
  })
})
