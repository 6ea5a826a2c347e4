import type { Series } from './load.ts'

/** What an operator wants of a target: that this share of requests is good. */
export interface Objective {
  readonly name: string
  /** `availability`: good is answered as it should be. `latency`: good is answered within a time. */
  readonly sli: 'availability' | 'latency'
  /** The method it is about. */
  readonly method: string
  /** Milliseconds, for `latency`. */
  readonly within?: number
  /** Between 0 and 1. */
  readonly target: number
}

/** The probe whose traffic objectives are about. */
export const nominalTraffic = 'the traffic the target is meant to carry'

/** What part of the requests an objective allows to miss has been missed. */
export interface Spending {
  /** Requests that count: for `latency`, those that were answered as they should be. */
  readonly all: number
  readonly missed: number
  /** How many may miss. */
  readonly allowed: number
}

/** What these requests have spent of the budget of an objective. */
export function spendingOf(
  { sli, within, target }: Objective,
  { count, good, within: counts }: Pick<Series, 'count' | 'good' | 'within'>,
): Spending {
  const all = sli === 'latency' ? good : count
  const fine = sli === 'latency' ? (counts[String(within)] ?? 0) : good
  return { all, missed: all - fine, allowed: all * (1 - target) }
}

/** What is sent to a target whose operator has not said what it is to carry: little, for a short time. */
export const modest: Nominal = { rate: 20, seconds: 8, streams: 50, overhead: 10 }

/** How much traffic a target is meant to carry, and for how long it is sent. */
export interface Nominal {
  /** Requests a second. */
  readonly rate: number
  /** Seconds, without the warm-up. */
  readonly seconds: number
  /** Milliseconds that it may add to a call of a server behind it. */
  readonly overhead: number
  /** Streams that are open at once. */
  readonly streams: number
}
