import {
  broken,
  changePoints,
  check,
  compare,
  holdsWith,
  inconclusive,
  type Judgement,
  median,
  notTestable,
  section,
} from '../../src/model/index.ts'
import { comparable, confirmed, lately, nightsNeeded, type Trend, telling, trendsOf, worsened } from './nights.ts'
import { echoed, ofLoad } from './scenario.ts'
import { steady } from './steady.ts'
import { milliseconds, percent, timed } from './verdicts.ts'

export default section({ ...ofLoad, page: 'trend', requires: echoed }, [
  check('load/steady-trend', {
    title: 'Latency is what it was in earlier nights',
    objective: 'answer the traffic it is meant to carry as fast as in earlier nights',
    needs: { steady },
    judge: ({ steady: { sent, again, earlier } }) => {
      const { nights, others } = comparable(earlier.loads, earlier.machine, earlier.rate)
      const tooFew = notTestable(
        `${nights.length} earlier nights can be compared with, and ${nightsNeeded} are needed${listed(others)}: let \`assay gate\` run each night, and keep its history`,
      )
      if (nights.length < nightsNeeded) return tooFew
      return timed(sent, () => {
        if (Object.keys(telling(sent)).length === 0)
          return inconclusive('too few requests were answered as they should be for their latency to say something')
        const trends = trendsOf(sent, nights)
        if (trends.length === 0) return tooFew
        const worse = worsened(sent, nights)
        if (worse.length === 0) return holdsWith(trends.map(levelsOf).join('; '))
        if (again === undefined) return inconclusive(`${namesOf(worse)} seems slower, and was not measured once more`)
        return timed(again, () => slower(worse, confirmed(worse, again, nights)))
      })
    },
    fix: 'See what was changed before the night it names: the history has the versions and the latencies of each.',
  }),
])

const listed = (others: Readonly<Record<string, number>>): string => {
  const counts = Object.entries(others).map(([why, count]) => `${count} ${why}`)
  return counts.length === 0 ? '' : ` (there are ${counts.join(', ')} beside them)`
}

const nameOf = ({ method, percentile }: Trend): string => `${percentile} of ${method}`

const namesOf = (trends: readonly Trend[]): string => trends.map(nameOf).join(', ')

const slower = (worse: readonly Trend[], still: readonly Trend[]): Judgement =>
  still.length === 0
    ? holdsWith(`${namesOf(worse)} seemed slower than in earlier nights, and was not when measured once more`)
    : broken(`has become slower: ${still.map(changeOf).join('; ')}`, {
        expected: 'less than 5 % more than in earlier nights, or no more than comes by chance',
        actual: still.map(levelsOf).join('; '),
      })

/** `p50 of tools/call 250 ms in the last 5 nights, 150 ms in 20 before (+66 %, 99 % interval +61 % to +70 %, p 0.0004)`. */
function levelsOf(trend: Trend): string {
  const { before, after } = trend
  const { ratio, p } = compare(before, after)
  const levels = `${milliseconds(median(after))} in the last ${lately} nights, ${milliseconds(median(before))} in ${before.length} before`
  return `${nameOf(trend)} ${levels} (${more(ratio.value)}, 99 % interval ${more(ratio.low)} to ${more(ratio.high)}, p ${p.toPrecision(2)})`
}

/** `p50 of tools/call by 66 % since the night of 2026-11-19 (run 20261119-020000-ab12)`. */
function changeOf(trend: Trend): string {
  const { nights, before, after } = trend
  const risen = changePoints(nights.map(({ value }) => value)).findLast((change) => change.after > change.before)
  if (risen === undefined) return `${nameOf(trend)} by ${percent(median(after) / median(before) - 1)} in the last ${lately} nights`
  const { night } = nights[risen.at]!
  const since = night === undefined ? 'this night' : `the night of ${night.at.slice(0, 10)} (run ${night.run})`
  return `${nameOf(trend)} by ${percent(risen.after / risen.before - 1)} since ${since}`
}

const more = (ratio: number): string => `${ratio < 1 ? '−' : '+'}${percent(Math.abs(ratio - 1))}`
