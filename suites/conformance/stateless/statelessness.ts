import {
  all,
  broken,
  type Connection,
  check,
  controlled,
  type Exchange,
  each,
  hasResult,
  holds,
  inconclusive,
  isRefused,
  type Judgement,
  probe,
  resultOf,
  section,
  type UnitFacts,
} from '../../../src/model/index.ts'
import { meta, plainMethod } from './requests.ts'

const leaning = probe('a request that leans on the one before it', async ({ session, facts }) => {
  const client = await session()
  const method = plainMethod(facts)
  const before = await client.send(method)
  const leaning = await client.send(method, undefined, { meta: { [meta.capabilities]: undefined, [meta.clientInfo]: undefined } })
  return { before, leaning, after: await client.send(method) }
})

const scattered = probe('requests that each come on a connection of their own', { over: 'http' }, async ({ session, catalogue, facts }) => {
  const client = await session()
  const alone = { headers: { Connection: 'close' } }
  const method = plainMethod(facts)
  const before = await client.send(method)
  const requests = await Promise.all([client.send('server/discover', undefined, alone), client.send(method, undefined, alone)])
  const paged = (await catalogue()).tools.pages[0]
  const cursor = paged && resultOf(paged)?.nextCursor
  const continued = typeof cursor === 'string' ? [await client.send('tools/list', { cursor }, alone)] : []
  return { before, requests: [...requests, ...continued], after: await client.send(method) }
})

const listed = ['tools', 'resources', 'prompts'] as const

async function listsOf(client: Connection, { capabilities }: UnitFacts): Promise<Record<string, Exchange>> {
  const claimed = listed.filter((capability) => capabilities[capability] !== undefined)
  return Object.fromEntries(
    await Promise.all(claimed.map(async (capability) => [capability, await client.send(`${capability}/list`)] as const)),
  )
}

// Alone, because other probes change the catalogue of a gateway.
const lists = probe('the lists of two connections', { alone: true }, async ({ session, connect, facts }) => {
  const client = await session()
  const before = await listsOf(client, facts)
  await client.send('server/discover', undefined, { meta: { [meta.capabilities]: { elicitation: {} } } })
  await client.send('assay/unknown')
  const after = await listsOf(client, facts)
  return { before, after, elsewhere: await listsOf(await connect(), facts) }
})

/** What the first page lists, in no order. */
function namesOn(exchange: Exchange, capability: string): string {
  const items = (resultOf(exchange)?.[capability] ?? []) as { uri?: string; name?: string }[]
  return items
    .map(({ uri, name }) => uri ?? name)
    .sort()
    .join('\n')
}

function unvaried(capability: string, before: Exchange, after: Exchange, elsewhere: Exchange): Judgement {
  return controlled([before, after, elsewhere], () => {
    const [first, second, other] = [before, after, elsewhere].map((exchange) => namesOn(exchange, capability)) as [string, string, string]
    if (first === second && second === other) return holds
    if (first === second)
      return broken(`lists other ${capability} on another connection`, { expected: first, actual: other, exchange: elsewhere })
    if (first === other)
      return broken(`lists other ${capability} after other requests`, { expected: first, actual: second, exchange: after })
    return inconclusive(`the list of ${capability} changed meanwhile`, after)
  })
}

export default section({ spec: 'mcp', page: 'basic#statelessness', revisions: '2026-07-28' }, [
  check('stateless/connection-memory', {
    title: 'Nothing is remembered from earlier requests of a connection',
    must: 'take what a request says of its client from that request alone, and refuse one that leaves it out',
    needs: { leaning },
    judge: ({ leaning: { before, leaning, after } }) =>
      controlled([before, after], () => isRefused(leaning, 'serves an incomplete request after a complete one on the same connection')),
    fix: 'Keep no client state beside the request: read `_meta` anew each time.',
    covers: 'stateless.no-connection-memory',
  }),

  check('stateless/any-connection', {
    title: 'Related requests may come on different connections',
    should: 'serve related requests whatever connection they come on',
    over: 'http',
    needs: { scattered },
    judge: ({ scattered: { before, requests, after } }) =>
      controlled([before, after], () => all(requests.map((request) => hasResult(request)))),
    fix: 'Keep cursors and handles where every connection, and every replica, can read them.',
    covers: 'stateless.any-connection',
  }),

  check('stateless/list-per-connection', {
    title: 'Lists are the same on every connection',
    must: 'list the same whatever the connection, and whatever was asked before on it',
    page: 'server/tools#capabilities',
    needs: { lists },
    judge: ({ lists: { before, after, elsewhere } }) =>
      each(Object.keys(before), 'the target claims no lists', (capability) =>
        unvaried(capability, before[capability]!, after[capability]!, elsewhere[capability]!),
      ),
    fix: 'Derive lists from the request and its credentials only.',
    covers: 'stateless.list-not-per-connection',
  }),
])
