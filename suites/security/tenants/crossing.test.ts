import { expect, test } from 'vitest'
import type { Exchange } from '../../../src/model/index.ts'
import { twinOf } from './calls.ts'
import { showsNone, wordIn } from './crossing.ts'

const exchange = (sent: string, got: string): Exchange => ({
  id: 1,
  connection: 1,
  via: 'http',
  request: { method: 'POST', url: 'http://127.0.0.1/mcp', headers: [], body: sent },
  response: { status: 200, headers: {}, body: got, size: got.length, head: 1, ended: 2 },
  messages: [],
  started: 0,
  ended: 2,
})

test('finds a word of the other tenant in what came back', () => {
  expect(wordIn(['globex_report'], exchange('tools/list', '["custom___globex_report"]'))).toBe('globex_report')
  expect(showsNone(['globex_report'], exchange('tools/list', '["custom___globex_report"]')).kind).toBe('broken')
})

test('does not mind a word that the request itself holds', () => {
  expect(wordIn(['globex_report'], exchange('call globex_report', 'Unknown tool: globex_report'))).toBe(undefined)
})

test('says nothing about an exchange without an answer', () => {
  const { response: _, ...lost } = exchange('tools/list', '')
  expect(showsNone(['globex_report'], lost).kind).toBe('inconclusive')
})

test('makes names of the same length and kind that nobody has', () => {
  expect(twinOf('custom___globex_report')).toBe('custom___globex_qqqqqq')
  expect(twinOf('file:///reports/globex-plan.md')).toBe('file:///reports/globex-qqqq.md')
  expect(twinOf('a1')).toBe('a1q')
})
