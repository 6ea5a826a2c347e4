import {
  all,
  broken,
  type Detail,
  type FlowResult,
  holds,
  holdsWith,
  inconclusive,
  type Judgement,
  type LoadResult,
  milliseconds,
  percent,
  type Series,
  wordsOf,
} from '../../src/model/index.ts'

/** The share of the machine above which the generator waits for itself. */
const busy = 0.8
/** The share of seconds without anything left of the machine above which whatever is late may be its doing. */
const tooOften = 0.1
/** Milliseconds requests may be sent after their time before the traffic is not what it was meant to be. */
const lateAllowed = 250
/** The same of the latest in a hundred, where nothing else tells whether the generators had room. */
const lateAllowedUnseen = 100
/** Milliseconds of a clock that was set. */
const clockAllowed = 200

/**
 * What was measured says something only under sound conditions. A target that breaks a rule all the same breaks it: whatever is
 * wrong with the conditions here hides trouble, as requests that were never sent or counted, and makes none up.
 */
export const sound = (result: LoadResult, judge: () => Judgement): Judgement => {
  const judged = judge()
  // Only what was given up for its time may be this machine's doing.
  const slowed = impairedBy(result)
  if (judged.kind === 'broken' && slowed !== undefined && gaveUp(result)) return inconclusive(slowed)
  // The doubts first: what is wrong with the traffic explains what is wrong with its samples.
  return judged.kind === 'broken' ? judged : all([...doubtsOf(result).map((reason) => inconclusive(reason)), judged])
}

/**
 * Beside what can slow answers down without the target's doing, where an answer that came late is what breaks the rule. A machine that
 * has nothing left makes answers late and none early: what was in time all the same was in time.
 */
export const timed = (result: LoadResult, judge: () => Judgement): Judgement =>
  unlessLate(slowedBy(result), crowdedBy(result.conditions), () => sound(result, judge))

/** `slowed` says why no time means anything, `crowded` why a long one does not, if so. */
export function unlessLate(slowed: string | undefined, crowded: string | undefined, judge: () => Judgement): Judgement {
  if (slowed !== undefined) return inconclusive(slowed)
  const judged = judge()
  return judged.kind === 'broken' && crowded !== undefined ? inconclusive(crowded) : judged
}

/** What is known of traffic whose conditions are to be judged. */
type Measurement = Pick<LoadResult, 'conditions'> & { flows: Readonly<Record<string, Pick<FlowResult, 'arrivals' | 'late'>>> }

/** Nothing is known that speaks against what was measured. */
export const unimpaired = (measurement: Measurement): boolean => impairedBy(measurement) === undefined && doubtsOf(measurement).length === 0

const gaveUp = ({ flows }: LoadResult): boolean =>
  Object.values(flows).some(({ series }) => Object.values(series).some(({ bad }) => bad.timeout !== undefined))

/** What of this machine was in the way of its measuring time. */
export const impairedBy = (measurement: Measurement): string | undefined => slowedBy(measurement) ?? crowdedBy(measurement.conditions)

/** Why what came late may be the doing of this machine, if so. */
export const crowdedBy = ({ exhausted = 0 }: { exhausted?: number }): string | undefined =>
  exhausted > tooOften
    ? `this machine had nothing left in ${percent(exhausted)} of the seconds: it has to have room beside the traffic, and the target a machine of its own`
    : undefined

function slowedBy({ conditions, flows }: Measurement): string | undefined {
  const { processor, machine } = conditions
  if (processor !== undefined && processor >= busy)
    return `the generator used ${percent(processor)} of this machine, and measured itself: use a larger one, or a lower rate`
  const clock = clockSetBy(conditions)
  if (clock !== undefined) return clock
  const latest = Math.max(0, ...Object.values(flows).map((flow) => flow.late.p99))
  if (machine === undefined && latest > lateAllowedUnseen)
    return `one request in a hundred was sent ${Math.round(latest)} ms late or later: give the generators more processors, or use more of them`
  const late = Math.max(0, ...Object.values(flows).map((flow) => flow.late.p50))
  return late > lateAllowed
    ? `half of the requests were sent ${Math.round(late)} ms late or later: this machine does not keep up`
    : undefined
}

/** Why no times can be told apart, if so. */
export const clockSetBy = ({ clockSet }: { clockSet: number }): string | undefined =>
  clockSet > clockAllowed ? `the clock of this machine was set by ${clockSet} ms meanwhile: run again` : undefined

function doubtsOf({ conditions: { cutShort, scriptErrors, dropped, lost, missing = [] }, flows }: Measurement): string[] {
  const first = Object.entries(flows).find(([, { arrivals }]) => arrivals.dropped > 0)
  return [
    ...(cutShort === undefined ? [] : [`the traffic ended early: ${cutShort}`]),
    ...(missing.length === 0 ? [] : [`parts of the traffic are missing: ${missing.join(', ')}`]),
    ...(scriptErrors.length === 0 ? [] : [`the script of the virtual users failed: ${scriptErrors[0]}`]),
    ...(lost === 0 ? [] : [`of ${lost} arrivals nothing was written down: see that the disk has room`]),
    ...(dropped === 0
      ? []
      : [`${dropped} arrivals found every virtual user waiting for the target${first ? ` (${first[0]})` : ''}, and were not sent`]),
  ]
}

/** The series, with at least so many samples. */
export function enough(flow: FlowResult | undefined, as: string, least: number, judge: (series: Series) => Judgement): Judgement {
  const series = flow?.series[as]
  if (series === undefined || series.count < least)
    return inconclusive(`${series?.count ?? 0} samples of ${as}, and ${least} are needed: give it a higher rate or more time`)
  return judge(series)
}

/** Every request of the series was answered as it should be. */
export const allGood = (as: string, { count, good, bad }: Series, detail: Detail = {}): Judgement =>
  good === count
    ? holds
    : broken(`does not answer ${count - good} of ${count} ${as} requests as it should`, { actual: wordsOf(bad), ...detail })

/** Every usual request was answered as it should be. */
export const allServed = (flow: FlowResult | undefined): Judgement =>
  all(['tools/call', 'tools/list'].map((as) => enough(flow, as, 5, (series) => allGood(as, series))))

/** How much slower answers may become: by this factor, and by what a machine that has more to do costs anyone. */
const [factor, allowance] = [2, 250]

/** Calls are answered as fast as they were. */
export const asFast = (before: FlowResult | undefined, after: FlowResult | undefined, otherwise: string): Judgement =>
  enough(before, 'tools/call', 20, ({ latency: { p95: was } }) =>
    enough(after, 'tools/call', 20, ({ latency: { p95: is } }) => {
      const limit = was * factor + allowance
      const seen = `p95 ${milliseconds(was)} before, ${milliseconds(is)} then`
      return is <= limit ? holdsWith(seen) : broken(otherwise, { expected: `p95 at most ${milliseconds(limit)}`, actual: seen })
    }),
  )

// Checks say what was measured in the words in which reports do.
export { milliseconds, percent, wordsOf }
