import { describe, expect, test } from 'vitest'
import { mannKendall, theilSen } from './trend.ts'

/** Ten different values whose Kendall's S is the one given, an odd number. */
function withS(wanted: number): number[] {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  for (let s = 45; s > wanted; s -= 2) {
    const at = values.findIndex((value, index) => value < (values[index + 1] ?? 0))
    ;[values[at], values[at + 1]] = [values[at + 1]!, values[at]!]
  }
  return values
}

// Gilbert, Statistical Methods for Environmental Pollution Monitoring (1987), table A18, n = 10: the exact chances.
test.each([
  [1, 0.5],
  [9, 0.242],
  [15, 0.108],
  [21, 0.036],
  [25, 0.014],
  [29, 0.0046],
  [31, 0.0023],
])('an S of %i of ten values', (s, exact) => {
  const found = mannKendall(withS(s))
  expect(found.s).toBe(s)
  expect(Math.abs(found.p - exact)).toBeLessThan(0.005)
})

describe('the trend', () => {
  test('of what falls is none that rises', () => {
    expect(mannKendall([5, 4, 3, 2, 1])).toMatchObject({ s: -10, p: expect.closeTo(0.986, 2) })
  })

  test('of what stays or is not there is none', () => {
    expect(mannKendall([3, 3, 3, 3])).toEqual({ s: 0, p: 1 })
    expect(mannKendall([])).toEqual({ s: 0, p: 1 })
  })

  test('counts ties as neither, and takes them from the variance', () => {
    // 18 Var = 6·5·17 - 2·1·9 for one pair of equal values among six.
    const { s, p } = mannKendall([1, 2, 3, 3, 4, 5])
    expect(s).toBe(14)
    expect(p).toBeCloseTo(0.0064, 4)
  })
})

// Helsel and Hirsch, Statistical Methods in Water Resources, section 10.1: one value far off does not move the line.
test('the slope is the median of all slopes', () => {
  const points = [1, 2, 3, 4, 5, 16, 7].map((y, at) => ({ x: at + 1, y }))
  expect(theilSen(points)).toBe(1)
  expect(
    theilSen([
      { x: 0, y: 1 },
      { x: 0, y: 9 },
    ]),
  ).toBeNaN()
})
