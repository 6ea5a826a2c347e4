/** Comparing measurements. Everything that draws at random is seeded, so that the same measurements give the same verdict. */

/** A generator of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The middle of a list, or the mean of the two in its middle; NaN of an empty one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Beyond so many pairs the distribution of U is close to normal, and the exact one dear. */
const exactUpTo = 1_000

/**
 * Mann and Whitney's test of whether values of one sample tend to be larger than those of another (Annals of Mathematical Statistics
 * 18, 1947). `u` counts the pairs in which the second is larger, a tie as half; `p` is two-sided: exact for small samples without ties,
 * else of the normal approximation with corrections for ties and continuity.
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): { u: number; p: number } {
  const [n, m] = [first.length, second.length]
  let u = 0
  for (const a of first) for (const b of second) u += b > a ? 1 : b === a ? 0.5 : 0
  if (n === 0 || m === 0) return { u, p: 1 }
  const ties = tiesOf([...first, ...second])
  if (ties.length === 0 && n * m <= exactUpTo) return { u, p: exactP(u, n, m) }
  const all = n + m
  const tied = ties.reduce((sum, count) => sum + count ** 3 - count, 0)
  const variance = ((n * m) / 12) * (all + 1 - tied / (all * (all - 1)))
  if (variance === 0) return { u, p: 1 }
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance)
  return { u, p: Math.min(1, 2 * aboveNormal(z)) }
}

/** How often each value stands that stands more than once. */
function tiesOf(values: readonly number[]): number[] {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts.values()].filter((count) => count > 1)
}

/** From the number of ways in which each U comes about. */
function exactP(u: number, n: number, m: number): number {
  const ways = waysOf(n, m)
  const all = ways.reduce((sum, count) => sum + count, 0)
  const extreme = Math.min(u, n * m - u)
  const tail = ways.slice(0, extreme + 1).reduce((sum, count) => sum + count, 0)
  return Math.min(1, (2 * tail) / all)
}

/** The coefficients of the Gaussian binomial of n + m over n: at U, the number of orders that give it. */
function waysOf(n: number, m: number): number[] {
  const length = n * m + 1
  let ways = new Array<number>(length).fill(0)
  ways[0] = 1
  for (let at = 1; at <= n; at += 1) {
    const next = [...ways]
    // Times 1 - q^(m + at), over 1 - q^at.
    for (let power = length - 1; power >= m + at; power -= 1) next[power]! -= next[power - m - at]!
    for (let power = at; power < length; power += 1) next[power]! += next[power - at]!
    ways = next
  }
  return ways
}

/** The chance that a standard normal variable exceeds z; Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17. */
export function aboveNormal(z: number): number {
  if (z < 0) return 1 - aboveNormal(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  return density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
}

/** Cliff's delta: how much more often a value of the second sample is the larger one; -1 to 1. */
export function cliffsDelta(first: readonly number[], second: readonly number[]): number {
  const pairs = first.length * second.length
  return pairs === 0 ? 0 : (2 * mannWhitneyU(first, second)) / pairs - 1
}

function mannWhitneyU(first: readonly number[], second: readonly number[]): number {
  let u = 0
  for (const a of first) for (const b of second) u += b > a ? 1 : b === a ? 0.5 : 0
  return u
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** A statistic of the second sample over that of the first, with the interval that holds it with this confidence, by the bootstrap (Efron, percentiles). */
export function ratioOf(
  first: readonly number[],
  second: readonly number[],
  { statistic = median, confidence = 0.99, draws = 2_000, seed = 1 }: RatioOptions = {},
): Interval {
  const random = seeded(seed)
  const drawn = (values: readonly number[]) => values.map(() => values[Math.floor(random() * values.length)]!)
  const ratios = Array.from({ length: draws }, () => statistic(drawn(second)) / statistic(drawn(first))).sort((a, b) => a - b)
  const at = (share: number) => ratios[Math.min(draws - 1, Math.max(0, Math.round(share * (draws - 1))))]!
  return { value: statistic(second) / statistic(first), low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) }
}

export interface RatioOptions {
  statistic?: (values: readonly number[]) => number
  confidence?: number
  draws?: number
  seed?: number
}

export interface Comparison {
  /** The median of the second over that of the first. */
  readonly ratio: Interval
  readonly p: number
  readonly delta: number
  /** Worse by chance in less than one comparison of a hundred, and by enough to matter. */
  readonly regressed: boolean
}

const significant = 0.01
/** Measurements that are larger by this factor are so by enough to matter. */
export const matters = 1.05

/** Whether measurements for which less is better have become worse. */
export const regressed = (before: readonly number[], after: readonly number[]): boolean =>
  mannWhitney(before, after).p < significant && median(after) / median(before) >= matters

/** By how much measurements for which less is better differ, and whether they have become worse. */
export function compare(before: readonly number[], after: readonly number[], options: RatioOptions = {}): Comparison {
  const { p } = mannWhitney(before, after)
  const ratio = ratioOf(before, after, options)
  return { ratio, p, delta: cliffsDelta(before, after), regressed: regressed(before, after) }
}

export interface ChangePoint {
  /** Index of the first value of the new level. */
  readonly at: number
  readonly before: number
  readonly after: number
  readonly p: number
}

const leastSegment = 4
const permutations = 999

/** Where a series changes its level: binary segmentation, each split tested against permutations of its segment. */
export function changePoints(series: readonly number[], { alpha = significant, seed = 1 } = {}): ChangePoint[] {
  const random = seeded(seed)
  const found: ChangePoint[] = []
  const search = (from: number, to: number): void => {
    const segment = series.slice(from, to)
    const split = bestSplit(segment)
    if (split === undefined) return
    const shuffled = [...segment]
    let asGood = 1
    for (let draw = 0; draw < permutations; draw += 1) {
      shuffle(shuffled, random)
      if (bestSplit(shuffled)!.gain >= split.gain) asGood += 1
    }
    const p = asGood / (permutations + 1)
    if (p >= alpha) return
    search(from, from + split.at)
    found.push({ at: from + split.at, before: median(segment.slice(0, split.at)), after: median(segment.slice(split.at)), p })
    search(from + split.at, to)
  }
  search(0, series.length)
  return found
}

/** The split of ranks that explains most of their variance: ranks, so that one wild night is no change. */
function bestSplit(values: readonly number[]): { at: number; gain: number } | undefined {
  if (values.length < 2 * leastSegment) return undefined
  const ranks = ranksOf(values)
  const mean = (values.length + 1) / 2
  let best: { at: number; gain: number } | undefined
  let sum = 0
  for (let at = 1; at < values.length; at += 1) {
    sum += ranks[at - 1]! - mean
    if (at < leastSegment || values.length - at < leastSegment) continue
    const gain = sum ** 2 / (at * (values.length - at))
    if (best === undefined || gain > best.gain) best = { at, gain }
  }
  return best
}

/** From 1; equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  const order = values.map((value, at) => ({ value, at })).sort((a, b) => a.value - b.value)
  const ranks = new Array<number>(values.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to < order.length && order[to]!.value === order[from]!.value) to += 1
    for (let at = from; at < to; at += 1) ranks[order[at]!.at] = (from + 1 + to) / 2
    from = to
  }
  return ranks
}

function shuffle(values: number[], random: () => number): void {
  for (let at = values.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    ;[values[at], values[other]] = [values[other]!, values[at]!]
  }
}
