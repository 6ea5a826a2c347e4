import { expect, test } from 'vitest'
import type { LoadProgress, Objective } from '../model/index.ts'
import { loadLine } from './progress.ts'

const progress: LoadProgress = {
  at: 12,
  of: 20,
  flows: ['agents'],
  count: 50,
  bad: 0,
  p99: 80,
  series: { 'tools/call': { count: 400, good: 400, within: { 500: 399 }, p99: 41 } },
  counted: 0.5,
}

const inTime: Objective = { name: 'in time', sli: 'latency', method: 'tools/call', within: 500, target: 0.99 }

test('the line of traffic compares with the objective, and says what is spent of the budget of all of it', () => {
  expect(loadLine(progress, [inTime])).toBe('12/20 s of agents: 50/s, p99 41 ms of 500, 0 bad, 12.5 % of the budget')
})

test('an objective for another percentile is none for p99, and has a budget all the same', () => {
  expect(loadLine(progress, [{ ...inTime, target: 0.95 }])).toBe('12/20 s of agents: 50/s, p99 80 ms, 0 bad, 2.5 % of the budget')
})

test('without objectives, or anything that counts, there is no budget', () => {
  expect(loadLine({ ...progress, flows: ['burst', 'other'] })).toBe('12/20 s of burst, other: 50/s, p99 80 ms, 0 bad')
  expect(loadLine({ ...progress, flows: [], series: {} }, [inTime])).toBe('12/20 s of load: 50/s, p99 80 ms, 0 bad')
})
