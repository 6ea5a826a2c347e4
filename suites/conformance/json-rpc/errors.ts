import {
  all,
  answered,
  answerOf,
  type Connection,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasErrorCode,
  holdsIf,
  isRefused,
  notApplicable,
  probe,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless, unknownMethod } from './harmless.ts'

const unreadable = ['{', '', 'assay', '{"jsonrpc":"2.0","id":1,"method":']

const invalid: unknown[] = [
  1,
  'text',
  null,
  {},
  { jsonrpc: '1.0', id: 1, method: 'ping' },
  { id: 1, method: 'ping' },
  { jsonrpc: '2.0', id: 1 },
  { jsonrpc: '2.0', id: 1, method: 1 },
]

/** Requests a parameter of which is missing or of the wrong type, by the capability they need. */
const unfit = {
  tools: { method: 'tools/call', params: {} },
  resources: { method: 'resources/read', params: {} },
  prompts: { method: 'prompts/get', params: {} },
}

// Headers that mirror the body cannot be derived from a damaged one; without them the stateless era has another error to give.
const around = (target: Connection) => (target.era === 'stateless' ? { headers: { 'Mcp-Method': harmless(target) } } : {})

const damaged = probe('bodies that are no request', { over: 'http' }, async ({ session }) => {
  const target = await session()
  const before = await target.send(harmless(target))
  const [texts, values] = await Promise.all([
    Promise.all(unreadable.map((text) => target.post(text, around(target)))),
    Promise.all(invalid.map((value) => target.post(JSON.stringify(value), around(target)))),
  ])
  return { before, texts, values, after: await target.send(harmless(target)) }
})

export const errorProbe = probe('a method nobody offers, and parameters that do not fit', async ({ session }) => {
  const target = await session()
  const before = await target.send(harmless(target))
  const claimed = Object.entries(unfit).filter(([capability]) => capability in target.capabilities)
  const [unknown, incomplete] = await Promise.all([
    target.send(unknownMethod),
    Promise.all(claimed.map(([, { method, params }]) => target.send(method, params))),
  ])
  return { before, unknown, incomplete, after: await target.send(harmless(target)) }
})

/** The error code, when the body is JSON-RPC at all: a refusal by HTTP alone has none. */
const codeIn = (exchange: Exchange): unknown => (answerOf(exchange)?.jsonrpc === '2.0' ? errorOf(exchange)?.code : undefined)

/** Codes for errors of the implementation: something about the request other than its body was wrong in the eyes of the target. */
const isOwn = (code: unknown): boolean => typeof code === 'number' && code >= -32099 && code <= -32000

const usesCode = (exchange: Exchange, ...codes: number[]) => {
  const code = codeIn(exchange)
  if (code === undefined) return notApplicable('the refusal carries no JSON-RPC error')
  if (isOwn(code)) return notApplicable('the target found something else to refuse first')
  return holdsIf(codes.includes(code as number), `answers with error code ${code}`, {
    expected: `JSON-RPC error ${codes.join(' or ')}`,
    actual: summaryOf(exchange),
    exchange,
  })
}

export default section({ spec: 'json-rpc', page: 'error_object', revisions: 'all' }, [
  check('json-rpc/parse-error', {
    title: 'A body that is not JSON is a parse error',
    must: 'refuse a body that is not JSON, and name the error -32700 where it sends a JSON-RPC error',
    over: 'http',
    needs: { damaged },
    judge: ({ damaged: { before, texts, after } }) =>
      controlled([before, after], () =>
        all(
          texts.map((exchange) =>
            // Whether no body at all is text that is not JSON, or no request, is not said.
            isRefused(exchange, 'does not refuse a body that is not JSON').and(
              exchange.request.body === '' ? usesCode(exchange, -32700, -32600) : usesCode(exchange, -32700),
            ),
          ),
        ),
      ),
    fix: 'Answer HTTP 400 with error -32700 and without an id when the body cannot be parsed.',
    covers: 'rpc.parse-error',
  }),

  check('json-rpc/invalid-request', {
    title: 'JSON that is no request is refused',
    must: 'refuse JSON that is not a JSON-RPC message',
    over: 'http',
    needs: { damaged },
    judge: ({ damaged: { before, values, after } }) =>
      controlled([before, after], () => all(values.map((exchange) => isRefused(exchange, 'accepts JSON that is no JSON-RPC message')))),
    fix: 'Validate jsonrpc, id and method before anything else, and answer HTTP 400 with error -32600.',
    covers: 'rpc.invalid-request',
  }),

  check('json-rpc/invalid-request-code', {
    title: 'JSON that is no request has an error code of its own',
    should: 'name the error -32600 when the body is JSON but no request, and keep -32700 for what is not JSON',
    over: 'http',
    needs: { damaged },
    judge: ({ damaged: { before, values, after } }) =>
      controlled([before, after], () => all(values.map((exchange) => answered(exchange, () => usesCode(exchange, -32600))))),
    fix: 'Parse first, validate second, and answer -32600 when the second fails.',
    covers: 'rpc.invalid-request',
  }),

  check('json-rpc/method-not-found', {
    title: 'An unknown method is answered with -32601',
    must: 'answer a method it does not have with error -32601',
    needs: { misdirected: errorProbe },
    judge: ({ misdirected: { before, unknown, after } }) => controlled([before, after], () => hasErrorCode(unknown, -32601)),
    fix: 'Answer error -32601 for every method without a handler.',
    covers: 'rpc.method-not-found',
  }),

  check('json-rpc/invalid-params', {
    title: 'Parameters that do not fit are an error',
    must: 'answer a request whose parameters break the schema with an error, not with a result',
    needs: { misdirected: errorProbe },
    judge: ({ misdirected: { before, incomplete, after } }) =>
      controlled([before, after], () =>
        each(incomplete, noRequest, (exchange) => isRefused(exchange, 'answers a request without its required parameter with a result')),
      ),
    fix: 'Validate params against the schema of the method before it is handled.',
    covers: 'rpc.invalid-params',
  }),

  check('json-rpc/invalid-params-code', {
    title: 'Parameters that do not fit are answered with -32602',
    should: 'name the error -32602 when the parameters of a request break the schema',
    needs: { misdirected: errorProbe },
    judge: ({ misdirected: { before, incomplete, after } }) =>
      controlled([before, after], () => each(incomplete, noRequest, (exchange) => answered(exchange, () => usesCode(exchange, -32602)))),
    fix: 'Answer -32602 when validation of params fails; -32603 says the server itself is at fault.',
    covers: 'rpc.invalid-params',
  }),
])

const noRequest = 'the target claims no capability with a required parameter'
