import { type History, type Machine, matters, median, type PastLoad, type PastSeries, regressed } from '../../src/model/index.ts'
import { unimpaired } from './verdicts.ts'

/** The last nights, this one included, are compared with those before them. */
export const lately = 5
const [leastEarlier, mostEarlier] = [10, 20]
/** Earlier nights without which nothing is compared. */
export const nightsNeeded = leastEarlier + lately - 1

/** Requests of a night, and the share of them that was answered as it should be, for its latency to count. */
const [leastSamples, leastGood] = [20, 0.9]

const percentiles = ['p50', 'p95'] as const

type Series = Readonly<Record<string, PastSeries>>

/** What a night has measured, this one or an earlier. */
interface Night {
  readonly flows: Readonly<Record<string, { readonly series: Series }>>
}

/** One percentile of one method, in milliseconds. */
export interface Trend {
  readonly method: string
  readonly percentile: (typeof percentiles)[number]
  /** From the earliest night to this one, which has no run yet. */
  readonly nights: readonly { readonly night?: PastLoad; readonly value: number }[]
  /** Of the earlier nights, and of the last ones. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Earlier nights that can be compared with this one, and how many cannot, by why. */
export function comparable(
  loads: History['loads'],
  machine: Machine,
  rate: number,
): { nights: PastLoad[]; others: Readonly<Record<string, number>> } {
  const sorted = Map.groupBy(loads, (load) => unlike(load, machine, rate) ?? '')
  const { '': nights = [], ...others } = Object.fromEntries(sorted)
  return { nights, others: Object.fromEntries(Object.entries(others).map(([why, of]) => [why, of.length])) }
}

function unlike(load: PastLoad, machine: Machine, rate: number): string | undefined {
  if (load.machine.model !== machine.model || load.machine.processors !== machine.processors) return 'on another machine'
  if (load.rate !== rate) return 'at another rate'
  return unimpaired(load) ? undefined : 'under conditions that were not sound'
}

/** What there are enough nights of. */
export function trendsOf(tonight: Night, nights: readonly PastLoad[]): Trend[] {
  return Object.entries(telling(tonight)).flatMap(([method, { latency }]) => {
    const past = nights.flatMap((night) => {
      const then = telling(night)[method]
      return then === undefined ? [] : [{ night, latency: then.latency }]
    })
    return past.length < nightsNeeded ? [] : percentiles.map((percentile) => trendOf(method, percentile, [...past, { latency }]))
  })
}

function trendOf(
  method: string,
  percentile: Trend['percentile'],
  measured: readonly { night?: PastLoad; latency: PastSeries['latency'] }[],
): Trend {
  const nights = measured.map(({ night, latency }) => ({ night, value: latency[percentile] }))
  const values = nights.map(({ value }) => value)
  return { method, percentile, nights, before: values.slice(0, -lately).slice(-mostEarlier), after: values.slice(-lately) }
}

/** What is slower than it was, by more than chance and by enough to matter, and is so this night: what was mended is not. */
export const worsened = (tonight: Night, nights: readonly PastLoad[]): Trend[] =>
  trendsOf(tonight, nights).filter(({ before, after }) => after.at(-1)! >= matters * median(before) && regressed(before, after))

/** What of it is so too with this night's second measurement in the place of the first. */
export const confirmed = (worse: readonly Trend[], again: Night, nights: readonly PastLoad[]): Trend[] =>
  worsened(again, nights).filter(({ method, percentile }) =>
    worse.some((before) => before.method === method && before.percentile === percentile),
  )

/** The methods whose latency says something: that of errors does not. */
export function telling({ flows }: Night): Series {
  const measured = Object.entries(flows.agents?.series ?? {})
  return Object.fromEntries(measured.filter(([, { count, good }]) => count >= leastSamples && good >= leastGood * count))
}
