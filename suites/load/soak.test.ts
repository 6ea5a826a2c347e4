import { expect, test } from 'vitest'
import type { UnitFacts } from '../../src/model/index.ts'
import type { HeldAt } from './gauges.ts'
import soak from './soak.ts'

const [check] = soak
const megabyte = 1024 * 1024

/** What the check says of these samples, taken in traffic of so many requests. */
function judged(held: HeldAt[], requests = 200) {
  const series = { 'tools/call': { count: requests, bad: {} } }
  const conditions = { dropped: 0, lost: 0, scriptErrors: [], machine: 0.3, exhausted: 0, clockSet: 0 }
  const flows = { agents: { arrivals: { due: requests, dropped: 0 }, late: { p50: 1, p99: 2 }, series } }
  return check!.judge({ steady: { sent: { flows, conditions }, held } } as never, {} as UnitFacts)
}

const every = (seconds: number, count: number, holds: (at: number) => Omit<HeldAt, 'at'>): HeldAt[] =>
  Array.from({ length: count }, (_, index) => ({ at: 3 + index * seconds, ...holds(index) }))

test('what grows with each request is found in a short run when it is gross', () => {
  expect(judged(every(1, 10, (at) => ({ memory: 200 * megabyte + at * 20 * megabyte })))).toMatchObject({
    kind: 'broken',
    reason: 'holds more and more memory under level traffic',
  })
  expect(judged(every(1, 10, (at) => ({ descriptors: 50 + at * 30 }))).kind).toBe('broken')
  expect(judged(every(1, 10, (at) => ({ sessions: 5 + at * 15 }))).kind).toBe('broken')
})

test('a heap that fills for the first time is no leak: in a short run less than so much a request, in a long one it ends', () => {
  expect(
    judged(
      every(1, 10, (at) => ({ memory: 200 * megabyte + at * 20 * megabyte })),
      2_000,
    ).kind,
  ).toBe('holds')
  const filled = every(10, 200, (at) => ({ memory: 300 * megabyte + Math.min(at, 30) * 20 * megabyte + (at % 7) * megabyte }))
  expect(judged(filled, 40_000).kind).toBe('holds')
})

test('a slow leak is found in a long run', () => {
  expect(
    judged(
      every(1, 3_000, (at) => ({ memory: 300 * megabyte + at * 0.06 * megabyte + (at % 11) * megabyte })),
      60_000,
    ).kind,
  ).toBe('broken')
})

test('what goes up and down, or grows by little of what is there, holds', () => {
  expect(judged(every(1, 10, (at) => ({ memory: 400 * megabyte + (at % 2) * 300 * megabyte }))).kind).toBe('holds')
  expect(judged(every(1, 10, (at) => ({ descriptors: 9_000 + at * 40 }))).kind).toBe('holds')
})

test('too few samples say nothing, and neither does a target that shows none', () => {
  expect(judged(every(1, 5, (at) => ({ memory: at * 900 * megabyte }))).kind).toBe('inconclusive')
  expect(judged(every(1, 10, () => ({}))).kind).toBe('not-testable')
  expect(
    judged(
      every(1, 10, (at) => ({ memory: at })),
      5,
    ).kind,
  ).toBe('inconclusive')
})
