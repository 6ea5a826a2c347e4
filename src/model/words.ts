import type { Series } from './load.ts'

/** `3 × HTTP 503, 1 × timeout`. */
export const wordsOf = (bad: Series['bad']): string =>
  Object.entries(bad)
    .sort(([, a], [, b]) => b - a)
    .map(([how, count]) => `${count} × ${how}`)
    .join(', ')

export const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`

export const milliseconds = (value: number): string => `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} ms`
