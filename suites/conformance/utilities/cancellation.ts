import {
  all,
  answered,
  answerOf,
  broken,
  type Connection,
  check,
  controlled,
  type Exchange,
  errorOf,
  holds,
  holdsIf,
  inconclusive,
  isRequest,
  isResponse,
  type Judgement,
  notificationsOf,
  type ProbeContext,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
  transcript,
  Unfit,
  type UpstreamCall,
} from '../../../src/model/index.ts'
import { type LongCall, longCall, longest, scriptedCall } from './long-call.ts'

/** Calls that are cancelled at about the time they end. */
const raced = 12

/** Milliseconds the scripted upstream takes over a call that is cancelled. */
const duration = 1_500

const ping = (connection: Connection) => connection.send(connection.era === 'session' ? 'ping' : 'server/discover')

/** Over HTTP the stateless era cancels by closing the stream; there is no notification to judge. */
const closesInstead = ({ era, facts }: ProbeContext): boolean => era === 'stateless' && facts.via === 'http'

const ignored = probe('cancellations of nothing that is going on', { waits: true }, async (context) => {
  if (closesInstead(context)) throw new Unfit('not-applicable', 'over HTTP this revision cancels by closing the stream')
  const connection = await context.connect()
  const cancel = (params: Record<string, unknown>) => connection.notify('notifications/cancelled', params)
  const opening = await cancel({ requestId: connection.opening.request.rpc?.id, reason: 'assay' })
  const between = await ping(connection)
  const unknown = await cancel({ requestId: 'assay-never-sent', reason: 'assay' })
  const finished = await cancel({ requestId: between.request.rpc?.id })
  const malformed = [await cancel({}), await cancel({ requestId: null }), await cancel({ requestId: { assay: true } })]
  return { start: connection.opening, opening, between, unknown, finished, malformed, after: await ping(connection) }
})

interface Cancelled {
  control: Exchange
  cancelled: Exchange
  notice?: Exchange
  /** Milliseconds the upstream can have worked on the call when its cancellation had been taken. */
  worked: number
  /** What reached the upstream of each call, where it is ours to see. */
  upstream?: { control: UpstreamCall[]; cancelled: UpstreamCall[] }
}

const cancelled = probe('a call that is cancelled, and one that is not', { waits: true }, async (context): Promise<Cancelled> => {
  const connection = await context.connect()
  const behaviour = { delay: duration }
  const [one, other] = [await longCall(context, behaviour), await longCall(context, behaviour)]
  const stop = new AbortController()
  const id = `assay-cancelled-${connection.number}`
  const undisturbed = connection.send('tools/call', { ...one.params }, { deadline: longest })
  const call = connection.send('tools/call', { ...other.params }, { id, deadline: longest, abort: stop.signal })
  const since = await underWay(context, other)
  let notice: Exchange | undefined
  if (closesInstead(context)) stop.abort()
  else notice = await connection.notify('notifications/cancelled', { requestId: id, reason: 'no longer needed' })
  const worked = Date.now() - since
  const control = await undisturbed
  // Both began together: by now the cancelled one would have been answered too, but for a little unevenness.
  await Promise.race([call, context.pause(250)])
  stop.abort()
  // Work that began late ends late; where it was dropped, there is nothing to wait for.
  const ended = async () => ((await other.seen?.()) ?? []).every(({ cancelled, completed }) => cancelled !== undefined || completed)
  for (let waited = 0; waited < duration && !(await ended()); waited += 50) await context.pause(50)
  const upstream = one.seen && other.seen ? { control: await one.seen(), cancelled: await other.seen() } : undefined
  return { control, cancelled: await call, notice, worked, upstream }
})

/**
 * A gateway may have to open a session upstream first: a call is cancelled once it is there, where that can be seen. Tells
 * when work on it can have begun at the earliest.
 */
async function underWay(context: ProbeContext, { seen }: LongCall): Promise<number> {
  let since = Date.now()
  if (seen === undefined) await context.pause(120)
  for (let look = 0; seen !== undefined && look < 60; look += 1) {
    const before = Date.now()
    if ((await seen()).length > 0) break
    since = before
    await context.pause(10)
  }
  return since
}

const race = probe('calls cancelled as they complete', { waits: true }, async (context) => {
  const connection = await context.connect()
  const scripted = await scriptedCall(context, { delay: 40 })
  const { name, arguments: given } = scripted?.params ?? (await context.tool('any'))
  const call = (options = {}) => connection.send('tools/call', { name, arguments: given }, options)
  // The first call may have to open a session upstream; the second tells how long one takes.
  await call()
  const before = await call()
  const took = Math.min(before.ended - before.started, 300)
  const runs = await Promise.all(
    Array.from({ length: raced }, async (_, index) => {
      const id = `assay-race-${connection.number}-${index}`
      const stop = new AbortController()
      const sent = call({ id, deadline: 500 + took, abort: stop.signal })
      // All along the call, and for the last two as soon as the answer is there.
      await (index < raced - 2 ? context.pause((took * index * 1.2) / raced) : sent)
      if (closesInstead(context)) stop.abort()
      const notice = closesInstead(context) ? undefined : await connection.notify('notifications/cancelled', { requestId: id })
      return { id, notice, sent: await sent }
    }),
  )
  return { before, runs, after: await call() }
})

const listening = probe('a subscription that is opened and closed', async ({ connect, pause }) => {
  const connection = await connect()
  const stream = await connection.listen({ filter: { toolsListChanged: true } })
  await ping(connection)
  await pause(50)
  await stream.close()
  return stream.exchange
})

const sessionEra = section({ spec: 'mcp', page: 'basic/utilities/cancellation', revisions: '..2025-11-25' }, [
  check('cancellation/direction', {
    title: 'The target cancels only requests of its own',
    must: 'reference in a cancellation only requests that were issued in the same direction',
    page: 'basic/utilities/cancellation#behavior-requirements',
    needs: { ignored, transcript },
    judge: ({ transcript }) => {
      const stray = transcript.flatMap(cancellationsOn).find(({ id, exchange }) => !asked(transcript, exchange.connection).includes(id))
      return stray === undefined
        ? holds
        : broken('cancels a request it did not send', {
            expected: 'the id of a request of the target',
            actual: stray.id,
            exchange: stray.exchange,
          })
    },
    fix: 'Send notifications/cancelled only for requests the target has sent to this client.',
  }),

  check('cancellation/initialize', {
    title: 'Cancelling initialize changes nothing',
    policy: 'ignore a cancellation of the initialize request, which clients must not send',
    page: 'basic/utilities/cancellation#behavior-requirements',
    needs: { ignored },
    judge: ({ ignored: { start, opening, between } }) => controlled([start], () => isIgnored(opening).and(isAlive(between))),
    fix: 'Leave the session as it is when the id is that of initialize.',
    covers: 'cancel.initialize',
  }),

  check('cancellation/stop', {
    title: 'A cancelled request is not answered',
    should: 'stop processing a cancelled request and send no response to it',
    page: 'basic/utilities/cancellation#behavior-requirements',
    needs: { cancelled },
    judge: ({ cancelled: { control, cancelled, notice } }) => controlled([control], () => isNotAnswered(cancelled, notice!)),
    fix: 'Abort the work when notifications/cancelled names its request, and end its stream without a response.',
    covers: 'cancel.stops',
  }),

  check('cancellation/race', {
    title: 'A cancellation that races the answer does no harm',
    must: 'handle cancellations gracefully that arrive as the request completes',
    page: 'basic/utilities/cancellation#timing-considerations',
    needs: { race },
    judge: ({ race }) => isGraceful(race),
    fix: 'Look the request up when its cancellation arrives, and do nothing when it is gone.',
    covers: 'cancel.race',
  }),

  check('cancellation/ignored', {
    title: 'A cancellation of nothing is ignored',
    should: 'ignore cancellations that are malformed, or of unknown or completed requests',
    page: 'basic/utilities/cancellation#error-handling',
    needs: { ignored },
    judge: ({ ignored: { between, unknown, finished, malformed, after } }) =>
      // What is malformed may be refused as a message before it is looked at as a cancellation.
      controlled([between], () =>
        isIgnored(unknown)
          .and(isIgnored(finished))
          .and(all(malformed.map(isNoCrash)))
          .and(isAlive(after)),
      ),
    fix: 'Accept every notification with 202 and do nothing when the id names no request in progress.',
    covers: 'cancel.unknown-ignored',
  }),

  check('cancellation/upstream', {
    title: 'A cancellation reaches the upstream',
    policy: 'pass a cancellation on to the upstream that works on the request',
    page: 'basic/utilities/cancellation#behavior-requirements',
    requires: 'scripted upstream',
    needs: { cancelled },
    judge: ({ cancelled }) => reachesUpstream(cancelled),
    fix: 'Keep the upstream id of each request in progress, and send notifications/cancelled with it.',
    covers: 'cancel.gateway-propagates',
  }),
])

const statelessEra = section({ spec: 'mcp', page: 'basic/patterns/cancellation', revisions: '2026-07-28' }, [
  check('cancellation/subscriptions-only', {
    title: 'The target cancels nothing but subscriptions',
    must: 'send notifications/cancelled only for a subscriptions/listen request',
    needs: { listening, transcript },
    judge: ({ transcript }) => {
      const stray = transcript
        .flatMap(cancellationsOn)
        .find(({ id, exchange }) => !subscribed(transcript, exchange.connection).includes(id))
      return stray === undefined
        ? holds
        : broken('cancels a request that is no subscription', { actual: stray.id, exchange: stray.exchange })
    },
    fix: 'Answer a request that fails with an error; cancel only subscriptions that are torn down.',
    covers: 'cancel.server-only-for-listen',
  }),

  check('cancellation/disconnect-upstream', {
    title: 'A client that goes away cancels its request upstream',
    policy: 'pass the cancellation that a disconnect is on to the upstream that works on the request',
    page: 'basic/patterns/cancellation#transport-specific-cancellation',
    requires: 'scripted upstream',
    needs: { cancelled },
    judge: ({ cancelled }) => reachesUpstream(cancelled),
    fix: 'Abort the upstream request when the response stream to the client closes.',
    covers: 'cancel.gateway-propagates',
  }),

  check('cancellation/disconnect-race', {
    title: 'A disconnect that races the answer does no harm',
    must: 'handle cancellations gracefully that arrive as the request completes',
    page: 'basic/patterns/cancellation#timing-considerations',
    needs: { race },
    judge: ({ race }) => isGraceful(race),
    fix: 'Expect the connection to be gone whenever a response is written.',
    covers: 'cancel.race',
  }),
])

export default [sessionEra, statelessEra]

const cancellationsOn = (exchange: Exchange): { id: unknown; exchange: Exchange }[] =>
  notificationsOf(exchange, 'notifications/cancelled').map(({ params }) => ({ id: params?.requestId, exchange }))

/** Ids of the requests a target sent on a connection. */
const asked = (exchanges: readonly Exchange[], connection: number): unknown[] =>
  exchanges
    .filter((exchange) => exchange.connection === connection)
    .flatMap(({ messages }) =>
      messages
        .map(({ message }) => message)
        .filter(isRequest)
        .map(({ id }) => id),
    )

const subscribed = (exchanges: readonly Exchange[], connection: number): unknown[] =>
  exchanges
    .filter((exchange) => exchange.connection === connection && exchange.request.rpc?.method === 'subscriptions/listen')
    .map(({ request }) => request.rpc?.id)

function isIgnored(notice: Exchange): Judgement {
  if (notice.via === 'stdio') return holds
  return answered(notice, () => {
    const status = statusOf(notice)!
    return holdsIf(status >= 200 && status < 300 && errorOf(notice) === undefined, 'does not ignore the cancellation', {
      expected: 'HTTP 202',
      actual: summaryOf(notice),
      exchange: notice,
    })
  })
}

const isNoCrash = (notice: Exchange): Judgement =>
  notice.via === 'stdio'
    ? holds
    : answered(notice, () =>
        holdsIf(statusOf(notice)! < 500, 'fails on a cancellation', {
          expected: 'HTTP 202',
          actual: summaryOf(notice),
          exchange: notice,
        }),
      )

function isAlive(exchange: Exchange): Judgement {
  if (statusOf(exchange) === 429) return inconclusive('the target limits the rate of requests', exchange)
  return answered(exchange, () =>
    holdsIf(resultOf(exchange) !== undefined, 'no longer serves the client afterwards', {
      expected: 'a result',
      actual: summaryOf(exchange),
      exchange,
    }),
  )
}

/** A response that crossed the cancellation on its way is no sign of work that went on; an error made of the cancellation is. */
function isNotAnswered(call: Exchange, notice: Exchange): Judgement {
  const answer = answerOf(call)
  if (answer === undefined) return holds
  const { at } = call.messages.find(({ message }) => message === answer)!
  const caused = 'error' in answer ? at >= notice.started : at > notice.ended + 20
  if (!caused) return inconclusive('the call was over before it could be cancelled', call)
  return broken('answers a request that was cancelled', { expected: 'no response', actual: summaryOf(call), exchange: call })
}

function reachesUpstream({ control, cancelled, worked, upstream }: Cancelled): Judgement {
  if (upstream === undefined || upstream.cancelled.length === 0)
    return inconclusive('the call did not reach the scripted upstream', control)
  return controlled([control], () => {
    const [call] = upstream.cancelled
    if (call!.cancelled !== undefined) return holds
    if (!call!.completed) return inconclusive('the upstream has neither completed the call nor heard of its cancellation', cancelled)
    // What was cancelled close to its end may have crossed.
    if (worked > duration - 100) return inconclusive('the call was over before it could be cancelled', cancelled)
    return broken('lets the upstream complete a call that was cancelled', {
      expected: 'cancelled upstream',
      actual: 'completed upstream',
      exchange: cancelled,
    })
  })
}

interface Race {
  before: Exchange
  runs: { id: string; notice?: Exchange; sent: Exchange }[]
  after: Exchange
}

function isGraceful({ before, runs, after }: Race): Judgement {
  return controlled([before], () =>
    all(runs.map(({ id, notice, sent }) => endsOnce(id, sent).and(notice ? isNoCrash(notice) : holds))).and(isAlive(after)),
  )
}

function endsOnce(id: string, sent: Exchange): Judgement {
  const responses = sent.messages.filter(({ message }) => isResponse(message) && message.id === id)
  return holdsIf(responses.length <= 1, 'answers a cancelled request twice', { actual: responses.length, exchange: sent }).and(
    holdsIf((statusOf(sent) ?? 0) < 500, 'fails when a request is cancelled as it completes', { actual: summaryOf(sent), exchange: sent }),
  )
}
