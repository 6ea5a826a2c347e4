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

/** What is sent to a target whose operator has not said what it is to carry: little, for a short time. */
export const modest: Nominal = { rate: 20, seconds: 8, streams: 50 }

/** How much traffic a target is meant to carry, and for how long it is sent. */
export interface Nominal {
  /** Requests a second. */
  readonly rate: number
  /** Seconds, without the warm-up. */
  readonly seconds: number
  /** Streams that are open at once. */
  readonly streams: number
}
