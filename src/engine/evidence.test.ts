import { expect, test } from 'vitest'
import type { Exchange, UnitFacts } from '../model/index.ts'
import { readEvidence, writeEvidence } from './evidence.ts'

const exchange = (id: number): Exchange => ({
  id,
  connection: 1,
  via: 'http',
  request: { method: 'POST', url: 'http://127.0.0.1/mcp', headers: [] },
  messages: [{ at: 1, message: { jsonrpc: '2.0', id, result: {} } }],
  started: 0,
  ended: 1,
})

test('comes back as it was, each exchange one object', () => {
  const exchanges = [exchange(1), exchange(2)]
  const evidence = {
    facts: { target: 't' } as UnitFacts,
    exchanges,
    probes: {
      a: { value: { list: [exchanges[0], exchanges[1]], again: exchanges[0], text: 'x', none: null } },
      b: { unfit: 'not-testable' as const, reason: 'no' },
    },
  }

  const back = readEvidence(writeEvidence(evidence))

  expect(back).toEqual(evidence)
  const value = (back.probes.a as { value: { list: Exchange[]; again: Exchange } }).value
  expect(value.list[0]).toBe(value.again)
  expect(value.again).toBe(back.exchanges[0])
})
