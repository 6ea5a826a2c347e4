import { expect, test } from 'vitest'
import { chanceOfAtLeast } from './statistics.ts'

// From the table of cumulative binomial probabilities in the NIST/SEMATECH e-Handbook's sense: 1 - P(X <= k - 1).
test.each([
  [0, 10, 0.5, 1],
  [1, 10, 0.1, 1 - 0.9 ** 10],
  [8, 10, 0.5, 56 / 1024],
  [10, 10, 0.5, 1 / 1024],
  [5, 20, 0.1, 0.04317],
  [3, 100, 0.01, 0.07937],
])('at least %i of %i at %f', (seen, count, chance, expected) => {
  expect(chanceOfAtLeast(seen, count, chance)).toBeCloseTo(expected, 5)
})

test('does not underflow where there are many trials', () => {
  expect(chanceOfAtLeast(1_000, 100_000, 0.01)).toBeGreaterThan(0.4)
  expect(chanceOfAtLeast(1_000, 100_000, 0.01)).toBeLessThan(0.6)
  expect(chanceOfAtLeast(5_000, 100_000, 0.01)).toBe(0)
})
