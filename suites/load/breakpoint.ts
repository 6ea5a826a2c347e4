import {
  all,
  broken,
  check,
  holdsWith,
  inconclusive,
  type Judgement,
  type LoadResult,
  type Objective,
  type ProbeContext,
  probe,
  type Series,
  section,
  Unfit,
  type UnitFacts,
} from '../../src/model/index.ts'
import { secondsAt, usual } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { allServed, asFast, enough, impairedBy, milliseconds, sound, timed, wordsOf } from './verdicts.ts'

/** How many times what the target is meant to carry is tried: more takes a small machine to its own end first. */
const times = 5
/** Milliseconds that are long where no objective says so. */
const long = 1_000
/** The share of answers, refusals aside, that may be bad before the target is at its end. */
const failing = 0.01
/** Of what it serves at most, what it must still serve when it is asked for twice as much. */
const kept = 0.5
/** Seconds of each step that are counted, if the rate is not low, those before them, and those in which it may recover. */
const [counted, uncounted, recovery] = [2, 1, 3]

const refusals = ['HTTP 429', 'HTTP 503']

interface Step {
  rate: number
  /** Those that are counted. */
  seconds: number
  sent: LoadResult
}

const loaded = probe(
  'more and more traffic, until the target is at its end',
  { ...sending, requires: echoed, deadline: 600_000 },
  async (context) => {
    const { nominal, most } = context
    const bound = Math.min(most, nominal.rate * times)
    if (bound < nominal.rate * 2)
      throw new Unfit('not-testable', `needs ${nominal.rate * 2} requests a second, and limits.requestsPerSecond of the target is ${most}`)
    const within = boundOf(context.facts)
    const steps = await climb(context, bound, within)
    const knee = slowWhere(steps, within) === undefined ? kneeOf(steps, within) : undefined
    const over = knee === undefined ? [] : [await send(context, knee.rate * 2, within)]
    // What one try says may be chance.
    if (knee !== undefined && !keepsUp(over[0]!, knee, within)) over.push(await send(context, knee.rate * 2, within))
    const after = await send(context, nominal.rate, within, { warmUp: recovery })
    return { within, steps, over, after }
  },
)

type Loaded = Awaited<ReturnType<typeof loaded.run>>

/**
 * Twice as much at each step, and once what lies between the last two. More virtual users than can wait within twice the bound would
 * only cost this machine: where all of them wait the target is at its end.
 */
async function climb(context: ProbeContext, bound: number, within: number): Promise<Step[]> {
  const steps: Step[] = []
  const take = async (rate: number) => {
    const taken = await send(context, rate, within, { users: Math.ceil((rate * within * 2) / 1_000) + 5 })
    steps.push(taken)
    return !degraded(taken, within)
  }
  let rate = context.nominal.rate
  while ((await take(rate)) && rate < bound) rate = Math.min(bound, rate * 2)
  const knee = kneeOf(steps, within)
  if (knee !== undefined && slowWhere(steps, within) === undefined) await take(Math.round((knee.rate + rate) / 2))
  return steps
}

async function send(
  context: ProbeContext,
  rate: number,
  within: number,
  { warmUp = uncounted, users }: { warmUp?: number; users?: number } = {},
): Promise<Step> {
  const seconds = secondsAt(context.nominal.rate, counted)
  const flow = { name: 'calls', arrivals: 'calls', rate, seconds: warmUp + seconds, requests: await usual(context), users } as const
  return { rate, seconds, sent: await context.load({ warmUp: warmUp * 1_000, objectives: [inTime(within)], flows: [flow] }) }
}

/** Milliseconds within which an answer is of use: the longest its operator allows. */
function boundOf({ objectives = [] }: UnitFacts): number {
  const bounds = objectives.flatMap(({ method, within }) => (method === 'tools/call' && within !== undefined ? [within] : []))
  return bounds.length === 0 ? long : Math.max(...bounds)
}

const inTime = (within: number): Objective => ({ name: 'calls in time', sli: 'latency', method: 'tools/call', within, target: 0.99 })

const callsOf = ({ sent }: Step): Series | undefined => sent.flows.calls?.series['tools/call']

/** It answers too late, or does not answer and does not refuse either. */
function degraded(taken: Step, within: number): boolean {
  const calls = callsOf(taken)
  if (calls === undefined || taken.sent.flows.calls!.arrivals.dropped > 0) return true
  const refused = refusals.reduce((sum, how) => sum + (calls.bad[how] ?? 0), 0)
  return calls.latency.p99 > within || calls.count - calls.good - refused > calls.count * failing
}

/** The step with the highest rate that was served, where a higher one was not. */
function kneeOf(steps: readonly Step[], within: number): Step | undefined {
  const served = steps.filter((taken) => !degraded(taken, within))
  return served.length === steps.length ? undefined : served.toSorted((a, b) => a.rate - b.rate).at(-1)
}

/** Good answers a second that are of use. */
const goodput = (taken: Step, within: number): number => (callsOf(taken)?.within[String(within)] ?? 0) / taken.seconds

const keepsUp = (over: Step, knee: Step, within: number): boolean => goodput(over, within) >= goodput(knee, within) * kept

/** Why the end that was met may be that of this machine. What was served in time was, however slow the machine. */
const slowWhere = (steps: readonly Step[], within: number): string | undefined =>
  steps
    .filter((taken) => degraded(taken, within))
    .map(({ sent }) => impairedBy(sent))
    .find((reason) => reason !== undefined)

/** Says something where the target came to its end before the generator and this machine did. */
function whenLoaded({ within, steps }: Loaded, judge: (knee: Step | undefined, most: number) => Judgement): Judgement {
  const slow = slowWhere(steps, within)
  if (slow !== undefined) return inconclusive(slow)
  const cut = steps.find(({ sent }) => sent.conditions.cutShort !== undefined)
  if (cut !== undefined) return inconclusive(`the traffic ended early: ${cut.sent.conditions.cutShort}`)
  if (degraded(steps[0]!, within))
    return inconclusive(`it does not carry ${steps[0]!.rate} requests a second either: see load/steady-availability`)
  return judge(kneeOf(steps, within), Math.max(...steps.map(({ rate }) => rate)))
}

export default section({ ...ofLoad, page: 'breakpoint', requires: echoed }, [
  check('load/breakpoint', {
    title: 'Asked for twice what it can carry, the target still serves half of that',
    objective: `serve at least ${kept * 100} % of what it can carry when it is asked for twice as much`,
    needs: { loaded },
    judge: ({ loaded }) =>
      whenLoaded(loaded, (knee, most) => {
        const { within, steps, over } = loaded
        if (knee === undefined) return all(steps.map(({ sent }) => sound(sent, () => holdsWith(`no breakpoint up to ${most}/s`))))
        const best = over.toSorted((a, b) => goodput(b, within) - goodput(a, within))[0]!
        const seen = `${rounded(goodput(best, within))} calls a second within ${milliseconds(within)} at ${best.rate}/s, ${rounded(goodput(knee, within))} at ${knee.rate}/s`
        return timed(best.sent, () =>
          enough(best.sent.flows.calls, 'tools/call', 20, ({ bad }) =>
            keepsUp(best, knee, within)
              ? holdsWith(seen)
              : broken('serves hardly anybody when too much is asked of it', {
                  expected: `${rounded(goodput(knee, within) * kept)} calls a second within ${milliseconds(within)}`,
                  actual: `${seen}${Object.keys(bad).length === 0 ? '' : `: ${wordsOf(bad)}`}`,
                }),
          ),
        )
      }),
    fix: 'Bound what may be under way and refuse the rest at once, with 429 or 503; drop what has waited longer than anybody waits for.',
  }),
  check('load/breakpoint-recovery', {
    title: 'When too much was asked of it the target serves as before',
    objective: 'serve what it is meant to carry again after more was asked of it than it can carry',
    needs: { loaded },
    judge: ({ loaded }) =>
      whenLoaded(loaded, () => {
        const [{ sent: first }, { sent: last }] = [loaded.steps[0]!, loaded.after]
        const undisturbed = allServed(first.flows.calls)
        return undisturbed.kind === 'broken'
          ? inconclusive(`it fails before that too: ${undisturbed.reason}`)
          : sound(last, () => undisturbed.and(allServed(last.flows.calls))).and(
              timed(last, () => asFast(first.flows.calls, last.flows.calls, 'is still slow when the crowd has gone')),
            )
      }),
    fix: 'Free what an overload has taken: places in queues and pools, open breakers, connections to servers.',
  }),
])

const rounded = (value: number): number => Math.round(value)
