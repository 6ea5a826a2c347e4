import {
  all,
  broken,
  check,
  each,
  holdsIf,
  holdsWith,
  inconclusive,
  type Judgement,
  type LoadResult,
  notTestable,
  probe,
  type Series,
  section,
} from '../../src/model/index.ts'
import { type Held, heldBy } from './gauges.ts'
import { echoRequest, usual } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { allGood, asFast, enough, sound, timed, wordsOf } from './verdicts.ts'

const head = { ...ofLoad, requires: echoed } as const

const churn = probe('clients that come and go', { ...sending, requires: [...echoed, 'sessions'] }, async (context) => {
  const { rate } = context.nominal
  const requests = [await echoRequest(context)]
  const flows = [{ name: 'clients', arrivals: 'visits', rate: rate / 2, seconds: 7, requests }] as const
  const before = await heldBy(context)
  const sent = await context.load({ warmUp: 1_000, flows })
  let after = await heldBy(context)
  // What a target ends with some delay is ended all the same.
  for (let second = 0; second < delay && (after.sessions ?? 0) > (before.sessions ?? 0); second += 1) {
    await context.pause(1_000)
    after = await heldBy(context)
  }
  return { ...sent, before, after }
})

/** Seconds until ended sessions are gone, and the shares of them that may still be there, and that are a leak for sure. */
const [delay, few, many] = [5, 0.1, 0.5]

/** The target holds about as many sessions as before all those came and went. */
function gone({ before, after, flows: { clients } }: { before: Held; after: Held } & Pick<LoadResult, 'flows'>): Judgement {
  if (before.sessions === undefined || after.sessions === undefined)
    return notTestable('its metrics hold no gauge of sessions, named `sessions` or `…_sessions`: see `observe.metrics` of the target')
  const opened = clients?.sessions.opened ?? 0
  const more = after.sessions - before.sessions
  const seen = `${before.sessions} sessions before, ${after.sessions} after ${opened} came and went`
  if (more >= opened * many)
    return broken('keeps sessions that have ended', { expected: `about ${before.sessions} sessions`, actual: seen })
  return more <= opened * few ? holdsWith(seen) : inconclusive(`${seen}: others may have opened some; run again when nobody else does`)
}

const unkept = probe('a connection for each request', { ...sending, requires: echoed }, async (context) => {
  const { rate } = context.nominal
  const requests = [await echoRequest(context)]
  return context.load({ warmUp: 1_000, flows: [{ name: 'strangers', arrivals: 'calls', rate, seconds: 6, requests, unkept: true }] })
})

const steps = [1, 5, 1] as const
const stepSeconds = 3

const ramp = probe('traffic that grows to five times as much and falls again', { ...sending, requires: echoed }, async (context) => {
  const { rate } = context.nominal
  const requests = await usual(context)
  return context.load({
    warmUp: 1_000,
    flows: steps.map((times, at) => ({
      name: `step-${at + 1}`,
      arrivals: 'calls' as const,
      rate: rate * times,
      seconds: at === 0 ? stepSeconds + 1 : stepSeconds,
      after: at === 0 ? 0 : at * stepSeconds + 1,
      requests,
    })),
  })
})

/** More than is usual may be refused, as long as whoever asks is told. */
const carried = (series: Series, times: number): Judgement =>
  allGood('tools/call', times === 1 ? series : { ...series, good: series.good + (series.bad['HTTP 429'] ?? 0) })

/** Characters of an argument. */
const sizes = { '1 kB': 1_000, '100 kB': 100_000, '1 MB': 1_000_000, '10 MB': 10_000_000 } as const

const payloads = probe('calls with large arguments', { ...sending, requires: echoed }, async (context) => {
  const call = await echoRequest(context)
  const { arguments: given } = await context.tool('echo')
  const texts = Object.entries(sizes).map(([as, size]) => ({
    method: call.method,
    params: { ...call.params, arguments: { ...given, [call.echoes ?? 'text']: 'x'.repeat(size) } },
    as,
  }))
  return context.load({ warmUp: 0, flows: [{ name: 'sizes', arrivals: 'calls', rate: 4, seconds: 6, requests: texts, users: 8 }] })
})

const refusals = /^(HTTP 4\d\d|error -32\d\d\d|tool error)$/

/** A server may answer and close while a large body is still being sent, which loses the answer (RFC 9110, section 15.5.14). */
const closedMeanwhile = /^connection lost/
const isLarge = (as: string): boolean => as.endsWith('MB')

export default [
  ...section({ ...head, page: 'churn', revisions: '2025-03-26..2025-11-25' }, [
    check('load/session-churn', {
      title: 'Sessions come and go without end',
      objective: 'open and end sessions at a steady rate, each with an id of its own',
      requires: 'sessions',
      needs: { churn },
      judge: ({ churn }) =>
        sound(churn, () =>
          all(['initialize', 'tools/call', 'DELETE'].map((as) => enough(churn.flows.clients, as, 20, (series) => allGood(as, series)))).and(
            holdsIf(
              churn.flows.clients!.sessions.distinct === churn.flows.clients!.sessions.opened,
              'gives one session id to several clients',
              { actual: `${churn.flows.clients!.sessions.distinct} ids for ${churn.flows.clients!.sessions.opened} sessions` },
            ),
          ),
        ),
      fix: 'Free everything a session holds when it is ended, and draw ids at random.',
    }),
  ]),
  ...section({ ...head, page: 'churn', revisions: '2025-03-26..2025-11-25' }, [
    check('load/session-leak', {
      title: 'Sessions that have ended are gone',
      objective: 'hold no more sessions when many have come and gone',
      requires: ['sessions', 'metrics'],
      weakness: ['CWE-401', 'CWE-772'],
      needs: { churn },
      judge: ({ churn }) => sound(churn, () => enough(churn.flows.clients, 'DELETE', 20, () => gone(churn))),
      fix: 'Take a session out of every table when it is ended: those of streams, of limits and of servers behind as well.',
    }),
  ]),
  ...section({ ...head, page: 'connections' }, [
    check('load/new-connections', {
      title: 'Clients that keep no connection are served',
      objective: 'serve requests that come over a connection each',
      needs: { unkept },
      judge: ({ unkept }) =>
        sound(unkept, () => enough(unkept.flows.strangers, 'tools/call', 20, (series) => allGood('tools/call', series))),
      fix: 'Accept connections as fast as they come, and free what each holds when it closes.',
    }),
  ]),
  ...section({ ...head, page: 'ramp' }, [
    check('load/ramp', {
      title: 'Traffic may grow and fall',
      objective: 'serve traffic that grows to five times what is usual and falls again, and be as fast afterwards as before',
      needs: { ramp },
      judge: ({ ramp }) =>
        sound(ramp, () =>
          all(steps.map((times, at) => enough(ramp.flows[`step-${at + 1}`], 'tools/call', 20, (series) => carried(series, times)))),
        ).and(timed(ramp, () => asFast(ramp.flows['step-1'], ramp.flows['step-3'], 'stays slow when the traffic has fallen'))),
      fix: 'Add capacity before it is needed and take it away only when nothing is under way; drop no connection on the way down.',
    }),
  ]),
  ...section({ ...head, page: 'payloads', weakness: ['CWE-770', 'CWE-400'] }, [
    check('load/payloads', {
      title: 'Large requests are served or refused',
      objective: 'serve a request of any size, or refuse it as too large; it is no error of the server, and costs no connection',
      needs: { payloads },
      judge: ({ payloads }) =>
        sound(payloads, () =>
          each(Object.keys(sizes), '', (as) =>
            enough(payloads.flows.sizes, as, 3, ({ bad }) => {
              const wrong = Object.fromEntries(
                Object.entries(bad).filter(([how]) => !refusals.test(how) && !(isLarge(as) && closedMeanwhile.test(how))),
              )
              return holdsIf(Object.keys(wrong).length === 0, `does not serve or refuse requests of ${as}`, {
                expected: 'a result, HTTP 413 or a JSON-RPC error',
                actual: wordsOf(wrong),
              })
            }),
          ),
        ),
      fix: 'Answer 413 as soon as the size is known, and read or close what is left of the body.',
    }),
  ]),
]
