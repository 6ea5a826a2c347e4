import { describe, expect, test } from 'vitest'
import { changePoints, cliffsDelta, compare, mannWhitney, median, ratioOf, seeded } from './comparison.ts'

/** Values around a mean with this coefficient of variation, as nights on one machine have. */
function nights(count: number, mean: number, variation: number, random: () => number): number[] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: count }, () => mean * (1 + variation * normal()))
}

describe('Mann and Whitney', () => {
  // Critical values of U, two-sided at 0.05 (Mann and Whitney 1947; the table of most textbooks): the largest U that is significant.
  test.each([
    [4, 4, 0],
    [5, 5, 2],
    [5, 8, 6],
    [6, 6, 5],
    [7, 7, 8],
    [8, 8, 13],
    [8, 10, 17],
    [10, 10, 23],
    [12, 12, 37],
    [15, 15, 64],
    [20, 20, 127],
  ])('of %i and %i has the critical value %i', (n, m, critical) => {
    expect(mannWhitney(...withU(n, m, critical)).p).toBeLessThanOrEqual(0.05)
    expect(mannWhitney(...withU(n, m, critical + 1)).p).toBeGreaterThan(0.05)
  })

  test('is exact for small samples', () => {
    expect(mannWhitney([1, 2, 3], [4, 5, 6])).toEqual({ u: 9, p: 0.1 })
    expect(mannWhitney([1, 3, 5], [2, 4, 6])).toEqual({ u: 6, p: 0.7 })
  })

  test('counts ties as half, and is no surer for them', () => {
    expect(mannWhitney([1, 1, 1], [1, 1, 1])).toEqual({ u: 4.5, p: 1 })
    expect(mannWhitney([1, 2, 2, 3], [2, 3, 3, 4]).u).toBe(13)
  })

  test('says nothing of nothing', () => {
    expect(mannWhitney([], [1]).p).toBe(1)
  })
})

/** Two samples without ties, in which so many pairs have the second value larger. */
function withU(n: number, m: number, u: number): [number[], number[]] {
  const second = Array.from({ length: m }, (_, at) => at + 1)
  let left = u
  // Each value of the first stands below so many of the second.
  const first = Array.from({ length: n }, (_, at) => {
    const above = Math.min(m, left)
    left -= above
    return m - above + 0.5 + at / 100
  })
  return [first, second]
}

test("Cliff's delta is how much more often one is larger", () => {
  expect(cliffsDelta([1, 2, 3], [4, 5, 6])).toBe(1)
  expect(cliffsDelta([4, 5, 6], [1, 2, 3])).toBe(-1)
  expect(cliffsDelta([1, 2], [1, 2])).toBe(0)
})

test('the median of an even number is between the two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([3, 1, 2])).toBe(2)
})

test('the interval of a ratio holds it nearly always', () => {
  const random = seeded(3)
  let held = 0
  for (let trial = 0; trial < 100; trial += 1) {
    const { low, high } = ratioOf(nights(40, 100, 0.1, random), nights(40, 120, 0.1, random), { draws: 400, seed: trial })
    if (low <= 1.2 && 1.2 <= high) held += 1
  }
  expect(held).toBeGreaterThanOrEqual(93)
})

test('a comparison says by how much, and whether that is worse', () => {
  const random = seeded(7)
  const before = nights(20, 100, 0.04, random)
  const { ratio, p, delta, regressed } = compare(before, nights(5, 120, 0.04, random))
  expect(ratio.low).toBeLessThan(ratio.value)
  expect(ratio.value).toBeCloseTo(1.2, 1)
  expect(p).toBeLessThan(0.01)
  expect({ delta, regressed }).toEqual({ delta: 1, regressed: true })
  // Certain and too little, much and uncertain, and the other way round.
  expect(compare(before, nights(20, 104, 0.001, random)).regressed).toBe(false)
  expect(compare(before, [150]).regressed).toBe(false)
  expect(compare(before, nights(5, 80, 0.04, random)).regressed).toBe(false)
})

describe('change points', () => {
  test('are found where the level changes', () => {
    const random = seeded(11)
    const series = [...nights(40, 100, 0.03, random), ...nights(20, 110, 0.03, random)]
    const [change, ...more] = changePoints(series)
    expect(more).toEqual([])
    expect(Math.abs(change!.at - 40)).toBeLessThanOrEqual(2)
    expect(change!.after / change!.before).toBeCloseTo(1.1, 1)
  })

  test('are seldom found where there is none, and one wild night is none', () => {
    const random = seeded(13)
    let found = 0
    for (let trial = 0; trial < 60; trial += 1) {
      const series = nights(30, 100, 0.05, random)
      series[17] = 300
      if (changePoints(series, { seed: trial }).length > 0) found += 1
    }
    expect(found).toBeLessThanOrEqual(2)
  })

  test('need a few nights on both sides', () => {
    expect(changePoints([1, 1, 1, 9, 9, 9])).toEqual([])
  })
})
