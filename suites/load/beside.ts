import {
  type Beside,
  broken,
  check,
  compare,
  type Flow,
  type FlowResult,
  holdsWith,
  inconclusive,
  type Judgement,
  type LoadResult,
  type ProbeContext,
  probe,
  ratioOf,
  section,
} from '../../src/model/index.ts'
import { echoRequest } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { enough, milliseconds, timed, wordsOf } from './verdicts.ts'

const options = { ...sending, deadline: 3_600_000 } as const

/** Seconds of calls through the target and past it, at the same time. */
const together = 8

const direct = probe('calls through the target and past it', { ...options, requires: [...echoed, 'direct server'] }, async (context) => {
  const { rate, overhead } = context.nominal
  const flow = { arrivals: 'calls', rate, seconds: 1 + together } as const
  const sent = await context.load({
    warmUp: 1_000,
    flows: [
      { ...flow, name: 'through', requests: [await echoRequest(context)] },
      // Half a step later, so that neither always finds the other under way.
      { ...flow, name: 'past', at: 'direct', after: 0.5 / rate, requests: [await echoRequest(context, 'direct')] },
    ],
  })
  return { sent, overhead }
})

/** Turns of each release: so many that chance alone cannot order them. */
const turns = ['target', 'previous', 'previous', 'target', 'target', 'previous', 'previous', 'target'] as const
const turn = 2

/** Both releases in turns, so that whatever else changes on the way meets both alike (A B B A). */
async function inTurns(context: ProbeContext): Promise<LoadResult> {
  const requests = { target: [await echoRequest(context)], previous: [await echoRequest(context, 'previous')] }
  const { rate } = context.nominal
  return context.load({
    warmUp: 1_000,
    flows: turns.map((which, at): Flow => {
      const first = at === 0
      return {
        name: `${which}-${at + 1}`,
        at: which === 'target' ? undefined : which,
        arrivals: 'calls',
        rate,
        seconds: first ? 1 + turn : turn,
        after: first ? 0 : 1 + at * turn,
        requests: requests[which],
      }
    }),
  })
}

const releases = probe(
  'the release and the one before it, in turns',
  { ...options, requires: [...echoed, 'previous release'] },
  async (context) => {
    const first = await inTurns(context)
    // What is worse once may be so by chance, and is measured again.
    return regressed(first) ? [first, await inTurns(context)] : [first]
  },
)

export default [
  ...section({ ...ofLoad, page: 'overhead', requires: [...echoed, 'direct server'] }, [
    check('load/overhead', {
      title: 'The target adds little to a call',
      objective: 'add little to the time a call takes that the server behind it answers',
      needs: { direct },
      judge: ({ direct: { sent, overhead } }) => timed(sent, () => adds(sent.flows.past, sent.flows.through, overhead)),
      fix: 'See what the target does for each call that it could do once: fetching keys and tokens, opening connections and sessions to servers, reading configuration.',
    }),
  ]),
  ...section({ ...ofLoad, page: 'release', requires: [...echoed, 'previous release'] }, [
    check('load/release', {
      title: 'The release is as fast as the one before it',
      objective: 'answer calls as fast as the release before it',
      needs: { releases },
      judge: ({ releases }) => timed(releases.at(-1)!, () => asFastAsBefore(releases.at(-1)!)),
      fix: 'Compare profiles of the two releases under the same traffic.',
    }),
  ]),
]

/** Medians by the second of calls that were answered as they should be. */
const medians = (flow: FlowResult | undefined): number[] =>
  (flow?.series['tools/call']?.seconds ?? []).filter(({ count, good }) => count === good).map(({ p50 }) => p50)

/** How many times as long a call through the target may take, beside what it may add. */
const factor = 1.5

function adds(past: FlowResult | undefined, through: FlowResult | undefined, overhead: number): Judgement {
  return enough(past, 'tools/call', 40, (alone) =>
    enough(through, 'tools/call', 40, (full) => {
      const [before, after] = [medians(past), medians(through)]
      if (before.length < 5 || after.length < 5)
        return inconclusive(`too many calls fail to compare times: ${wordsOf({ ...alone.bad, ...full.bad })}`)
      const ratio = ratioOf(before, after)
      const { p50 } = alone.latency
      const most = factor + overhead / p50
      const seen = `p50 ${milliseconds(p50)} without it, ${milliseconds(full.latency.p50)} through it: ${inWords(ratio)}; p99 ${milliseconds(alone.latency.p99)} and ${milliseconds(full.latency.p99)}`
      if (ratio.low > most)
        return broken('makes calls slow', {
          expected: `p50 at most ${milliseconds(p50 * most)}, ${times(most)} of the server's own`,
          actual: seen,
        })
      return ratio.value <= most
        ? holdsWith(seen)
        : inconclusive(`${seen}; at most ${times(most)} is wanted, and so few samples leave it open`)
    }),
  )
}

const of = ({ flows }: LoadResult, which: Exclude<Beside, 'direct'> | 'target'): FlowResult[] =>
  Object.entries(flows).flatMap(([name, flow]) => (name.startsWith(which) ? [flow] : []))

const comparisonOf = (sent: LoadResult) => compare(of(sent, 'previous').flatMap(medians), of(sent, 'target').flatMap(medians))

const regressed = (sent: LoadResult): boolean => comparisonOf(sent).regressed

function asFastAsBefore(sent: LoadResult): Judgement {
  const [before, now] = [of(sent, 'previous').flatMap(medians), of(sent, 'target').flatMap(medians)]
  if (before.length < turn * 3 || now.length < turn * 3)
    return inconclusive(
      `${before.length} seconds of the release before and ${now.length} of this one had no failures, and ${turn * 3} of each are needed`,
    )
  const { ratio, p, regressed } = compare(before, now)
  const seen = `the median is ${inWords(ratio)}, p ${p < 0.001 ? '< 0.001' : `= ${Math.round(p * 1000) / 1000}`}`
  return regressed
    ? broken('has become slower than the release before it, twice in a row', { expected: 'less than 5 % slower', actual: seen })
    : holdsWith(seen)
}

const times = (value: number): string => `${Math.round(value * 100) / 100} times`

const inWords = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${times(value)} (${Math.round(low * 100) / 100} to ${Math.round(high * 100) / 100} with 99 % confidence)`
