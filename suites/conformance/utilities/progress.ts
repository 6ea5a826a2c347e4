import {
  all,
  broken,
  check,
  controlled,
  type Exchange,
  holds,
  holdsIf,
  isResponse,
  type Judgement,
  notApplicable,
  notificationsOf,
  probe,
  section,
  transcript,
} from '../../../src/model/index.ts'
import { longCall, longest } from './long-call.ts'

/** Progress notifications a second above which a client is flooded. */
const flood = 100

interface Asked {
  token: string | number
  exchange: Exchange
}

interface Progress {
  asked: Asked[]
  without: Exchange
  stream: Exchange
}

const progress = probe('calls that ask for progress, and one that does not', { waits: true }, async (context): Promise<Progress> => {
  const connection = await context.connect()
  const stream = await connection.listen()
  const tokens = [`assay-progress-${connection.number}`, 41_000 + connection.number, 0]
  const call = async (token?: string | number) => {
    const { params } = await longCall(context, { delay: 160, progress: [1, 2, 3] })
    return connection.send(
      'tools/call',
      { ...params },
      { deadline: longest, ...(token === undefined ? {} : { meta: { progressToken: token } }) },
    )
  }
  const [without, ...exchanges] = await Promise.all([call(), ...tokens.map(call)])
  // What a target still says after its answers is heard on the streams it leaves open.
  await context.pause(150)
  return { asked: exchanges.map((exchange, index) => ({ token: tokens[index]!, exchange })), without: without!, stream: stream.exchange }
})

/** The page moved with 2026-07-28; its headings stayed. */
const at = (heading: string) => ({ page: `basic/utilities/progress#${heading}`, movedTo: `basic/patterns/progress#${heading}` })

export default section({ spec: 'mcp', ...at('behavior-requirements'), revisions: 'all' }, [
  check('progress/token-type', {
    title: 'Progress names the token as it was given',
    must: 'reference the progress token of the request, of the same value and type',
    ...at('progress-flow'),
    needs: { progress },
    judge: ({ progress }) =>
      reported(progress, ({ asked, stream }) => {
        const given = asked.map(({ token }) => token)
        const altered = progressOn(stream, ...asked.map(({ exchange }) => exchange)).find(
          ({ token }) => !given.includes(token as string) && given.some((one) => String(one) === String(token)),
        )
        return holdsIf(altered === undefined, 'gives the progress token another type', {
          expected: given,
          actual: altered?.token,
          exchange: altered?.exchange,
        })
      }),
    fix: 'Keep the token as it was parsed, integers as integers.',
    covers: 'progress.token-echo-type',
  }),

  check('progress/zero-token', {
    title: 'Progress is reported for the token 0',
    policy: 'treat the integer 0 as the progress token it is',
    ...at('progress-flow'),
    needs: { progress },
    judge: ({ progress }) =>
      reported(progress, ({ asked, stream }) => {
        const zero = asked.find(({ token }) => token === 0)!
        const served = progressOn(zero.exchange, stream).some(({ token }) => String(token) === '0')
        return holdsIf(served, 'reports progress for other tokens, but not for 0', {
          expected: 'progress for token 0',
          actual: 'none',
          exchange: zero.exchange,
        })
      }),
    fix: 'Test for the absence of the token, not for its truth.',
    covers: 'progress.token-echo-type',
  }),

  check('progress/increase', {
    title: 'Progress increases',
    must: 'increase the progress value with each notification',
    ...at('progress-flow'),
    needs: { progress },
    judge: ({ progress }) =>
      reported(progress, ({ asked, stream }) => all(asked.map(({ token, exchange }) => increases(token, exchange, stream)))),
    fix: 'Leave out a notification whose value is not above the last one sent for its token.',
    covers: 'progress.increasing',
  }),

  check('progress/only-with-token', {
    title: 'Progress is sent only where it was asked for',
    must: 'reference only tokens that were given in an active request',
    ...at('behavior-requirements'),
    needs: { progress, transcript },
    judge: ({ progress, transcript }) =>
      reported(progress, () => {
        const stray = strayIn(transcript)
        return stray === undefined
          ? holds
          : broken('sends progress for a token that was not given', {
              expected: 'a token of a request on this connection',
              actual: stray.token,
              exchange: stray.exchange,
            })
      }),
    fix: 'Send progress only with the token found in `_meta.progressToken` of the request, and none without it.',
    covers: 'progress.only-with-token',
  }),

  check('progress/rate', {
    title: 'Progress does not flood the client',
    should: 'limit the rate of progress notifications',
    ...at('implementation-notes'),
    needs: { progress },
    judge: ({ progress }) =>
      reported(progress, ({ asked, stream }) => {
        const busiest = asked
          .map(({ token, exchange }) => ({ exchange, count: busiestSecond(ofToken(token, exchange, stream)) }))
          .sort((a, b) => b.count - a.count)[0]!
        return holdsIf(busiest.count <= flood, `sends ${busiest.count} progress notifications in a second`, {
          expected: `at most ${flood}`,
          actual: busiest.count,
          exchange: busiest.exchange,
        })
      }),
    fix: 'Send at most a few progress notifications a second, dropping those in between.',
    covers: 'progress.rate',
  }),

  check('progress/end', {
    title: 'Progress stops with the answer',
    must: 'stop progress notifications after completion',
    ...at('implementation-notes'),
    needs: { progress },
    judge: ({ progress }) =>
      reported(progress, ({ asked, stream }) => all(asked.map(({ token, exchange }) => stops(token, exchange, stream)))),
    fix: 'Forget the token when the response is sent.',
    covers: 'progress.stop-after-completion',
  }),
])

interface Report {
  token: unknown
  value: unknown
  at: number
  exchange: Exchange
}

const progressOn = (...exchanges: Exchange[]): Report[] =>
  exchanges.flatMap((exchange) =>
    notificationsOf(exchange, 'notifications/progress').map(({ params, at }) => ({
      token: params?.progressToken,
      value: params?.progress,
      at,
      exchange,
    })),
  )

/** Of one token on its exchange and the stream beside it; over stdio both hear the same, so only one of them counts. */
function ofToken(token: string | number, exchange: Exchange, stream: Exchange): Report[] {
  const own = (reports: Report[]) => reports.filter((report) => String(report.token) === String(token))
  const direct = own(progressOn(exchange))
  return exchange.via === 'stdio' ? direct : [...direct, ...own(progressOn(stream))]
}

/** Judges only when the calls were answered and at least one of them reported progress. */
function reported(progress: Progress, judge: (progress: Progress) => Judgement): Judgement {
  const { asked, without, stream } = progress
  return controlled([...asked.map(({ exchange }) => exchange), without], () =>
    progressOn(stream, without, ...asked.map(({ exchange }) => exchange)).length === 0
      ? notApplicable('the calls report no progress')
      : judge(progress),
  )
}

function increases(token: string | number, exchange: Exchange, stream: Exchange): Judgement {
  // Each way of delivery keeps its own order; between the two there is none.
  return all([exchange, stream].map((way) => rises(progressOn(way).filter((report) => String(report.token) === String(token)))))
}

function rises(reports: Report[]): Judgement {
  const at = reports.findIndex(({ value }, index) => index > 0 && !((value as number) > (reports[index - 1]!.value as number)))
  return holdsIf(at === -1, 'sends progress that does not increase', {
    expected: 'rising values',
    actual: reports.map(({ value }) => value),
    exchange: reports[at]?.exchange,
  })
}

/** On the response's own stream the order is certain; on another, what comes this much later is late beyond doubt. */
const grace = 100

function stops(token: string | number, exchange: Exchange, stream: Exchange): Judgement {
  const answer = exchange.messages.findIndex(({ message }) => isResponse(message))
  const answered = exchange.messages[answer]!.at
  const late = exchange.messages
    .slice(answer + 1)
    .some(({ message }) => (message as { method?: unknown }).method === 'notifications/progress')
  const beside = progressOn(stream).some((report) => String(report.token) === String(token) && report.at > answered + grace)
  return holdsIf(!late && !beside, 'sends progress after the answer', {
    expected: 'none after the answer',
    exchange: late ? exchange : stream,
  })
}

function busiestSecond(reports: Report[]): number {
  const times = reports.map(({ at }) => at).sort((a, b) => a - b)
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length))
}

/** Progress on a connection that gave no such token, whatever its type. Requests outside any connection may use all. */
function strayIn(exchanges: readonly Exchange[]): Report | undefined {
  const given = new Map<number, Set<string>>()
  const everywhere = new Set<string>()
  for (const { connection, request } of exchanges) {
    const own = given.get(connection) ?? new Set()
    given.set(connection, own)
    for (const token of tokensIn(request.body ?? '')) {
      own.add(token)
      everywhere.add(token)
    }
  }
  return progressOn(...exchanges).find(
    ({ token, exchange }) => !(exchange.connection === 0 ? everywhere : given.get(exchange.connection)!).has(String(token)),
  )
}

const tokensIn = (body: string): string[] =>
  [...body.matchAll(/"progressToken"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?)/g)].map(([, token]) => String(JSON.parse(token!)))
