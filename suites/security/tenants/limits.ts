import {
  check,
  type Exchange,
  each,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  notApplicable,
  type ProbeContext,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { proven } from './crossing.ts'
import { sharedBoth } from './pair.ts'
import { viewsOf } from './views.ts'

const flood = { calls: 5_000, atOnce: 64, within: 4_000 }

/** Refusals after which the limit is known to have been reached. */
const enough = 20

/** Requests of the other tenant while the limit of the first is used up. */
const asides = 5

const isLimited = (exchange: Exchange): boolean => statusOf(exchange) === 429

/** Uses up the limit of one tenant; what the other is answered meanwhile is the point. */
const flooded = probe(
  'one tenant floods the target, and another asks',
  { requires: ['second tenant', 'newest revision'], over: 'http', alone: true, disruptive: true, deadline: 20_000 },
  async (context) => {
    const { own, other } = await sharedBoth(context)
    const ask = context.era === 'stateless' ? 'server/discover' : 'ping'
    const before = [await own.send(ask), await other.send(ask)]
    let refused = 0
    const storm = await context.storm({
      ...flood,
      send: (number, options) => own.send(ask, undefined, { ...options, id: `assay-flood-${number}` }),
      look: (exchange) => {
        if (!isLimited(exchange)) return 'fine'
        refused += 1
        return refused > enough ? 'stop' : 'keep'
      },
    })
    const during: Exchange[] = []
    for (let at = 0; at < asides; at += 1) during.push(await other.send(ask))
    const refusals = storm.kept.filter(isLimited)
    await recovered(context, own, ask)
    return { sent: storm.sent, took: storm.took, before, refusals, during }
  },
)

/** Gives the limit time to fill up again, so that what follows is not refused for it. */
async function recovered({ pause }: ProbeContext, own: { send: (method: string) => Promise<Exchange> }, ask: string): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 500) {
    if (!isLimited(await own.send(ask))) return
    await pause(500)
  }
}

const argument = 'assay-secret-argument'

/** What operators of all tenants can read, after calls that say something of their own. */
const recorded = probe(
  'metrics and logs after calls of two tenants',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { words } = await viewsOf(context)
    const { name } = await scriptedTool(context)
    const clients = await sharedBoth(context)
    const calls = await Promise.all(
      [clients.own, clients.other].map(async (client, at) => {
        const script = await context.instruments.upstream!.script({})
        return client.send('tools/call', { name, arguments: { script, text: `${argument}-${at}` } })
      }),
    )
    const { metrics, logs } = context.observe
    const metricLines = (await metrics?.())?.split('\n') ?? []
    const logLines = (await logs?.()) ?? []
    const tellingLine = (line: string) =>
      line.includes(argument) || [...words.own, ...words.other].some((word) => isData(word) && line.includes(word))
    // Lines of a log may hold more than they should: how many is enough to know.
    return {
      calls,
      metrics: { lines: metricLines.length, telling: metricLines.filter(tellingLine).length },
      logs: { lines: logLines.length, telling: logLines.filter((line) => line.includes(argument)).length },
    }
  },
)

/** Data rather than a name: names of tools and files may well be counted by. */
const isData = (word: string): boolean => word.length >= 12 && !/[_./]/.test(word)

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-770', 'CWE-400', 'API4:2023', 'LLM10:2025'],
    threat: 'noisy-neighbour',
  },
  [
    check('tenants/rate-limit', {
      requires: 'newest revision',
      title: 'The limit of one tenant is not that of another',
      policy: 'count requests by tenant, so that one that asks too much costs no other its answers',
      needs: { flooded },
      judge: ({ flooded: { sent, took, before, refusals, during } }) =>
        proven(before, () => {
          const refused = during.find((exchange) => isLimited(exchange) || (statusOf(exchange) ?? 0) >= 500)
          if (refused !== undefined)
            return holdsIf(false, 'refuses one tenant because another has asked too much', {
              expected: 'an answer',
              actual: summaryOf(refused),
              exchange: refused,
            })
          const lost = during.find((exchange) => exchange.response === undefined)
          if (lost !== undefined) return inconclusive(`no response: ${lost.failure?.message}`, lost)
          return refusals.length > 0 ? holds : notApplicable(`${sent} requests of one tenant within ${took} ms met no limit`)
        }),
      fix: 'Keep a counter for each tenant.',
      covers: 'tenant.noisy-neighbour',
    }),

    check('tenants/retry-after', {
      requires: 'newest revision',
      spec: 'rfc6585',
      page: '4',
      title: 'A tenant beyond its limit is told when to come back',
      policy: 'say in Retry-After how long a tenant beyond its limit is to wait',
      needs: { flooded },
      judge: ({ flooded: { sent, took, refusals } }) =>
        each(refusals, `${sent} requests of one tenant within ${took} ms met no limit`, (exchange) =>
          holdsIf(isDelay(headerOf(exchange, 'retry-after')), 'refuses with 429 and does not say for how long', {
            expected: 'Retry-After: a number of seconds, or a date',
            actual: headerOf(exchange, 'retry-after') ?? 'no Retry-After',
            exchange,
          }),
        ),
      fix: 'Send Retry-After with 429: the seconds until the next request is served.',
    }),

    check('tenants/metrics', {
      requires: ['scripted upstream', 'metrics'],
      weakness: ['CWE-532', 'CWE-497', 'API8:2023', 'MCP08:2025', 'MCP10:2025'],
      threat: 'exposed-internals',
      title: 'Metrics hold no data of tenants',
      policy: 'keep arguments and contents of calls out of metrics, which are read across tenants',
      needs: { recorded },
      judge: ({ recorded: { calls, metrics } }) =>
        proven(calls, () =>
          metrics.lines === 0
            ? notApplicable('there are no metrics')
            : holdsIf(metrics.telling === 0, 'puts data of a tenant into metrics', {
                expected: 'labels from a fixed set',
                actual: `${metrics.telling} of ${metrics.lines} lines hold what a call said or was answered`,
                exchange: calls[0],
              }),
        ),
      fix: 'Use labels whose values are known beforehand: method, server, status.',
      covers: 'tenant.log-canary',
    }),

    check('tenants/logs', {
      requires: ['scripted upstream', 'logs'],
      weakness: ['CWE-532', 'API8:2023', 'MCP08:2025', 'MCP10:2025'],
      threat: 'exposed-internals',
      title: 'Logs hold no arguments of calls',
      policy: 'keep the arguments of calls out of logs that are written for all tenants',
      needs: { recorded },
      judge: ({ recorded: { calls, logs } }) =>
        proven(calls, () =>
          logs.lines === 0
            ? notApplicable('nothing is logged')
            : holdsIf(logs.telling === 0, 'writes arguments of a call into the log', {
                expected: 'the tool, the caller and the outcome',
                actual: `${logs.telling} of ${logs.lines} lines hold what a call said`,
                exchange: calls[0],
              }),
        ),
      fix: 'Log what was called and how it ended; leave out what was said.',
      covers: 'tenant.log-canary',
    }),
  ],
)

const isDelay = (value: string | undefined): boolean => value !== undefined && (/^\d+$/.test(value) || !Number.isNaN(Date.parse(value)))
