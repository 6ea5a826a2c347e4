import { randomUUID } from 'node:crypto'
import {
  all,
  answered,
  check,
  controlled,
  type Exchange,
  holdsIf,
  isResponse,
  mediaTypeOf,
  notApplicable,
  notificationsOf,
  notTestable,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless, speakingRequest } from './asking.ts'

/** Milliseconds a message is given to come in on one more stream. */
const grace = 80

export const listening = probe('two streams by GET while calls are made', { over: 'http', waits: true }, async (context) => {
  const speaking = await speakingRequest(context)
  // Copies of one message are told from two messages by this.
  const mark = randomUUID()
  const session = await context.connect()
  const before = await harmless(session)
  const first = await session.listen()
  const second = await session.listen()
  await context.pause(grace)
  const [call, ping] = await Promise.all([session.send(speaking.method, speaking.make('assay-listening')), harmless(session), announce()])
  await context.pause(grace)
  await Promise.all([first.close(), second.close()])
  return { mark, before, first: first.exchange, second: second.exchange, call, ping }

  async function announce(): Promise<void> {
    if (context.facts.facilities['scripted upstream'] !== true) return
    await context.instruments.upstream!.notify('notifications/message', { level: 'error', logger: 'assay', data: mark })
  }
})

const isStream = (exchange: Exchange): boolean => statusOf(exchange) === 200 && mediaTypeOf(exchange) === 'text/event-stream'

const noStream = notApplicable('the target offers no stream by GET')

const from = {
  spec: 'mcp',
  page: 'basic/transports#listening-for-messages-from-the-server',
  revisions: '2025-03-26..2025-11-25',
  over: 'http',
} as const

const listeningChecks = section(from, [
  check('transport/listening-answer', {
    title: 'GET opens an event stream or is answered with 405',
    must: 'answer GET with an event stream, or with 405 when it offers none',
    needs: { listening },
    judge: ({ listening: { before, first } }) =>
      controlled([before], () =>
        answered(first, () =>
          holdsIf(isStream(first) || statusOf(first) === 405, `answers GET with ${statusOf(first)} ${mediaTypeOf(first)}`.trim(), {
            expected: 'HTTP 200 with text/event-stream, or HTTP 405',
            actual: `${summaryOf(first)} of type ${mediaTypeOf(first) || 'none'}`,
            exchange: first,
          }),
        ),
      ),
    fix: 'Answer 405 where no stream is offered: clients take any other status for an error of the session.',
    covers: 'transport.http.get-sse-or-405',
  }),

  check('transport/listening-responses', {
    title: 'A stream by GET carries no responses',
    must: 'not send a JSON-RPC response on a stream by GET, unless it resumes the stream of a request',
    needs: { listening },
    judge: ({ listening: { first, second, call, ping } }) => {
      const streams = [first, second].filter(isStream)
      if (streams.length === 0) return noStream
      return answered(ping, () =>
        answered(call, () =>
          all(
            streams.map((stream) => {
              const found = stream.messages.find(({ message }) => isResponse(message))
              return holdsIf(found === undefined, 'sends a response on a stream by GET', {
                expected: 'the response on the exchange of its request',
                actual: found?.message,
                exchange: stream,
              })
            }),
          ),
        ),
      )
    },
    fix: 'Send a response on the exchange its request came in on.',
    covers: 'transport.sse.get-no-response',
  }),
])

const connectionChecks = section({ ...from, page: 'basic/transports#multiple-connections' }, [
  check('transport/one-stream-per-message', {
    title: 'A message is sent on one stream only',
    must: 'send each message on one of the connected streams, and not broadcast it',
    needs: { listening },
    judge: ({ listening: { mark, first, second, call } }) => {
      const streams = [first, second, call].filter(isStream)
      if (streams.length < 2) return notApplicable('the target keeps no two streams open at once')
      const seen = streams.map((stream) => new Set(identities(stream, mark)))
      const twice = [...new Set(seen.flatMap((each) => [...each]))].filter(
        (identity) => seen.filter((each) => each.has(identity)).length > 1,
      )
      if (seen.every(({ size }) => size === 0))
        return notTestable(
          'no message was sent that can be told from another: register the scripted upstream, or name a tool with progress under `tools.slow`',
        )
      return holdsIf(twice.length === 0, 'sends the same message on several streams', {
        expected: 'each message on one stream',
        actual: twice,
        exchange: second,
      })
    },
    fix: 'Choose one stream for each message: that of the request it belongs to, else the newest stream by GET.',
    covers: 'transport.sse.no-broadcast',
  }),
])

/** What tells a notification of this probe from every other of the session. */
function identities(stream: Exchange, mark: string): string[] {
  const progress = notificationsOf(stream, 'notifications/progress').filter(({ params }) => params?.progressToken === 'assay-listening')
  const marked = notificationsOf(stream, 'notifications/message').filter(({ params }) => JSON.stringify(params?.data)?.includes(mark))
  return [...progress.map(({ params }) => `progress ${params!.progress}`), ...marked.map(() => 'a log message')]
}

export default [...listeningChecks, ...connectionChecks]
