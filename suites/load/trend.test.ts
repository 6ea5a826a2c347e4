import { describe, expect, test } from 'vitest'
import { historyOf, type Nights, slowerForFourNights } from '../../fixtures/defects/nights.ts'
import {
  type History,
  type Judgement,
  type LoadResult,
  type PastLoad,
  type ProbeContext,
  seeded,
  type UnitFacts,
} from '../../src/model/index.ts'
import { confirmed, nightsNeeded, worsened } from './nights.ts'
import { steady } from './steady.ts'
import trend from './trend.ts'

type Latency = Nights[number]

const historyAt = (nights: Nights): History => {
  const { machine, loads } = historyOf(nights)
  return { machine, loads: loads.filter(({ revision }) => revision === '2025-11-25') }
}

/** What this night measures, in the form of an earlier one. */
const measured = (latency: Latency): LoadResult => ({
  ...(historyAt([latency]).loads[0] as unknown as LoadResult),
  generator: { name: 'k6', version: '' },
})

const [fast, slow] = [
  { p50: 121, p95: 402 },
  { p50: 204, p95: 485 },
]

interface Told {
  nights?: Nights
  sent?: LoadResult
  again?: LoadResult
  rate?: number
  changed?: (load: PastLoad, night: number) => PastLoad
}

function judged({ nights = slowerForFourNights, sent = measured(slow), again, rate = 20, changed = (load) => load }: Told): Judgement {
  const { machine, loads } = historyAt(nights)
  const steady = { sent, again, earlier: { machine, rate, loads: loads.map(changed) } }
  return trend[0]!.judge({ steady } as never, {} as UnitFacts)
}

describe('the latency of the last nights', () => {
  test('is broken where it is worse, and worse once more; the night since which is named', () => {
    expect(judged({ again: measured(slow) })).toMatchObject({
      kind: 'broken',
      reason: expect.stringMatching(
        /^has become slower: p50 of tools\/call by 6\d(\.\d)? % since the night of 2026-01-11 \(run night-11\); p95 of tools\/call by \d\d(\.\d)? % since/,
      ),
      actual: expect.stringMatching(
        /p50 of tools\/call 20\d ms in the last 5 nights, 12\d ms in 10 before \(\+6\d(\.\d)? %, 99 % interval \+/,
      ),
    })
  })

  test('holds where this night is as it was before, when the nights between were not', () => {
    expect(judged({ sent: measured(fast) })).toMatchObject({ kind: 'holds', reason: expect.stringContaining('p95 of tools/list') })
  })

  test('holds where it is not worse once more, and needs to be measured once more', () => {
    expect(judged({ again: measured(fast) })).toMatchObject({ kind: 'holds', reason: expect.stringContaining('and was not when measured') })
    expect(judged({})).toMatchObject({ kind: 'inconclusive' })
  })

  test.each<[string, RegExp, Told]>([
    ['without a history', /^0 earlier nights can be compared with, and 14 are needed: let/, { nights: [] }],
    ['with too short a one', /^13 earlier nights/, { nights: slowerForFourNights.slice(1) }],
    ['at another rate', /there are 14 at another rate beside/, { rate: 50 }],
    [
      'of another machine, of traffic that was cut short, and of conditions that were not sound',
      /^11 earlier.*1 on another machine, 2 under conditions/,
      {
        changed: (load, night) => {
          if (night === 0) return { ...load, machine: { ...load.machine, processors: 999 } }
          if (night === 1) return { ...load, conditions: { ...load.conditions, cutShort: 'the run was interrupted' } }
          return night === 2 ? { ...load, conditions: { ...load.conditions, dropped: 3 } } : load
        },
      },
    ],
    [
      'of nights in which requests failed',
      /^14 earlier nights/,
      {
        changed: (load) => ({
          ...load,
          flows: {
            agents: {
              ...load.flows.agents!,
              series: { 'tools/call': { ...load.flows.agents!.series['tools/call']!, good: 50 } },
            },
          },
        }),
      },
    ],
  ])('cannot be judged %s', (_, reason, told) => {
    expect(judged(told)).toMatchObject({ kind: 'not-testable', reason: expect.stringMatching(reason) })
  })

  test('is inconclusive where the machine has nothing left, or requests fail', () => {
    const busy = measured(slow)
    expect(judged({ sent: { ...busy, conditions: { ...busy.conditions, machine: 1 } } })).toMatchObject({ kind: 'inconclusive' })
    const { agents } = busy.flows
    const failing = { ...agents!, series: { 'tools/call': { ...agents!.series['tools/call']!, good: 3 } } }
    expect(judged({ sent: { ...busy, flows: { agents: failing } } })).toMatchObject({ kind: 'inconclusive' })
  })
})

describe('the steady traffic is sent', () => {
  async function sentBy(nights: Nights, result: LoadResult): Promise<number> {
    let sent = 0
    await steady.run({
      nominal: { rate: 20, seconds: 8 },
      facts: {},
      tool: async () => ({ name: 'echo', arguments: {} }),
      history: () => historyAt(nights),
      load: async () => {
        sent += 1
        return result
      },
    } as unknown as ProbeContext)
    return sent
  }

  test('once, where there is nothing to compare with or nothing has become worse', async () => {
    expect(await sentBy([], measured(slow))).toBe(1)
    expect(await sentBy(slowerForFourNights, measured(fast))).toBe(1)
  })

  test('twice, where it seems slower, unless that is the doing of this machine', async () => {
    const { conditions, ...rest } = measured(slow)
    expect(await sentBy(slowerForFourNights, { ...rest, conditions })).toBe(2)
    expect(await sentBy(slowerForFourNights, { ...rest, conditions: { ...conditions, exhausted: 1 } })).toBe(1)
  })
})

// The figures of docs/load.md, the confirming measurement included.
describe('the whole rule, on nights that are made up', () => {
  interface Made {
    nights: number
    /** Standard deviation, as a share of the mean, of what all latencies of a night have in common, and of what each has to itself. */
    together?: number
    apart?: number
    /** How many times as long requests take since so many nights ago. */
    change?: number
    since?: number
    trials: number
  }

  /** The share of runs in which latency is said to have become worse. */
  function reported({ nights, together = 0, apart = 0, change = 1, since = 0, trials }: Made): number {
    const random = seeded(17)
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const night = (level: number) => {
      const common = level * (1 + together * normal())
      const value = (mean: number) => mean * common * (1 + apart * normal())
      const series = () => ({ count: 100, good: 100, latency: { p50: value(100), p95: value(200) } })
      return { flows: { agents: { series: { 'tools/call': series(), 'tools/list': series() } } } } as unknown as PastLoad
    }
    let seen = 0
    for (let trial = 0; trial < trials; trial += 1) {
      const past = Array.from({ length: nights }, (_, at) => night(at > nights - since ? change : 1))
      const worse = worsened(night(change), past)
      if (worse.length > 0 && confirmed(worse, night(change), past).length > 0) seen += 1
    }
    return seen / trials
  }

  // Four percentiles that scatter apart are four chances of a false alarm.
  test.each([
    [nightsNeeded, 0.04],
    [nightsNeeded, 0.15],
    [24, 0.04],
    [24, 0.15],
  ])('with %i nights that differ by %f, a false alarm is raised in at most two of a hundred', (nights, apart) => {
    expect(reported({ nights, apart, trials: 1_000 })).toBeLessThanOrEqual(0.02)
  })

  // Those that scatter together are one chance to see a change.
  test.each([
    [1.1, 3, 0.08, 0.2],
    [1.1, 4, 0.3, 0.5],
    [1.1, 5, 0.6, 0.8],
    [1.2, 3, 0.2, 0.35],
    [1.2, 4, 0.55, 0.75],
    [1.2, 5, 0.97, 1],
  ])('what takes %f times as long for %i nights is found as often as is said', (change, since, least, most) => {
    const share = reported({ change, since, nights: 24, together: 0.04, trials: 400 })
    expect(share).toBeGreaterThanOrEqual(least)
    expect(share).toBeLessThanOrEqual(most)
  })
})
