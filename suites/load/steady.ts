import {
  broken,
  chanceOfAtLeast,
  check,
  each,
  type FlowResult,
  holdsIf,
  holdsWith,
  inconclusive,
  type Judgement,
  notTestable,
  type Objective,
  probe,
  type Series,
  section,
  type UnitFacts,
} from '../../src/model/index.ts'
import { watching } from './gauges.ts'
import { usual } from './requests.ts'
import { enough, milliseconds, percent, sound, timed, wordsOf } from './verdicts.ts'

/** Seconds. */
export const warmUp = 2
/** A share as far off as this by chance alone in one run of a hundred is taken for no chance. */
const unlikely = 0.01

export const steady = probe(
  'the traffic the target is meant to carry',
  { requires: ['load', 'newest of its era', 'echo tool'], over: 'http', alone: 'on this machine', disruptive: true, deadline: 3_600_000 },
  async (context) => {
    const { rate, seconds } = context.nominal
    const within = (context.facts.objectives ?? []).flatMap((objective) => objective.within ?? [])
    const traffic = {
      warmUp: warmUp * 1_000,
      within: [...new Set(within)],
      flows: [{ name: 'agents', arrivals: 'calls', rate, seconds: seconds + warmUp, requests: await usual(context) }],
    } as const
    const watch = watching(context)
    const sent = await context.load(traffic, watch.look)
    return { ...sent, held: await watch.seen() }
  },
)

const mixedUp = ['content of another request', 'wrong id']

export default section(
  {
    spec: 'load',
    page: 'steady',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['load', 'newest of its era', 'echo tool'],
  },
  [
    check('load/steady-availability', {
      title: 'The objectives for answers are met',
      objective: 'answer the share of requests that its operator wants answered',
      needs: { steady },
      judge: ({ steady }, facts) => sound(steady, () => judgedBy(facts, 'availability', steady.flows.agents)),
      fix: 'See what the failed requests were answered with, and at which second: a limit that is too low, a pool that is too small, a server behind that fails.',
    }),
    check('load/steady-latency', {
      title: 'The objectives for latency are met',
      objective: 'answer requests within the time its operator wants',
      needs: { steady },
      judge: ({ steady }, facts) => timed(steady, () => judgedBy(facts, 'latency', steady.flows.agents)),
      fix: 'Look at latency by the second: a stall every so often is a pause of the process or a renewal in the path of requests; a rise is a queue.',
    }),
    check('load/steady-answers', {
      title: 'Under load each request gets its own answer',
      objective: 'give each of many requests at once the answer to it and to no other',
      needs: { steady },
      judge: ({ steady }) =>
        sound(steady, () =>
          enough(steady.flows.agents, 'tools/call', 20, ({ bad, count }) => {
            const crossed = mixedUp.reduce((sum, how) => sum + (bad[how] ?? 0), 0)
            return holdsIf(crossed === 0, `gives ${crossed} of ${count} calls the answer to another`, { actual: wordsOf(bad) })
          }),
        ),
      fix: 'Keep what belongs to one request out of what requests share; a cache of calls needs their arguments in its key.',
    }),
  ],
)

function judgedBy({ objectives = [] }: UnitFacts, sli: Objective['sli'], flow: FlowResult | undefined): Judgement {
  const wanted = objectives.filter((objective) => objective.sli === sli)
  if (wanted.length === 0) return notTestable(`no objective for ${sli} is given: see \`objectives\` of the configuration`)
  return each(wanted, '', (objective) => enough(flow, objective.method, 20, (series) => met(objective, series)))
}

/** Whether an objective is met, as far as so many samples can say. */
function met({ name, method, sli, within, target }: Objective, { count, good, bad, within: counts, latency }: Series): Judgement {
  const all = sli === 'latency' ? good : count
  const fine = sli === 'latency' ? (counts[String(within)] ?? 0) : good
  if (all === 0) return inconclusive(`no ${method} was answered as it should be: ${wordsOf(bad)}`)
  const allowed = 1 - target
  const missed = all - fine
  const wanted = `${percent(target)} of ${method} ${sli === 'latency' ? `within ${milliseconds(within!)}` : 'answered'}`
  const seen = `${percent(fine / all)} of ${all}${sli === 'latency' ? `, p99 ${milliseconds(latency.p99)}, at most ${milliseconds(latency.max)}` : ''}`
  const spent = percent(missed / (all * allowed))
  if (missed <= all * allowed) {
    const needed = Math.ceil(1 / allowed)
    return all >= needed
      ? holdsWith(`${name}: ${seen}; ${spent} of the budget of this run is spent`)
      : inconclusive(
          `${name}: ${all} samples are too few for ${percent(target)}: ${needed} are needed; give \`load\` more time or a higher rate`,
        )
  }
  return chanceOfAtLeast(missed, all, allowed) < unlikely
    ? broken(`misses the objective ${name}`, {
        expected: wanted,
        actual: `${seen}; ${spent} of the budget of this run is spent${sli === 'availability' ? `: ${wordsOf(bad)}` : ''}`,
      })
    : inconclusive(`${name}: ${seen}, and ${wanted} is wanted: so few samples can miss it by chance; give \`load\` more time`)
}
