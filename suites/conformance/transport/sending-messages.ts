import {
  all,
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasStatus,
  holds,
  holdsIf,
  isRefused,
  type Judgement,
  mediaTypeOf,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless } from './asking.ts'
import { requests } from './endpoint.ts'

const cancelled = (params: unknown) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params })

const notifications = probe('notifications and a response to nothing', { over: 'http' }, async ({ connect, era, facts }) => {
  const session = await connect()
  const before = await harmless(session)
  const [known, unknown, response] = await Promise.all([
    session.notify('notifications/cancelled', { requestId: 'assay-none', reason: 'nothing to cancel' }),
    session.notify('notifications/assay/unknown'),
    session.post({ jsonrpc: '2.0', id: 'assay-none', result: {} }),
  ])
  const without = (id: string | null) => session.post(cancelled({ requestId: 'assay-none' }), { headers: { 'Mcp-Session-Id': id } })
  const wrong = await Promise.all([
    session.post(cancelled({ requestId: {} })),
    session.post(cancelled({ requestId: 'assay-none' }), { headers: { 'MCP-Protocol-Version': 'assay-unknown' } }),
    ...(era === 'session' && facts.sessions ? [without(null), without('00000000-0000-4000-8000-00000000a55a')] : []),
  ])
  return { before, known: known!, unknown: unknown!, response: response!, wrong, after: await harmless(session) }
})

const accepts = probe('a request under several Accept headers', { over: 'http' }, async ({ session }) => {
  const connection = await session()
  const before = await harmless(connection)
  const values = ['text/html', '*/*', 'application/json', 'text/event-stream', null]
  const answers = await Promise.all(values.map((Accept) => harmless(connection, { headers: { Accept } })))
  return { before, answers, after: await harmless(connection) }
})

const types = probe('a request as a web form would send it', { over: 'http' }, async ({ session }) => {
  const connection = await session()
  const before = await harmless(connection)
  const values = ['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded']
  const answers = await Promise.all(values.map((type) => harmless(connection, { headers: { 'Content-Type': type } })))
  return { before, answers, after: await harmless(connection) }
})

/** Answers that are no HTTP error: only those have a form the clause speaks of. */
const successes = (exchanges: readonly Exchange[]): Exchange[] => exchanges.filter((exchange) => (statusOf(exchange) ?? 0) < 300)

const isSuccess = (exchange: Exchange): boolean => statusOf(exchange)! < 300

export default section(
  {
    spec: 'mcp',
    page: 'basic/transports#sending-messages-to-the-server',
    movedTo: 'basic/transports/streamable-http#sending-messages',
    revisions: '2025-03-26..',
    over: 'http',
  },
  [
    check('transport/notification-accepted', {
      title: 'A notification that is accepted is answered with 202 and nothing else',
      must: 'answer 202 without a body to a notification or response it accepts',
      needs: { notifications },
      judge: ({ notifications: { before, known, unknown, response, wrong, after } }, { era }) =>
        controlled([before, after], () => {
          const sent = [known, unknown, ...wrong, ...(era === 'session' ? [response] : [])]
          const relevant = sent.filter(
            (exchange) => exchange.response === undefined || (isSuccess(exchange) && errorOf(exchange) === undefined),
          )
          return each(relevant, 'the target accepts no notification', (exchange) => answered(exchange, () => isBareAcceptance(exchange)))
        }),
      fix: 'Answer 202 with Content-Length: 0, not 200 and not null.',
      covers: 'transport.http.notification-202',
    }),

    check('transport/notification-refused', {
      title: 'A notification that is not accepted is answered with an HTTP error',
      must: 'answer an HTTP error status to a notification or response it cannot accept',
      needs: { notifications },
      judge: ({ notifications: { before, known, unknown, response, wrong, after } }) =>
        controlled([before, after], () =>
          all([known, unknown, response, ...wrong].map((exchange) => answered(exchange, () => isNoRefusalInDisguise(exchange)))),
        ),
      fix: 'Answer 400, or 404 for an unknown session; a JSON-RPC error may be the body, never the whole message.',
      covers: 'transport.http.notification-reject-status',
    }),

    check('transport/client-response', {
      revisions: '2026-07-28',
      title: 'A JSON-RPC response from a client is refused',
      policy: 'refuse a JSON-RPC response, which clients must not send any more',
      needs: { notifications },
      judge: ({ notifications: { before, response, after } }) =>
        controlled([before, after], () => isRefused(response, 'accepts a response to a request that it cannot have sent')),
      fix: 'Answer 400 to a body that is neither a request nor a notification.',
      covers: 'transport.http.no-jsonrpc-response-accepted',
    }),

    check('transport/answer-media-type', {
      title: 'Requests are answered with JSON or an event stream',
      must: 'answer a request with application/json or text/event-stream',
      needs: { requests },
      judge: ({ requests }) => all(requests.map((exchange) => answered(exchange, () => hasAnswerType(exchange)))),
      fix: 'Answer the request on its own exchange, with Content-Type: application/json or text/event-stream.',
      covers: 'transport.http.request-content-type',
    }),

    check('transport/one-json-object', {
      title: 'A JSON answer is one object',
      must: 'return one JSON object when it answers a request with application/json',
      needs: { requests },
      judge: ({ requests }) =>
        each(
          successes(requests).filter((exchange) => mediaTypeOf(exchange) === 'application/json'),
          'the target answers with event streams only',
          (exchange) => answered(exchange, () => isOneObject(exchange)),
        ),
      fix: 'Send the response as one object: no array around it, nothing before or after it.',
      covers: 'transport.http.json-single-object',
    }),

    check('transport/accept-header', {
      title: 'An Accept header is honoured with 406, or ignored',
      policy: 'answer 406 when the Accept header does not suit it, or serve the request; nothing else',
      needs: { accepts },
      judge: ({ accepts: { before, answers, after } }) =>
        controlled([before, after], () => all(answers.map((exchange) => hasStatus(exchange, 200, 406)))),
      fix: 'Answer 406 for an Accept header without a type you can send, before the message is handled.',
      covers: 'transport.http.accept-both',
    }),

    check('transport/content-type', {
      spec: 'rfc9110',
      page: '15.5.16',
      title: 'A body that is not declared as JSON is refused',
      policy: 'refuse a Content-Type other than application/json, which a web page can send without being asked',
      needs: { types },
      judge: ({ types: { before, answers, after } }) =>
        controlled([before, after], () =>
          all(answers.map((exchange) => isRefused(exchange, `serves a body of type ${typeSent(exchange)}`))),
        ),
      fix: 'Answer 415 unless the media type is application/json.',
      covers: 'transport.http.content-type-required',
    }),
  ],
)

const typeSent = ({ request }: Exchange): string | undefined => request.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]

function isBareAcceptance(exchange: Exchange): Judgement {
  const status = statusOf(exchange)
  if (status !== 202)
    return broken(`answers ${status} to ${sentMessage(exchange)}`, {
      expected: 'HTTP 202 without a body',
      actual: summaryOf(exchange),
      exchange,
    })
  const size = exchange.response!.size
  return holdsIf(size === 0, `sends a body with the 202 for ${sentMessage(exchange)}`, {
    expected: 'no body',
    actual: `${size} bytes: ${summaryOf(exchange)}`,
    exchange,
  })
}

function isNoRefusalInDisguise(exchange: Exchange): Judgement {
  return holdsIf(
    !isSuccess(exchange) || errorOf(exchange) === undefined,
    `puts the refusal of ${sentMessage(exchange)} into the body of a success`,
    {
      expected: 'HTTP 4xx',
      actual: summaryOf(exchange),
      exchange,
    },
  )
}

const sentMessage = ({ request }: Exchange): string => request.rpc?.method ?? 'a response'

function hasAnswerType(exchange: Exchange): Judgement {
  if (!isSuccess(exchange)) return holds
  const type = mediaTypeOf(exchange)
  return holdsIf(
    ['application/json', 'text/event-stream'].includes(type),
    `answers ${exchange.request.rpc?.method} with ${type || 'no media type'}`,
    {
      expected: 'application/json or text/event-stream',
      actual: summaryOf(exchange),
      exchange,
    },
  )
}

function isOneObject(exchange: Exchange): Judgement {
  const text = exchange.response!.body.trim()
  const one = text.startsWith('{') && exchange.messages.length === 1
  return holdsIf(one, 'sends JSON that is not one object', { expected: 'one JSON object', actual: summaryOf(exchange), exchange })
}
