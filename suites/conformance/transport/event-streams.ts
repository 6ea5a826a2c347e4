import {
  all,
  answered,
  answerOf,
  broken,
  type Check,
  check,
  type Exchange,
  each,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  isNotification,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  notificationsOf,
  probe,
  type Revision,
  requestsOf,
  section,
  summaryOf,
  transcript,
  type UpstreamCall,
} from '../../../src/model/index.ts'
import { scriptedCall, scriptedDelay, settled, speakingRequest } from './asking.ts'

/** Milliseconds within which a stream is ended once its response is there. */
const promptly = 900

export const calls = probe('two calls at once, each with a progress token', { over: 'http', waits: true }, async (context) => {
  const speaking = await speakingRequest(context)
  const session = await context.connect()
  const [left, right, unknown] = await Promise.all([
    session.send(speaking.method, speaking.make('assay-left')),
    session.send(speaking.method, speaking.make('assay-right')),
    session.send('assay/unknown'),
  ])
  const exchanges = [left!, right!, unknown!]
  await settled(context, exchanges, promptly)
  return exchanges
})

const dropped = probe(
  'a call whose stream is dropped by the client',
  { over: 'http', requires: 'scripted upstream', waits: true },
  async (context) => {
    // Long enough that a busy machine still drops the stream well before the end.
    const { script, call } = await scriptedCall(context, { delay: 3 * scriptedDelay, progress: [1, 2, 3] })
    const upstream = context.instruments.upstream!
    const reached = async () => (await upstream.calls(script)).find(({ method }) => method === 'tools/call') ?? null
    const until = async (fits: (arrived: UpstreamCall | null) => boolean, milliseconds: number) => {
      for (let waited = 0; waited < milliseconds && !fits(await reached()); waited += 20) await context.pause(20)
    }
    const session = await context.connect()
    const other = await session.listen({ filter: { toolsListChanged: true } })
    const abort = new AbortController()
    const cutting = session.send(call.method, call.make('assay-dropped'), { abort: abort.signal })
    await until((arrived) => arrived !== null, 2_000)
    abort.abort()
    const cut = await cutting
    await until((arrived) => arrived === null || arrived.completed === true || arrived.cancelled !== undefined, 10 * scriptedDelay)
    const { call: next } = await scriptedCall(context, { delay: scriptedDelay / 4, progress: [1] })
    const later = await session.send(next.method, next.make('assay-dropped'))
    await other.close()
    return { cut, reached: await reached(), others: [other.exchange, later] }
  },
)

// What came over a raw socket is not taken apart into events.
const isStream = (exchange: Exchange): boolean => mediaTypeOf(exchange) === 'text/event-stream' && exchange.response!.events !== undefined
const noStream = 'the target answered none of the calls with an event stream'

const isRequestStream = (exchange: Exchange): boolean => exchange.request.method === 'POST' && isStream(exchange)

const sending = {
  spec: 'mcp',
  page: 'basic/transports#sending-messages-to-the-server',
  movedTo: 'basic/transports/streamable-http#receiving-messages',
  over: 'http',
} as const

const streamChecks: Check[] = section({ ...sending, revisions: '2025-03-26..' }, [
  check('transport/stream-priming', {
    revisions: '2025-11-25',
    title: 'A stream begins with an event id',
    should: 'begin the stream of a request with an event that has an id and no data, so that the client can come back',
    needs: { calls },
    judge: ({ calls }) =>
      each(calls.filter(isStream), noStream, (exchange) => {
        const events = exchange.response!.events!
        const [first] = events
        if (first === undefined) return inconclusive('no event came in', exchange)
        // Ids are optional: a stream without any cannot be resumed, and there is nothing to come back to.
        if (events.every(({ id }) => id === undefined)) return notApplicable('the target attaches no ids to the events of its streams')
        return holdsIf(first.id !== undefined && first.data === '', 'begins the stream with another event', {
          expected: 'an event with an id and empty data',
          actual: first,
          exchange,
        })
      }),
    fix: 'Write `id: …` and an empty `data:` as soon as the stream is open.',
    covers: 'transport.sse.prime-event',
  }),

  check('transport/stream-retry', {
    revisions: '2025-11-25',
    title: 'A stream that is closed early says when to come back',
    should: 'send the retry field before it closes the connection of a stream that has not ended',
    needs: { calls },
    judge: ({ calls }) =>
      each(calls.filter(isClosedEarly), 'the target closed no stream before its response', (exchange) =>
        holdsIf(
          exchange.response!.events!.some(({ retry }) => retry !== undefined),
          'closes the connection before the response, without a retry field',
          { expected: 'an event with `retry`', actual: exchange.response!.events, exchange },
        ),
      ),
    fix: 'Write `retry: <milliseconds>` with an event before closing the connection.',
    covers: 'transport.sse.retry-before-close',
  }),

  check('transport/stream-response', {
    revisions: '2025-03-26..2025-11-25',
    title: 'The stream of a request carries its response',
    should: 'include the response on the stream of its request',
    needs: { calls },
    judge: ({ calls }, { revision }) => each(calls.filter(isStream), noStream, (exchange) => carriesResponse(exchange, revision)),
    fix: 'Send the response as the last event of the stream before ending it.',
    covers: 'transport.sse.response-on-own-stream',
  }),

  check('transport/related-messages', {
    revisions: '2025-03-26..2025-11-25',
    title: 'Messages before a response belong to its request',
    should: 'send on the stream of a request only messages that relate to it',
    needs: { calls },
    judge: ({ calls }) => relatesOnly(calls),
    fix: 'Send progress and logs on the stream of the request they belong to, everything else on a stream by GET.',
    covers: 'transport.sse.related-only',
  }),

  check('transport/related-notifications', {
    revisions: '2026-07-28',
    title: 'Notifications before a response belong to its request',
    must: 'send on the stream of a request only notifications that relate to it',
    needs: { calls },
    judge: ({ calls }) => relatesOnly(calls),
    fix: 'Send progress and logs on the stream of the request they belong to, changes on the stream of subscriptions/listen.',
    covers: 'transport.sse.related-notifications',
  }),

  check('transport/server-requests', {
    revisions: '2026-07-28',
    title: 'No requests come from the server',
    must: 'not send JSON-RPC requests on any stream',
    needs: { calls, all: transcript },
    judge: ({ all: exchanges }) =>
      each(exchanges.filter(isRequestStream), 'the target sent no event stream', (exchange) => {
        const [request] = requestsOf(exchange)
        return holdsIf(request === undefined, `sends the request ${request?.method}`, {
          expected: 'notifications and the response only',
          actual: request,
          exchange,
        })
      }),
    fix: 'Return an InputRequiredResult with input requests in place of a request of your own.',
    covers: 'transport.sse.no-server-requests',
  }),

  check('transport/stream-end', {
    title: 'A stream ends after its response',
    should: 'end the stream once the response has been sent',
    needs: { calls },
    judge: ({ calls }) =>
      each(calls.filter(isStream), noStream, (exchange) => {
        if (answerOf(exchange) === undefined) return inconclusive('the stream carried no response', exchange)
        return holdsIf(
          exchange.response!.ended !== undefined,
          `leaves the stream open after the response to ${exchange.request.rpc?.method}`,
          {
            expected: `the stream ends within ${promptly} ms`,
            actual: 'still open',
            exchange,
          },
        )
      }),
    fix: 'End the HTTP response after the event that carries the JSON-RPC response, result or error.',
    covers: 'transport.sse.terminate-after-response',
  }),

  check('transport/accel-buffering', {
    revisions: '2026-07-28',
    title: 'Event streams ask proxies not to buffer',
    should: 'send X-Accel-Buffering: no with an event stream',
    needs: { calls },
    judge: ({ calls }) =>
      each(calls.filter(isStream), noStream, (exchange) => {
        const value = headerOf(exchange, 'x-accel-buffering')
        return holdsIf(value?.toLowerCase() === 'no', 'does not ask proxies to leave the stream unbuffered', {
          expected: 'X-Accel-Buffering: no',
          actual: value ?? 'no such header',
          exchange,
        })
      }),
    fix: 'Add X-Accel-Buffering: no to the head of every event stream.',
    covers: 'transport.http.x-accel-buffering',
  }),

  check('transport/event-forwarding', {
    title: 'Events are passed on as they come',
    policy: 'send the events of a stream as they are produced, not together at the end',
    requires: 'scripted upstream',
    needs: { calls },
    judge: ({ calls }) => {
      const speaking = calls.filter(
        (exchange) => notificationsOf(exchange, 'notifications/progress').length > 0 && answerOf(exchange) !== undefined,
      )
      return each(speaking, 'the target passed no progress on', isUnbuffered)
    },
    fix: 'Flush after every event, and switch buffering off in every proxy on the way.',
    covers: 'transport.http.first-byte-unbuffered',
  }),
])

const disconnection: Check[] = [
  ...section({ ...sending, revisions: '2025-03-26..2025-11-25', requires: 'scripted upstream' }, [
    check('transport/disconnection', {
      title: 'A lost connection does not cancel the call',
      should: 'not take a disconnection for a cancellation',
      needs: { dropped },
      judge: ({ dropped: { cut, reached } }) => {
        if (reached === null || answerOf(cut) !== undefined) return inconclusive('the connection was not dropped during the call', cut)
        if (reached.cancelled === undefined && reached.completed !== true)
          return inconclusive('the upstream has neither finished the call nor been told to stop', cut)
        return holdsIf(reached.cancelled === undefined, 'cancels a call whose connection is lost', {
          expected: 'the upstream finishes the call',
          actual: `the upstream is told to stop, by ${reached.cancelled}`,
          exchange: cut,
        })
      },
      fix: 'Keep the work going when the client is gone; stop it on notifications/cancelled only.',
      covers: 'transport.sse.disconnect-not-cancel',
    }),
  ]),

  ...section(
    {
      spec: 'mcp',
      page: 'basic/transports/streamable-http#cancellation',
      revisions: '2026-07-28',
      over: 'http',
      requires: 'scripted upstream',
    },
    [
      check('transport/disconnection-cancels', {
        title: 'Work stops when the client closes the stream',
        should: 'stop work on a request whose stream the client has closed',
        needs: { dropped },
        judge: ({ dropped: { cut, reached } }) => {
          if (reached === null || answerOf(cut) !== undefined) return inconclusive('the stream was not closed during the call', cut)
          if (reached.cancelled === undefined && reached.completed !== true)
            return inconclusive('the upstream has neither finished the call nor been told to stop', cut)
          return holdsIf(reached.cancelled !== undefined, 'lets the upstream finish a call that nobody waits for', {
            expected: 'the upstream is told to stop',
            actual: 'the upstream finished the call',
            exchange: cut,
          })
        },
        fix: 'Close the stream of the upstream, or send it notifications/cancelled, when the client closes its own.',
        covers: 'transport.sse.disconnect-is-cancel',
      }),

      check('transport/silence-after-cancellation', {
        title: 'Nothing is sent for a cancelled request',
        must: 'not send any further messages for a request whose stream the client has closed',
        needs: { dropped },
        judge: ({ dropped: { cut, others } }) => {
          return all(
            others.map((exchange) =>
              answered(exchange, () => {
                const stray = exchange.messages
                  .map(({ message }) => message)
                  .find((message) => speaksOf(message, cut, exchange) && answerOf(exchange) !== message)
                return holdsIf(stray === undefined, 'goes on about a cancelled request on another stream', {
                  expected: 'nothing',
                  actual: stray,
                  exchange,
                })
              }),
            ),
          )
        },
        fix: 'Drop what still comes in for a request once its stream is closed.',
        covers: 'transport.sse.no-message-after-cancel',
      }),
    ],
  ),
]

const framing: Check[] = section({ spec: 'mcp', page: 'basic#messages', revisions: 'all', over: 'http' }, [
  check('transport/event-data', {
    title: 'Every event carries a whole JSON-RPC message',
    must: 'send in each event of a stream one JSON-RPC message, or no data at all',
    needs: { calls, all: transcript },
    judge: ({ all: exchanges }) =>
      each(exchanges.filter(isStream), 'the target sent no event stream', (exchange) => {
        const stray = exchange.response!.events!.find(
          ({ data, event }) => data !== '' && (event === undefined || event === 'message') && !isMessage(data),
        )
        return stray === undefined
          ? holds
          : broken('sends an event that is no JSON-RPC message', { expected: 'JSON with jsonrpc: "2.0"', actual: stray, exchange })
      }),
    fix: 'Write one message as JSON into the data of one event, and answer errors with an HTTP status instead of a stream.',
    covers: 'transport.sse.wellformed',
  }),
])

export default [...streamChecks, ...disconnection, ...framing]

const isClosedEarly = (exchange: Exchange): boolean =>
  isRequestStream(exchange) &&
  exchange.response!.ended !== undefined &&
  answerOf(exchange) === undefined &&
  exchange.response!.events!.some(({ id }) => id !== undefined)

function carriesResponse(exchange: Exchange, revision: Revision): Judgement {
  if (answerOf(exchange) !== undefined) return holds
  if (revision >= '2025-11-25' && isClosedEarly(exchange)) return notApplicable('the target closes the connection to be asked again')
  if (exchange.response!.ended === undefined) return inconclusive(exchange.failure?.message ?? 'the stream is still open', exchange)
  return broken('ends the stream without the response', {
    expected: 'the response as the last event',
    actual: summaryOf(exchange),
    exchange,
  })
}

/** Notifications on the stream of one call: progress of its own token, and nothing that is about the server as a whole. */
function relatesOnly(exchanges: readonly Exchange[]): Judgement {
  const speaking = exchanges.filter((exchange) => isStream(exchange) && exchange.messages.some(({ message }) => isNotification(message)))
  return each(speaking, 'nothing was sent before a response', (exchange) => {
    const own = tokenOf(exchange)
    const stray = notificationsOf(exchange).find(
      ({ method, params }) =>
        /\/(list_changed|updated)$/.test(method) || (method === 'notifications/progress' && params?.progressToken !== own),
    )
    return holdsIf(stray === undefined, `sends ${stray?.method} on the stream of another request`, {
      expected: `progress of ${own}`,
      actual: stray,
      exchange,
    })
  })
}

function tokenOf({ request }: Exchange): unknown {
  const message = JSON.parse(request.body ?? '{}') as { params?: { _meta?: { progressToken?: unknown } } }
  return message.params?._meta?.progressToken
}

/** The first progress comes at a quarter of the call; an eighth of it before the answer is far from buffered. */
function isUnbuffered(exchange: Exchange): Judgement {
  const answer = exchange.messages.find(({ message }) => message === answerOf(exchange))!
  const [first] = notificationsOf(exchange, 'notifications/progress')
  const lead = Math.round(answer.at - first!.at)
  return holdsIf(lead >= scriptedDelay / 8, 'holds events back until the end', {
    expected: `progress about ${scriptedDelay * 0.75} ms before the answer`,
    actual: `${lead} ms before it`,
    exchange,
  })
}

/** The later call carries the same progress token, so that only an id tells the two apart there. */
function speaksOf(message: unknown, { request: { rpc } }: Exchange, stream: Exchange): boolean {
  const { id, params } = message as { id?: unknown; params?: { requestId?: unknown; progressToken?: unknown } }
  const listens = stream.request.rpc?.method === 'subscriptions/listen'
  return id === rpc?.id || params?.requestId === rpc?.id || (listens && params?.progressToken === 'assay-dropped')
}

function isMessage(data: string): boolean {
  try {
    const value = JSON.parse(data)
    const messages = Array.isArray(value) ? value : [value]
    return messages.length > 0 && messages.every((message) => message?.jsonrpc === '2.0')
  } catch {
    return false
  }
}
