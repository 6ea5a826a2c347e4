import {
  broken,
  chanceOfAtLeast,
  check,
  each,
  type FlowResult,
  holdsIf,
  holdsWith,
  inconclusive,
  isOfStreams,
  type Judgement,
  nominalTraffic,
  notTestable,
  type Objective,
  probe,
  type Series,
  section,
  spendingOf,
  type Traffic,
  type UnitFacts,
} from '../../src/model/index.ts'
import { watching } from './gauges.ts'
import { comparable, worsened } from './nights.ts'
import { usual } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { enough, impairedBy, milliseconds, percent, sound, timed, wordsOf } from './verdicts.ts'

/** Seconds. */
export const warmUp = 2
/** A share as far off as this by chance alone in one run of a hundred is taken for no chance. */
const unlikely = 0.01

export const steady = probe(nominalTraffic, { ...sending, requires: echoed, deadline: 3_600_000 }, async (context) => {
  const { rate, seconds } = context.nominal
  const traffic: Traffic = {
    warmUp: warmUp * 1_000,
    objectives: context.facts.objectives,
    flows: [{ name: 'agents', arrivals: 'calls', rate, seconds: seconds + warmUp, requests: await usual(context) }],
  }
  const watch = watching(context)
  const sent = await context.load(traffic, watch.look)
  const held = await watch.seen()
  const { machine, loads } = context.history()
  // What seems to have become slower is measured once more, and is slower only if it is so then too.
  const seemsSlower = impairedBy(sent) === undefined && worsened(sent, comparable(loads, machine, rate).nights).length > 0
  const again = seemsSlower ? await context.load(traffic) : undefined
  return { sent, held, earlier: { machine, rate, loads }, ...(again && { again }) }
})

const mixedUp = ['content of another request', 'wrong id']

export default section(
  {
    ...ofLoad,
    page: 'steady',
    requires: echoed,
  },
  [
    check('load/steady-availability', {
      title: 'The objectives for answers are met',
      objective: 'answer the share of requests that its operator wants answered',
      needs: { steady },
      judge: ({ steady: { sent } }, facts) => sound(sent, () => judgedBy(facts, 'availability', sent.flows.agents)),
      fix: 'See what the failed requests were answered with, and at which second: a limit that is too low, a pool that is too small, a server behind that fails.',
    }),
    check('load/steady-latency', {
      title: 'The objectives for latency are met',
      objective: 'answer requests within the time its operator wants',
      needs: { steady },
      judge: ({ steady: { sent } }, facts) => timed(sent, () => judgedBy(facts, 'latency', sent.flows.agents)),
      fix: 'Look at latency by the second: a stall every so often is a pause of the process or a renewal in the path of requests; a rise is a queue.',
    }),
    check('load/steady-answers', {
      title: 'Under load each request gets its own answer',
      objective: 'give each of many requests at once the answer to it and to no other',
      needs: { steady },
      judge: ({ steady: { sent } }) =>
        sound(sent, () =>
          enough(sent.flows.agents, 'tools/call', 20, ({ bad, count }) => {
            const crossed = mixedUp.reduce((sum, how) => sum + (bad[how] ?? 0), 0)
            return holdsIf(crossed === 0, `gives ${crossed} of ${count} calls the answer to another`, { actual: wordsOf(bad) })
          }),
        ),
      fix: 'Keep what belongs to one request out of what requests share; a cache of calls needs their arguments in its key.',
    }),
  ],
)

function judgedBy({ objectives = [] }: UnitFacts, sli: Objective['sli'], flow: FlowResult | undefined): Judgement {
  const wanted = objectives.filter((objective) => objective.sli === sli && !isOfStreams(objective))
  if (wanted.length === 0) return notTestable(`no objective for ${sli} is given: see \`objectives\` of the configuration`)
  return each(wanted, '', (objective) => enough(flow, objective.method, 20, (series) => met(objective, series)))
}

type Judged = Pick<Series, 'count' | 'good' | 'bad' | 'within' | 'latency'>

/** Whether an objective is met, as far as so many samples can say. */
export function met(objective: Objective, series: Judged): Judgement {
  const { name, method, sli, within, target } = objective
  const { bad, latency } = series
  const { all, missed, allowed } = spendingOf(objective, series)
  if (all === 0) return inconclusive(`no ${method} was answered as it should be: ${wordsOf(bad)}`)
  const wanted = `${percent(target)} of ${method} ${sli === 'latency' ? `within ${milliseconds(within!)}` : 'answered'}`
  const seen = `${percent((all - missed) / all)} of ${all}${sli === 'latency' ? `, p99 ${milliseconds(latency.p99)}, at most ${milliseconds(latency.max)}` : ''}`
  const spent = percent(missed / allowed)
  if (missed <= allowed) {
    const needed = Math.ceil(1 / (1 - target))
    return all >= needed
      ? holdsWith(`${name}: ${seen}; ${spent} of the budget of this run is spent`)
      : inconclusive(
          `${name}: ${all} samples are too few for ${percent(target)}: ${needed} are needed; give \`load\` more time or a higher rate`,
        )
  }
  return chanceOfAtLeast(missed, all, 1 - target) < unlikely
    ? broken(`misses the objective ${name}`, {
        expected: wanted,
        actual: `${seen}; ${spent} of the budget of this run is spent${sli === 'availability' ? `: ${wordsOf(bad)}` : ''}`,
      })
    : inconclusive(`${name}: ${seen}, and ${wanted} is wanted: so few samples can miss it by chance; give \`load\` more time`)
}
