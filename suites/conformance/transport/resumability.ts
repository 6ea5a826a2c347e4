import {
  answerOf,
  check,
  controlled,
  type Exchange,
  each,
  holdsIf,
  inconclusive,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
  transcript,
  Unfit,
} from '../../../src/model/index.ts'
import { harmless, settled, speakingRequest } from './asking.ts'
import { calls } from './event-streams.ts'
import { listening } from './listening.ts'

/** Milliseconds a resumed stream is read for once it is open. */
const reading = 200

const resumed = probe('streams resumed, by their session and by another', { over: 'http', waits: true }, async (context) => {
  const speaking = await speakingRequest(context)
  const session = await context.connect()
  const stranger = await context.connect()
  const [own, other] = await Promise.all(['assay-own', 'assay-other'].map((token) => session.send(speaking.method, speaking.make(token))))
  await settled(context, [own!, other!], reading)
  const first = idsOf(own!).at(0)
  const lastOfOther = idsOf(other!).at(-1)
  if (first === undefined || lastOfOther === undefined)
    throw new Unfit('not-applicable', 'the target attaches no ids to the events of its streams')
  const resume = async (connection: typeof session, after: string): Promise<Exchange> => {
    const stream = await connection.listen({ after })
    await stream.ended(reading)
    await stream.close()
    return stream.exchange
  }
  const [again, end, foreign, unknown] = await Promise.all([
    resume(session, first),
    resume(session, lastOfOther),
    resume(stranger, first),
    resume(stranger, 'assay-no-such-event'),
  ])
  return { own: own!, other: other!, again: again!, end: end!, foreign: foreign!, unknown: unknown!, after: await harmless(session) }
})

const idsOf = (exchange: Exchange): string[] => (exchange.response?.events ?? []).flatMap(({ id }) => (id === undefined ? [] : [id]))

const isStream = (exchange: Exchange): boolean => statusOf(exchange) === 200 && mediaTypeOf(exchange) === 'text/event-stream'

const notResumable = notApplicable('the target does not resume streams')

/** JSON-RPC messages by what is in them, those about the server as a whole left out: they may come on any stream at any time. */
const messagesOf = (exchange: Exchange): string[] =>
  exchange.messages
    .map(({ message }) => message as Partial<Record<'method' | 'result' | 'error', unknown>>)
    .filter(({ method, result, error }) => (method ?? result ?? error) !== undefined && !/\/(list_changed|updated)$/.test(String(method)))
    .map((message) => JSON.stringify(message))

export default section(
  { spec: 'mcp', page: 'basic/transports#resumability-and-redelivery', revisions: '2025-03-26..2025-11-25', over: 'http' },
  [
    check('transport/event-ids', {
      title: 'Event ids are unique within a session',
      must: 'use an event id once only across all streams of a session',
      needs: { calls, listening, all: transcript },
      judge: ({ all: exchanges }) => {
        const sessions = Map.groupBy(exchanges.filter(isOriginal), ({ connection }) => connection)
        return each([...sessions.values()], 'the target attaches no ids to events', (streams) => {
          const ids = streams.flatMap(idsOf)
          const twice = ids.find((id, at) => ids.indexOf(id) !== at)
          return holdsIf(twice === undefined, `uses the event id ${twice} twice in a session`, {
            expected: `${ids.length} different ids`,
            actual: ids.slice(0, 8),
            exchange: streams.find((stream) => idsOf(stream).includes(twice!)),
          })
        })
      },
      fix: 'Make the id from the stream and a counter, both.',
      covers: 'transport.sse.event-id-unique',
    }),

    check('transport/replay', {
      title: 'A resumed stream brings what followed the event',
      may: 'replay on resumption what followed the last event id; then it is everything, once and in order',
      needs: { resumed },
      judge: ({ resumed: { own, other, again, after } }) =>
        controlled([after], () => {
          if (!isStream(again)) return notResumable
          if (answerOf(own) === undefined) return inconclusive('the call to be resumed was not answered', own)
          const elsewhere = new Set(messagesOf(other))
          const actual = messagesOf(again).filter((message) => !elsewhere.has(message))
          const expected = messagesAfterFirstId(own)
          return holdsIf(JSON.stringify(actual) === JSON.stringify(expected), 'does not replay what followed the event', {
            expected,
            actual,
            exchange: again,
          })
        }),
      fix: 'Keep the events of a stream for a while, and send those after the named one when a client resumes.',
      covers: 'transport.sse.resume',
    }),

    check('transport/replay-of-one-stream', {
      title: 'A resumed stream brings nothing of other streams',
      must: 'not replay messages that belong on another stream',
      needs: { resumed },
      judge: ({ resumed: { own, other, again, end, after } }) =>
        controlled([after], () => {
          if (![again, end].some(isStream)) return notResumable
          if (answerOf(other) === undefined || answerOf(own) === undefined)
            return inconclusive('the calls on the two streams were not both answered', other)
          const otherwise = 'replays messages of another stream'
          return bringsNothingOf(again, other, otherwise).and(bringsNothingOf(end, own, otherwise))
        }),
      fix: 'Encode the stream in the event id, and replay from that stream alone.',
      covers: 'transport.sse.replay-same-stream',
    }),

    check('transport/replay-of-another-session', {
      title: 'The events of a session are not replayed in another',
      policy: 'replay nothing for an event id of another session',
      needs: { resumed },
      judge: ({ resumed: { own, foreign, after } }) =>
        controlled([after], () => bringsNothingOf(foreign, own, 'replays the messages of another session')),
      fix: 'Look an event id up among the streams of the session that names it.',
      covers: 'transport.sse.replay-foreign-session',
    }),

    check('transport/unknown-event-id', {
      title: 'An event id that was never issued brings nothing',
      policy: 'replay nothing for an event id it did not issue',
      needs: { resumed },
      judge: ({ resumed: { own, other, unknown, after } }) =>
        controlled([after], () => {
          const otherwise = 'replays messages for an unknown event id'
          return bringsNothingOf(unknown, own, otherwise).and(bringsNothingOf(unknown, other, otherwise))
        }),
      fix: 'Open a new stream, or answer 400, for an event id that is not known.',
      covers: 'transport.sse.replay-foreign-session',
    }),
  ],
)

/** A stream as it was first sent: one that resumes repeats ids by right. */
const isOriginal = (exchange: Exchange): boolean =>
  exchange.connection !== 0 &&
  idsOf(exchange).length > 0 &&
  !exchange.request.headers.some(([name]) => name.toLowerCase() === 'last-event-id')

function messagesAfterFirstId(exchange: Exchange): string[] {
  const events = exchange.response!.events!
  const first = events.findIndex(({ id }) => id !== undefined)
  const kept = new Set(messagesOf(exchange))
  return events
    .slice(first + 1)
    .flatMap(({ data }) => (data === '' ? [] : [JSON.stringify(JSON.parse(data))]))
    .filter((message) => kept.has(message))
}

function bringsNothingOf(stream: Exchange, other: Exchange, otherwise: string): Judgement {
  const theirs = new Set(messagesOf(other))
  const found = messagesOf(stream).find((message) => theirs.has(message))
  return holdsIf(found === undefined, otherwise, {
    expected: 'none of the messages of the other stream',
    actual: found ?? summaryOf(stream),
    exchange: stream,
  })
}
