import { expect, test } from 'vitest'
import { type Conditions, holds, type LoadResult } from '../../src/model/index.ts'
import { sound, timed } from './verdicts.ts'

const result = (conditions: Partial<Conditions>, p99 = 5): LoadResult => ({
  generator: { name: 'k6', version: '1.8.1' },
  flows: { agents: { arrivals: { due: 1, dropped: 0 }, late: { p50: 1, p99 }, sessions: { opened: 0, distinct: 0 }, series: {} } },
  conditions: { dropped: 0, lost: 0, scriptErrors: [], clockSet: 0, ...conditions },
})
const judge = () => holds

test('parts that are missing are no pass', () => {
  expect(sound(result({ missing: [] }), judge).kind).toBe('holds')
  expect(sound(result({ missing: ['the summary of segment 1/2:2/2'] }), judge)).toMatchObject({
    kind: 'inconclusive',
    reason: 'parts of the traffic are missing: the summary of segment 1/2:2/2',
  })
})

test('of machines that are not seen, when requests were sent has to show that they had room', () => {
  expect(timed(result({}), judge).kind).toBe('holds')
  expect(timed(result({}, 150), judge).kind).toBe('inconclusive')
  expect(timed(result({ machine: 0.3 }, 150), judge).kind).toBe('holds')
})
