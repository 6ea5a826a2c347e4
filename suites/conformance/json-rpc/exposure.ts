import {
  all,
  check,
  controlled,
  type Exchange,
  each,
  holdsIf,
  inconclusive,
  isResponse,
  probe,
  resultOf,
  section,
  summaryOf,
  transcript,
} from '../../../src/model/index.ts'
import { errorProbe } from './errors.ts'
import { requestOf } from './frames.ts'
import { harmless } from './harmless.ts'
import { internalsIn } from './internals.ts'

const deep = 5_000

/** Bodies that parsers disagree about, or spend themselves on. */
const hostile = [
  '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list","params":{}}',
  '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"deep":${'['.repeat(deep)}${']'.repeat(deep)}}}`,
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`,
  '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"number":NaN}}',
  '{"jsonrpc":"2.0","id":1e400,"method":"ping"}',
  '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}}',
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"long":"${'a'.repeat(1_000_000)}"}}`,
  '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"surrogate":"\\ud800"}}',
]

const survived = probe('hostile JSON, and a good request after each', { over: 'http' }, async ({ connect }) => {
  const target = await connect()
  const method = harmless(target)
  const before = await target.send(method)
  const headers = target.era === 'stateless' ? { 'Mcp-Method': method } : undefined
  const options = { headers, deadline: 3_000, until: () => true }
  const ofIts = (body: string, at: number) => body.replace('"id":1,', `"id":"assay-${at}",`).replace('"ping"', JSON.stringify(method))
  const answers = await Promise.all(hostile.map((body, at) => target.post(ofIts(body, at), options)))
  return { before, answers, after: await target.send(method) }
})

/** The catalogue is written by people, who may well speak of a token. */
const prose = /^(initialize|server\/discover|.*\/list)$/

export default section({ spec: 'mcp', page: 'basic#responses', revisions: 'all' }, [
  check('json-rpc/hostile-json', {
    page: 'basic#messages',
    title: 'Hostile JSON does no harm',
    policy: 'refuse or ignore JSON with repeated members, great depth, great length or impossible numbers, and serve on',
    over: 'http',
    needs: { survived },
    judge: ({ survived: { before, answers, after } }) =>
      controlled([before], () =>
        all(
          answers.map((exchange) =>
            holdsIf((exchange.response?.status ?? 0) < 500, 'breaks down on hostile JSON', {
              expected: 'HTTP 4xx, or an answer',
              actual: summaryOf(exchange),
              exchange,
            }),
          ),
        ).and(
          after.failure?.code === 'timeout'
            ? inconclusive(summaryOf(after), after)
            : holdsIf(resultOf(after) !== undefined, 'serves no more after hostile JSON', {
                expected: 'a result',
                actual: summaryOf(after),
                exchange: after,
              }),
        ),
      ),
    fix: 'Bound the depth and the size of a body, and catch whatever its parser throws.',
    covers: 'rpc.dup-keys-and-depth',
  }),

  check('json-rpc/internals', {
    title: 'Errors tell nothing about the inside',
    policy: 'keep stack traces, file paths and credentials out of errors',
    needs: { misdirected: errorProbe, transcript },
    judge: ({ transcript }) =>
      each(
        transcript.filter((exchange) => exchange.response !== undefined || exchange.messages.length > 0),
        'the target sent nothing',
        (exchange) => {
          const found = internalsIn(exchange)
          return holdsIf(found === undefined, `sends ${found?.what} in an error`, {
            expected: 'a message for the client only',
            actual: found?.text,
            exchange,
          })
        },
      ),
    fix: 'Map failures to a fixed text and an error code at the outermost handler, and log the rest.',
    covers: 'rpc.no-internal-leak',
    tags: ['security'],
  }),

  check('json-rpc/token-repeated', {
    title: 'A token is not sent back',
    policy: 'never repeat the token of a request in what it sends',
    over: 'http',
    requires: 'authorization',
    needs: { misdirected: errorProbe, transcript },
    judge: ({ transcript }) =>
      // The recorder has put a marker where the token was, in both directions.
      each(
        transcript.filter(({ request }) =>
          request.headers.some(([name, value]) => name.toLowerCase() === 'authorization' && /\$TOKEN/.test(value)),
        ),
        'no token is sent',
        (exchange) => {
          const found = markerIn(exchange)
          return holdsIf(found === undefined, 'sends the token of the client back', { expected: 'no token', actual: found, exchange })
        },
      ),
    fix: 'Never write headers of a request into an answer, an error or a log message.',
    tags: ['security'],
  }),
])

function markerIn(exchange: Exchange): string | undefined {
  const { request, response, messages } = exchange
  if (response === undefined || request.body?.includes('$TOKEN')) return undefined
  const said = prose.test(String(requestOf(exchange)?.method))
    ? messages.filter(({ message }) => !isResponse(message) || 'error' in message)
    : messages
  const texts = [
    ...Object.values(response.headers),
    ...said.map(({ message }) => JSON.stringify(message)),
    ...(messages.length === 0 ? [response.body] : []),
  ]
  return texts.find((text) => text.includes('$TOKEN'))
}
