import {
  answered,
  check,
  controlled,
  type Exchange,
  holdsIf,
  isRefused,
  isResponse,
  probe,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless } from './harmless.ts'

const batch = probe('a batch of two requests and a notification', { over: 'http' }, async ({ session }) => {
  const target = await session()
  const method = harmless(target)
  const before = await target.send(method)
  const batched = [
    { jsonrpc: '2.0', id: 'assay-batch-1', method },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'assay-never-sent' } },
    { jsonrpc: '2.0', id: 'assay-batch-2', method },
  ]
  const answers = new Set<unknown>()
  const complete = (message: unknown) => {
    if (isResponse(message)) answers.add(message.id)
    return answers.size === 2
  }
  const headers = target.era === 'stateless' ? { 'Mcp-Method': method } : undefined
  const [full, empty] = await Promise.all([
    target.post(batched, { until: complete, headers }),
    target.post([], { headers, until: () => true }),
  ])
  return { before, full, empty, after: await target.send(method) }
})

const answeredIds = (exchange: Exchange): unknown[] =>
  exchange.messages
    .map(({ message }) => message)
    .filter(isResponse)
    .map(({ id }) => id)

export default [
  ...section({ spec: 'mcp', page: 'basic#batching', revisions: '2025-03-26', over: 'http' }, [
    check('json-rpc/batch', {
      title: 'A batch is answered in full',
      must: 'accept JSON-RPC batches, and answer every request in one',
      needs: { batch },
      judge: ({ batch: { before, full, after } }) =>
        controlled([before, after], () =>
          answered(full, () => {
            const ids = answeredIds(full)
            const complete = ids.includes('assay-batch-1') && ids.includes('assay-batch-2')
            return holdsIf(complete, 'does not answer each request of a batch', {
              expected: 'responses to assay-batch-1 and assay-batch-2',
              actual: summaryOf(full),
              exchange: full,
            })
          }),
        ),
      fix: 'Handle an array as its messages, one by one, and send the responses as an array or on one stream.',
      covers: 'rpc.batch.receive',
    }),

    check('json-rpc/empty-batch', {
      title: 'An empty batch is refused',
      spec: 'json-rpc',
      page: 'batch',
      must: 'refuse an array that holds no message',
      needs: { batch },
      judge: ({ batch: { before, empty, after } }) =>
        controlled([before, after], () => isRefused(empty, 'accepts a batch without messages')),
      fix: 'Answer an empty array with HTTP 400 and error -32600.',
      covers: 'rpc.invalid-request',
    }),
  ]),
  ...section(
    {
      spec: 'mcp',
      page: 'basic/transports#sending-messages-to-the-server',
      movedTo: 'basic/transports/streamable-http#sending-messages',
      revisions: '2025-06-18..',
      over: 'http',
    },
    [
      check('json-rpc/batch-removed', {
        title: 'Batches are refused where the revision has none',
        policy: 'refuse a batch, as the revision allows one message in a body',
        needs: { batch },
        judge: ({ batch: { before, full, after } }) => controlled([before, after], () => isRefused(full, 'executes or accepts a batch')),
        fix: 'Refuse an array with HTTP 400 and error -32600, before its messages are looked at.',
        covers: 'rpc.batch.removed',
      }),
    ],
  ),
]
