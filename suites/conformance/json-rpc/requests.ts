import {
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  holdsIf,
  isResponse,
  type Judgement,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless } from './harmless.ts'

/** Neither strings nor integers. */
const unfit: unknown[] = [{}, { id: 1 }, [1], true, 1.5]

const wrongIds = probe('requests with ids that are neither string nor integer', { over: 'http' }, async ({ session }) => {
  const target = await session()
  const method = harmless(target)
  const before = await target.send(method)
  const [none, others] = await Promise.all([
    target.send(method, undefined, { id: null }),
    Promise.all(unfit.map((id) => target.send(method, undefined, { id }))),
  ])
  return { before, none, others, after: await target.send(method) }
})

/** Milliseconds for two simple requests that are under way under one id. */
const patience = 5_000

/** The member by which the answer to a list is told from any other. */
const lists = { tools: 'tools/list', resources: 'resources/list', prompts: 'prompts/list' }

const twins = probe('two requests under way with one id', { over: 'http' }, async ({ session }) => {
  const target = await session()
  const member = Object.keys(lists).find((name) => name in target.capabilities) as keyof typeof lists | undefined
  if (member === undefined) return null
  const before = await target.send(lists[member])
  const options = { id: 'assay-twin', deadline: patience }
  const [simple, list] = await Promise.all([
    target.send(harmless(target), undefined, options),
    target.send(lists[member], undefined, options),
  ])
  return { member, before, simple, list, after: await target.send(lists[member]) }
})

const resultsIn = (exchange: Exchange): Record<string, unknown>[] =>
  exchange.messages
    .map(({ message }) => message)
    .filter(isResponse)
    .flatMap(({ result }) => (result === undefined ? [] : [result as Record<string, unknown>]))

const isNotServed = (exchange: Exchange) =>
  answered(exchange, () =>
    holdsIf(resultsIn(exchange).length === 0, 'answers with a result, though no valid id asked for it', {
      expected: 'HTTP 4xx, or error -32600',
      actual: summaryOf(exchange),
      exchange,
    }),
  )

const cannotTell = notApplicable('the target offers no list whose answer can be told from another')

export default section({ spec: 'mcp', page: 'basic#requests', revisions: 'all', over: 'http' }, [
  check('json-rpc/null-id', {
    title: 'A null id is not served',
    must: 'answer requests whose id is a string or an integer, not null',
    needs: { wrongIds },
    judge: ({ wrongIds: { before, none, after } }) => controlled([before, after], () => isNotServed(none)),
    fix: 'Refuse a request whose id is null with HTTP 400 and error -32600.',
    covers: 'rpc.request.null-id',
  }),

  check('json-rpc/id-type', {
    title: 'Only strings and integers are taken as ids',
    must: 'answer requests whose id is a string or an integer, not an object, an array, a boolean or a fraction',
    needs: { wrongIds },
    judge: ({ wrongIds: { before, others, after } }) => controlled([before, after], () => each(others, 'nothing was sent', isNotServed)),
    fix: 'Validate the id of every request, and refuse other types with HTTP 400 and error -32600.',
    covers: 'rpc.request.id-type',
  }),

  check('json-rpc/concurrent-ids', {
    title: 'Two requests under one id get each their own answer',
    policy: 'keep apart requests that carry the same id on different HTTP exchanges',
    needs: { twins },
    judge: ({ twins }) => {
      if (twins === null) return cannotTell
      const { member, before, simple, list, after } = twins
      return controlled([before, after], () =>
        ownAnswer(simple, [before, after], (result) => !(member in result)).and(
          ownAnswer(list, [before, after], (result) => member in result),
        ),
      )
    },
    fix: 'Route each answer by the HTTP exchange its request came on, not by the id alone.',
    covers: ['rpc.request.id-reuse', 'rpc.request.id-inflight-unique'],
  }),
])

function ownAnswer(exchange: Exchange, controls: readonly Exchange[], isOwn: (result: Record<string, unknown>) => boolean): Judgement {
  const detail = { expected: 'its own answer, or a refusal', actual: summaryOf(exchange), exchange }
  if (resultsIn(exchange).some((result) => !isOwn(result))) return broken('answers with the result of the other request', detail)
  // A target that is slow as a whole does not lose this request among others.
  const isSlow = controls.some(({ started, ended }) => ended - started > patience / 5)
  if (exchange.failure?.code === 'timeout' && !isSlow) return broken('leaves one of the two without an answer', detail)
  return answered(exchange, () => holdsIf(statusOf(exchange) !== 202, 'takes a request for a notification', detail))
}
