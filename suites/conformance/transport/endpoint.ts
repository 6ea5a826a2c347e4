import {
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless } from './asking.ts'

/** One harmless request of every kind the target claims to answer. */
export const requests = probe('one request of every kind the target claims', { over: 'http' }, async ({ session, facts }) => {
  const connection = await session()
  const claims = facts.capabilities
  const methods = [
    ...(claims.tools ? ['tools/list'] : []),
    ...(claims.resources ? ['resources/list', 'resources/templates/list'] : []),
    ...(claims.prompts ? ['prompts/list'] : []),
  ]
  const answers = await Promise.all([harmless(connection), ...methods.map((method) => connection.send(method))])
  return [connection.opening, ...answers]
})

const verbs = probe('verbs other than POST on the endpoint', { over: 'http' }, async ({ session, connect, era }) => {
  const shared = await session()
  const before = await harmless(shared)
  const put = await shared.http('PUT', { headers: { 'Content-Type': 'application/json' }, body: '{}' })
  if (era === 'stateless') return { before, put, get: null }
  const own = await connect()
  const stream = await own.listen()
  await stream.close()
  return { before, put, get: stream.exchange }
})

const notServed = (exchange: Exchange): boolean => {
  const status = statusOf(exchange)!
  return status === 404 || status === 405 || (status >= 300 && status < 400)
}

/** A 404 or 405 that carries a JSON-RPC message comes from the endpoint and not from the lack of one. */
const isServed = (exchange: Exchange): Judgement =>
  answered(exchange, () =>
    holdsIf(!notServed(exchange) || exchange.messages.length > 0, `has no endpoint for ${exchange.request.rpc?.method}`, {
      expected: 'an answer at the endpoint the other requests are sent to',
      actual: summaryOf(exchange),
      exchange,
    }),
  )

export default section(
  {
    spec: 'mcp',
    page: 'basic/transports#streamable-http',
    movedTo: 'basic/transports/streamable-http',
    revisions: '2025-03-26..',
    over: 'http',
  },
  [
    check('transport/single-endpoint', {
      title: 'One path serves every request',
      must: 'provide a single endpoint path that supports POST for every message, and up to 2025-11-25 GET too',
      needs: { requests, verbs },
      judge: ({ requests, verbs: { before, get } }) => {
        const posts = each(requests, 'no request was sent', isServed)
        if (get === null) return posts
        const reached = controlled([before], () =>
          answered(get, () =>
            holdsIf(statusOf(get) !== 404, 'does not know GET on the path it serves POST on', {
              expected: 'any status but 404',
              actual: summaryOf(get),
              exchange: get,
            }),
          ),
        )
        return posts.and(reached)
      },
      fix: 'Route POST, GET and DELETE of one path to the transport, whatever the method of the message.',
      covers: ['transport.http.single-endpoint', 'transport.http.endpoint-post'],
    }),

    check('transport/unknown-verb', {
      spec: 'rfc9110',
      page: '15.5.6',
      title: 'A verb the endpoint does not serve is answered with 405 and Allow',
      policy: 'answer 405 with an Allow header to a verb the endpoint does not serve',
      needs: { verbs },
      judge: ({ verbs: { before, put } }) =>
        controlled([before], () =>
          answered(put, () => {
            const status = statusOf(put)!
            if (status >= 500 && status !== 501) return inconclusive(`PUT ends in ${summaryOf(put)}`, put)
            if (status === 501) return holds
            if (status !== 405) return broken(`answers ${status} to PUT`, { expected: 'HTTP 405', actual: summaryOf(put), exchange: put })
            return holdsIf(headerOf(put, 'allow') !== undefined, 'answers 405 without an Allow header', {
              expected: 'Allow: POST, …',
              actual: 'no Allow header',
              exchange: put,
            })
          }),
        ),
      fix: 'Answer 405 with the verbs that are served in Allow.',
      covers: 'transport.http.unknown-verb',
    }),
  ],
)
