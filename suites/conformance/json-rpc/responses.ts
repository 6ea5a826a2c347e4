import { type FrameProblem, validateEnvelope, validateResult, validateServerRequest } from '../../../src/model/frames/index.ts'
import {
  all,
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  holds,
  holdsIf,
  inconclusive,
  isRequest,
  isResponse,
  type Judgement,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
  transcript,
} from '../../../src/model/index.ts'
import { type Frame, framesOf, noneInForce, requestOf } from './frames.ts'
import { harmless, unknownMethod } from './harmless.ts'

/** Ids that implementations are known to lose: falsy, at the edge of integers, numeric text, beyond ASCII. */
const ids = ['assay-id', '1', 0, '', -1, Number.MAX_SAFE_INTEGER, 'ïd-日本-🔑', '0f8fad5b-d9cb-469f-a165-70867728950e']

const echoed = probe('requests with ids of every kind', async ({ session }) => {
  const target = await session()
  const method = harmless(target)
  const before = await target.send(method)
  const [results, errors] = await Promise.all([
    Promise.all(ids.map((id) => target.send(method, undefined, { id }))),
    Promise.all(['assay-error', -4, 4_000_000_001].map((id) => target.send(unknownMethod, undefined, { id }))),
  ])
  return { before, results, errors, after: await target.send(method) }
})

const responsesIn = (exchange: Exchange) => exchange.messages.map(({ message }) => message).filter(isResponse)

const sentId = ({ request }: Exchange) => request.rpc?.id

export default section({ spec: 'mcp', page: 'basic#responses', revisions: 'all' }, [
  check('json-rpc/id-echo', {
    title: 'A response carries the id of its request',
    must: 'answer with the id of the request, value and type',
    needs: { echoed, transcript },
    judge: ({ echoed: { before, results, after }, transcript }) =>
      controlled([before, after], () => all(results.map(echoesId)).and(all(transcript.map(answersItsOwn)))),
    fix: 'Copy the id of the request into the response as it is, never converted, and tell an absent id from a falsy one.',
    covers: 'rpc.response.id-echo',
  }),

  check('json-rpc/error-id', {
    title: 'An error carries the id of its request',
    must: 'answer an error with the id of the request, unless that could not be read',
    needs: { echoed },
    judge: ({ echoed: { before, errors, after } }) =>
      controlled([before, after], () => all(errors.map((exchange) => answered(exchange, () => carriesId(exchange))))),
    fix: 'Keep the id at hand wherever an error is made; leave it out only when the body is no request.',
    covers: 'rpc.error.id-null-only-unreadable',
  }),

  check('json-rpc/result-or-error', {
    title: 'A response has a result or an error, not both',
    must: 'set either result or error in a response, and never both',
    needs: { echoed, transcript },
    judge: ({ transcript }, about) =>
      each(messages(transcript, about), 'the target sent no message', ({ message, exchange }) =>
        holdsIf(
          'method' in message || 'result' in message !== 'error' in message,
          'result' in message ? 'sets result and error in one response' : 'sends a message without method, result and error',
          { expected: 'a method, a result or an error', actual: message, exchange },
        ),
      ),
    fix: 'Leave out the member that does not apply; do not set it to null.',
    covers: 'rpc.response.one-of',
  }),

  check('json-rpc/version-member', {
    title: 'Every message says JSON-RPC 2.0',
    page: 'basic#messages',
    must: 'set the member jsonrpc of every message to "2.0"',
    needs: { echoed, transcript },
    judge: ({ transcript }, about) =>
      each(messages(transcript, about), 'the target sent no message', ({ message, exchange }) =>
        holdsIf(message.jsonrpc === '2.0', 'sends a message without jsonrpc "2.0"', {
          expected: '"jsonrpc":"2.0"',
          actual: message,
          exchange,
        }),
      ),
    fix: 'Add "jsonrpc":"2.0" to every response, request and notification.',
    covers: 'rpc.response.jsonrpc-2.0',
  }),

  check('json-rpc/error-object', {
    title: 'An error has an integer code and a message',
    must: 'give every error an integer code and a text message, and the data the revision defines for the code',
    needs: { echoed, transcript },
    judge: ({ transcript }, about) =>
      each(
        messages(transcript, about).filter(({ message }) => 'error' in message && !('result' in message)),
        'the target sent no error',
        (frame) =>
          judged(frame, withinError(validateEnvelope(about.revision, frame.message), frame), 'sends an error object of another shape'),
      ),
    fix: 'Send {"code": <integer>, "message": <text>}, with details under data.',
    covers: 'rpc.error.shape',
  }),

  check('json-rpc/result-schema', {
    title: 'Results fit the schema of the revision',
    page: 'basic#schema',
    must: 'send results as the schema of the revision defines them',
    needs: { echoed, transcript },
    judge: ({ transcript }, about) =>
      each(
        // The answer to initialize has a check of its own.
        bound(transcript, about).filter(({ message, answers }) => 'result' in message && answers !== undefined && answers !== 'initialize'),
        noneInForce('result', about.revision),
        (frame) =>
          judged(
            frame,
            validateResult(about.revision, frame.answers!, frame.message.result, { task: asksForTask(frame) }),
            `sends a result of ${frame.answers} the schema does not allow`,
          ),
      ),
    fix: 'Build results from the types of the revision agreed on, and leave out members that have no value.',
  }),

  check('json-rpc/server-request-schema', {
    title: 'Requests of the server fit the schema of the revision',
    page: 'basic#schema',
    revisions: '..2025-11-25',
    must: 'send requests as the schema of the revision defines them',
    needs: { echoed, transcript },
    judge: ({ transcript }, about) =>
      each(
        bound(transcript, about).filter(({ message }) => isRequest(message)),
        noneInForce('request', about.revision),
        (frame) => judged(frame, validateServerRequest(about.revision, frame.message), 'sends a request the schema does not allow'),
      ),
    fix: 'Build requests to the client from the types of the revision agreed on.',
  }),
])

const messages = framesOf

const bound: typeof framesOf = (transcript, facts) => framesOf(transcript, facts).filter(({ inForce }) => inForce)

/** The MCP-defined shape of an error binds under its own revision only; what JSON-RPC says of it always does. */
const withinError = (problems: FrameProblem[], { inForce }: Frame): FrameProblem[] =>
  problems.filter(({ path }) => (inForce ? path.startsWith('/error') : ['/error', '/error/code', '/error/message'].includes(path)))

const asksForTask = ({ exchange }: Frame): boolean => 'task' in ((requestOf(exchange)?.params as object | undefined) ?? {})

function judged(frame: Frame, problems: FrameProblem[], what: string): Judgement {
  const [first] = problems
  return first === undefined
    ? holds
    : broken(`${what}: ${first.path || '/'} ${first.message}`, { actual: frame.message, exchange: frame.exchange })
}

function echoesId(exchange: Exchange): Judgement {
  return answered(exchange, () => {
    const expected = `an answer with id ${JSON.stringify(sentId(exchange))}`
    const responses = responsesIn(exchange)
    const detail = { expected, actual: responses.length > 0 ? responses : summaryOf(exchange), exchange }
    const status = statusOf(exchange) ?? 200
    if (responses.length === 0 && (status === 429 || status >= 500)) return inconclusive(summaryOf(exchange), exchange)
    if (responses.length === 0) return broken('does not answer a request with a valid id', detail)
    return holdsIf(
      responses.every(({ id }) => id === sentId(exchange)),
      'answers with another id',
      detail,
    )
  })
}

/** Over HTTP a response travels on the exchange of its request. */
function answersItsOwn(exchange: Exchange): Judgement {
  const sent = exchange.via === 'http' && exchange.request.method === 'POST' ? idsIn(exchange) : undefined
  if (sent === undefined) return notApplicable('the ids sent are not known')
  const foreign = responsesIn(exchange).find((message) => message.jsonrpc === '2.0' && !mayAnswer(message, sent))
  return holdsIf(foreign === undefined, 'answers with an id that was not sent', { expected: sent, actual: foreign, exchange })
}

function mayAnswer(message: Record<string, unknown>, sent: readonly unknown[]): boolean {
  if ('error' in message && (message.id === null || message.id === undefined)) return true
  return sent.some((id) => JSON.stringify(id) === JSON.stringify(message.id))
}

function idsIn({ request: { rpc, body } }: Exchange): unknown[] | undefined {
  // A notification has no answer to carry an id: that is another rule.
  if (rpc !== undefined) return 'id' in rpc ? [rpc.id] : undefined
  if (body === undefined || body.endsWith('…')) return undefined
  try {
    const parsed: unknown = JSON.parse(body)
    return [parsed].flat().flatMap((each) => (typeof each === 'object' && each !== null && 'id' in each ? [each.id] : []))
  } catch {
    return []
  }
}

function carriesId(exchange: Exchange): Judgement {
  if (errorOf(exchange) === undefined) return notApplicable('no error came back')
  const responses = responsesIn(exchange)
  return holdsIf(
    responses.every(({ id }) => id === sentId(exchange)),
    'answers an error without the id of the request',
    {
      expected: `an error with id ${JSON.stringify(sentId(exchange))}`,
      actual: responses,
      exchange,
    },
  )
}
