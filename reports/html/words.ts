import { wordsOf } from '../../src/model/index.ts'

/** Ways to go wrong that are named, and how long a name may be: a target can answer each request with an error of its own. */
const [named, longest] = [6, 80]

/** `3 × HTTP 503, 1 × timeout, 12 otherwise`: the most frequent ones by name. */
export function waysOf(bad: Readonly<Record<string, number>>): string {
  const ways = Object.entries(bad).sort(([, a], [, b]) => b - a)
  const rest = ways.slice(named).reduce((sum, [, count]) => sum + count, 0)
  const names = ways.slice(0, named).map(([way, count]) => [way.slice(0, longest), count])
  return `${wordsOf(Object.fromEntries(names))}${rest === 0 ? '' : `, ${rest} otherwise`}`
}

/** `1 request`, `2 requests`. */
export const requestsOf = (count: number): string => `${count} request${count === 1 ? '' : 's'}`
