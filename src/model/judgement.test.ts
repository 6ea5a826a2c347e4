import { describe, expect, test } from 'vitest'
import type { Exchange } from './exchange.ts'
import {
  all,
  broken,
  controlled,
  each,
  hasErrorCode,
  hasResult,
  hasStatus,
  holds,
  inconclusive,
  notApplicable,
  notTestable,
} from './judgement.ts'
import { outcomeOf } from './outcome.ts'

const exchange = (parts: Partial<Exchange>): Exchange => ({
  id: 1,
  connection: 1,
  via: 'http',
  request: { method: 'POST', url: 'http://127.0.0.1/mcp', headers: [], rpc: { id: 1, method: 'ping' } },
  messages: [],
  started: 0,
  ended: 1,
  ...parts,
})

const response = (status: number) => ({ status, headers: {}, body: '', size: 0, head: 1 })
const answer = (message: object, status = 200) => exchange({ response: response(status), messages: [{ at: 1, message }] })
const silent = exchange({ failure: { code: 'timeout', message: 'nothing more within 5 ms' } })

describe('of two judgements the worse stands', () => {
  const ascending = [notApplicable('n'), holds, notTestable('t'), inconclusive('i'), broken('b')]
  test.each(ascending.flatMap((low, at) => ascending.slice(at).map((high) => [low, high] as const)))('%o and %o', (low, high) => {
    expect(low.and(high).kind).toBe(high.kind)
    expect(high.and(low).kind).toBe(high.kind)
  })
})

test('nothing judged is never green', () => {
  expect(all([]).kind).toBe('inconclusive')
  expect(each([], 'none', () => holds).kind).toBe('not-applicable')
  expect(controlled([], () => holds).kind).toBe('inconclusive')
})

test('an exchange that came to nothing says nothing about the rule', () => {
  expect(hasStatus(silent, 400).kind).toBe('inconclusive')
  expect(hasResult(silent).kind).toBe('inconclusive')
  expect(hasErrorCode(silent, -32601).kind).toBe('inconclusive')
})

test('a negative counts only when its control succeeds', () => {
  const good = answer({ jsonrpc: '2.0', id: 1, result: {} })
  const bad = answer({ jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'x' } })
  expect(controlled([good], () => holds).kind).toBe('holds')
  expect(controlled([good, bad], () => holds).kind).toBe('inconclusive')
  expect(controlled([silent], () => broken('x')).kind).toBe('inconclusive')
})

test('says what was expected and what came', () => {
  const judged = hasStatus(answer({}, 400), 404)
  expect(judged).toMatchObject({ kind: 'broken', expected: 'HTTP 404', actual: 'HTTP 400' })
})

test('the keyword alone makes a severity', () => {
  expect(['MUST', 'SHOULD', 'MAY', 'POLICY'].map((keyword) => outcomeOf(broken('x'), keyword as 'MUST'))).toEqual([
    'fail',
    'warn',
    'warn',
    'warn',
  ])
  expect(outcomeOf(holds, 'MUST')).toBe('pass')
  expect(outcomeOf(inconclusive('x'), 'POLICY')).toBe('inconclusive')
})
