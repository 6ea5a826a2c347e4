import { aboveNormal, median } from './comparison.ts'

/** Whether measurements that follow one another rise, and how fast. */

/**
 * Mann's test for a rising trend (Econometrica 13, 1945; Kendall's S). `s` counts the pairs that rise, less those that fall; `p` is the
 * chance of so large an `s` where there is no trend: by the normal approximation with corrections for ties and continuity.
 */
export function mannKendall(values: readonly number[]): { s: number; p: number } {
  const n = values.length
  let s = 0
  for (const [at, value] of values.entries()) for (const later of values.slice(at + 1)) s += Math.sign(later - value)
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const weight = (count: number) => count * (count - 1) * (2 * count + 5)
  const variance = (weight(n) - [...counts.values()].reduce((sum, count) => sum + weight(count), 0)) / 18
  return { s, p: variance === 0 ? 1 : aboveNormal((s - Math.sign(s)) / Math.sqrt(variance)) }
}

/**
 * The slope of Theil and Sen (Journal of the American Statistical Association 63, 1968): the median of the slopes between all pairs of
 * points, in units of y for one of x. Points of the same x have none; NaN where all are.
 */
export function theilSen(points: readonly { readonly x: number; readonly y: number }[]): number {
  const slopes = points.flatMap((point, at) => points.slice(at + 1).map((later) => (later.y - point.y) / (later.x - point.x)))
  return median(slopes.filter(Number.isFinite))
}
