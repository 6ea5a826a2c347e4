import {
  all,
  broken,
  holdsWith,
  inconclusive,
  isOfStreams,
  type Judgement,
  notApplicable,
  type StreamFlowResult,
  type StreamsResult,
  streamTimes,
  type UnitFacts,
} from '../../src/model/index.ts'
import { met } from './steady.ts'
import { clockSetBy, crowdedBy, milliseconds, unlessLate, wordsOf } from './verdicts.ts'

/** Milliseconds for which the driver may not come to its work before it measures itself. */
const heldUpAllowed = 100

/** Streams of which something can be said, and times. */
const [leastStreams, leastTimes] = [10, 20]

/** Ways in which a stream ends that this machine may have caused by being slow. */
const byTime = ['timeout', 'not acknowledged', 'no answer in time']

/** What says that there are no such streams, where every one is answered so. */
const notOffered = ['HTTP 404', 'HTTP 405', 'HTTP 501', 'no stream']

/**
 * What was seen of streams says something only under sound conditions. What a target does wrong all the same is wrong: whatever is
 * amiss here hides events and makes none up, except where something was waited for in vain.
 */
export function soundStreams(result: StreamsResult, judge: () => Judgement): Judgement {
  const judged = judge()
  const slowed = slowedStreams(result) ?? crowdedBy(result.conditions)
  if (judged.kind === 'broken') return slowed !== undefined && gaveUp(result) ? inconclusive(slowed) : judged
  const { cutShort } = result.conditions
  return all([judged, ...(cutShort === undefined ? [] : [inconclusive(`the streams were ended early: ${cutShort}`)])])
}

/** Where times are what breaks the rule. */
export const timedStreams = (result: StreamsResult, judge: () => Judgement): Judgement =>
  unlessLate(slowedStreams(result), crowdedBy(result.conditions), () => soundStreams(result, judge))

function slowedStreams({ conditions }: StreamsResult): string | undefined {
  const { p99 } = conditions.held
  return p99 > heldUpAllowed
    ? `what reads the streams did not come to it for ${p99} ms at a time, and measured itself: give this machine less to do`
    : clockSetBy(conditions)
}

/** Something was waited for in vain: a stream, its end, or a change that listeners hear of. */
const gaveUp = ({ flows }: StreamsResult): boolean =>
  Object.values(flows).some(
    ({ streams, resumption, events, delays }) =>
      byTime.some((how) => [streams.refused, streams.ended, resumption?.refused ?? {}].some((ways) => how in ways)) ||
      (delays.count > 0 && events.lost > 0),
  )

/** Judges streams of a kind the target offers, if there are enough of them. */
export function offered(flow: StreamFlowResult | undefined, none: string, judge: (flow: StreamFlowResult) => Judgement): Judgement {
  if (flow === undefined) return inconclusive('no streams were asked for')
  const { asked, opened, refused } = flow.streams
  const ways = Object.keys(refused)
  if (opened === 0 && ways.length > 0 && ways.every((how) => notOffered.includes(how))) return notApplicable(`${none}: ${wordsOf(refused)}`)
  if (asked < leastStreams)
    return inconclusive(`${asked} streams are too few: set \`load.streams\` of the target to ${leastStreams} or more`)
  return judge(flow)
}

/** Every stream was opened, and kept until it had come to its end. */
export function allKept({ streams: { asked, refused, ended, renewed } }: StreamFlowResult): Judgement {
  const lost = { ...refused, ...ended }
  const number = [...Object.values(refused), ...Object.values(ended)].reduce((sum, each) => sum + each, 0)
  return number === 0
    ? holdsWith(`${asked} streams${renewed === 0 ? '' : `, taken up again ${renewed} times`}`)
    : broken(`does not keep ${number} of ${asked} streams`, { expected: 'streams that stay open', actual: wordsOf(lost) })
}

/** Each stream got what is meant for it, once and in order. */
export function allCame({ events: { due, received, lost, duplicated, disordered, foreign } }: StreamFlowResult, where: string): Judgement {
  if (foreign > 0) return broken(`sends ${foreign} events to streams they do not belong to`, { expected: 'its own events on each stream' })
  if (received === 0) return inconclusive(`no event came ${where}`)
  const wrong = { lost, 'received twice': duplicated, 'out of order': disordered }
  const seen = Object.entries(wrong).filter(([, number]) => number > 0)
  return seen.length === 0
    ? holdsWith(`${received} events`)
    : broken(`does not send each event once and in order ${where}`, {
        expected: `${due} events`,
        actual: seen.map(([how, number]) => `${number} ${how}`).join(', '),
      })
}

/** What objectives want times of streams to be counted by, in milliseconds. */
export const limitsOf = ({ objectives = [] }: UnitFacts): number[] => [
  ...new Set(objectives.filter(isOfStreams).flatMap(({ within }) => within ?? [])),
]

/** Nineteen of twenty are within so many milliseconds, where no objective says otherwise. */
export function inTime(flow: StreamFlowResult, kind: keyof typeof streamTimes, limit: number, { objectives = [] }: UnitFacts): Judgement {
  const { count, latency, within } = flow[kind]
  const what = streamTimes[kind]
  if (count < leastTimes) return inconclusive(`${count} times of ${what}, and ${leastTimes} are needed: set \`load.streams\` higher`)
  const wanted = objectives.filter(({ method, sli }) => method === what && sli === 'latency')
  if (wanted.length > 0) return all(wanted.map((objective) => met(objective, { count, good: count, bad: {}, within, latency })))
  const seen = `${what}: p95 ${milliseconds(latency.p95)}, at most ${milliseconds(latency.max)}`
  return latency.p95 <= limit ? holdsWith(seen) : broken('holds events back', { expected: `p95 at most ${limit} ms`, actual: seen })
}
