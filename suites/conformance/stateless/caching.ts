import {
  broken,
  type Connection,
  check,
  controlled,
  type Exchange,
  each,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  type Judgement,
  notApplicable,
  probe,
  resultOf,
  section,
} from '../../../src/model/index.ts'

const cacheable = probe('results that may be cached', async ({ session, catalogue }) => {
  const client = await session()
  const { tools, prompts, resources, templates } = await catalogue()
  const reads = await Promise.all(resources.items.slice(0, 1).map(({ uri }) => client.send('resources/read', { uri })))
  return {
    discover: [client.opening],
    tools: tools.pages,
    prompts: prompts.pages,
    resources: resources.pages,
    templates: templates.pages,
    reads,
  }
})

const reads = probe('two resources read in turn', { requires: 'resources' }, async ({ session, catalogue }) => {
  const client = await session()
  const uris = [...new Set((await catalogue()).resources.items.map(({ uri }) => uri))].slice(0, 2)
  const asked: { uri: string; read: Exchange }[] = []
  for (const uri of uris) asked.push({ uri, read: await client.send('resources/read', { uri }) })
  return asked
})

const added = 'assay_added'

const mostPages = 20

// Alone, because it changes what every client of the gateway is listed.
const invalidated = probe(
  'the list after a change has been announced',
  { requires: 'scripted upstream', alone: true },
  async ({ connect, instruments }) => {
    const upstream = instruments.upstream!
    const client = await connect()
    const stream = await client.listen({ filter: { toolsListChanged: true } })
    await stream.next(isMethod('notifications/subscriptions/acknowledged'), 1_500)
    const before = await listedBy(client)
    try {
      await upstream.setTools([{ name: added, description: 'Stands in the list for a moment.', inputSchema: { type: 'object' } }])
      const told = await stream.next(isMethod('notifications/tools/list_changed'), 1_000)
      return { told: told !== undefined, before, after: await listedBy(client) }
    } finally {
      const restored = stream.exchange.messages.length
      await upstream.setTools(null)
      await stream.next(() => stream.exchange.messages.length > restored, 500)
    }
  },
)

const isMethod = (method: string) => (message: unknown) => isObject(message) && message.method === method

/** The last page read, and whether the added tool stands on one of them. */
async function listedBy(client: Connection): Promise<{ page: Exchange; found: boolean }> {
  let page = await client.send('tools/list')
  for (let pages = 1; pages < mostPages; pages += 1) {
    const result = resultOf(page)
    if (JSON.stringify(result?.tools ?? []).includes(added)) return { page, found: true }
    if (typeof result?.nextCursor !== 'string') break
    page = await client.send('tools/list', { cursor: result.nextCursor })
  }
  return { page, found: false }
}

/** Judges every complete result; those that ask for input carry no hints. */
function everyResult(
  evidence: Record<string, Exchange[]>,
  judge: (result: Record<string, unknown>, exchange: Exchange) => Judgement,
): Judgement {
  const complete = Object.values(evidence)
    .flat()
    .filter((exchange) => resultOf(exchange) !== undefined && resultOf(exchange)!.resultType !== 'input_required')
  return each(complete, 'no result that may be cached came back', (exchange) => judge(resultOf(exchange)!, exchange))
}

const page = 'server/utilities/caching'

export default section({ spec: 'mcp', page: `${page}#cacheable-results`, revisions: '2026-07-28' }, [
  check('stateless/cache-hints', {
    title: 'Results that may be cached say for how long and for whom',
    must: 'put `ttlMs` and `cacheScope` into the results of server/discover, the four lists and resources/read',
    needs: { cacheable },
    judge: ({ cacheable }) =>
      everyResult(cacheable, (result, exchange) => {
        const missing = ['ttlMs', 'cacheScope'].filter((hint) => result[hint] === undefined)
        return holdsIf(missing.length === 0, `leaves ${missing.join(' and ')} out of ${exchange.request.rpc?.method}`, {
          actual: Object.keys(result),
          exchange,
        })
      }),
    fix: 'Add both where results are sent; `0` and `private` are always right.',
    covers: ['cache.hints-present', 'discover.cache-hints'],
  }),

  check('stateless/cache-lifetime', {
    title: 'Cache lifetimes are whole milliseconds from zero up',
    must: 'give `ttlMs` as an integer that is not negative',
    page: `${page}#time-to-live-ttl-field`,
    needs: { cacheable },
    judge: ({ cacheable }) =>
      everyResult(cacheable, ({ ttlMs }, exchange) =>
        ttlMs === undefined
          ? notApplicable('no lifetime is given')
          : holdsIf(Number.isInteger(ttlMs) && (ttlMs as number) >= 0, 'gives a cache lifetime that is no number of milliseconds', {
              expected: 'an integer from 0',
              actual: ttlMs,
              exchange,
            }),
      ),
    fix: 'Round the lifetime and stop at 0.',
    covers: 'cache.ttl-non-negative',
  }),

  check('stateless/cache-scope', {
    title: 'The cache scope is public or private',
    must: 'give `cacheScope` as "public" or "private"',
    page: `${page}#cache-scope-field`,
    needs: { cacheable },
    judge: ({ cacheable }) =>
      everyResult(cacheable, ({ cacheScope }, exchange) =>
        cacheScope === undefined
          ? notApplicable('no scope is given')
          : holdsIf(cacheScope === 'public' || cacheScope === 'private', 'gives a cache scope of its own', {
              expected: 'public or private',
              actual: cacheScope,
              exchange,
            }),
      ),
    fix: 'Use "private" unless the result is the same for everybody.',
    covers: 'cache.scope-value',
  }),

  check('stateless/cache-scope-across-pages', {
    title: 'All pages of a list have the same cache scope',
    must: 'apply the same `cacheScope` to every page of a list',
    page: `${page}#interaction-with-pagination`,
    needs: { cacheable },
    judge: ({ cacheable: { tools, prompts, resources, templates } }) =>
      each(
        [tools, prompts, resources, templates].filter((pages) => pages.length > 1),
        'no list has more than one page',
        (pages) => {
          const scopes = pages
            .map(resultOf)
            .filter((result) => result !== undefined)
            .map(({ cacheScope }) => cacheScope)
          return holdsIf(new Set(scopes).size === 1, 'changes the cache scope from page to page', {
            expected: scopes[0],
            actual: scopes,
            exchange: pages.at(-1),
          })
        },
      ),
    fix: 'Decide on the scope for the list, not for the page.',
    covers: 'cache.scope-same-across-pages',
  }),

  check('stateless/cache-key', {
    title: 'One request is never answered with the result of another',
    must: 'serve a cached result only for the method and parameters that produced it',
    page: `${page}#cache-key`,
    requires: 'resources',
    needs: { reads },
    judge: ({ reads: [first, second] }) => {
      if (first === undefined || second === undefined) return notApplicable('the target lists fewer than two resources')
      return controlled([first.read, second.read], () => {
        const uris = contentUris(second.read)
        return uris.includes(first.uri) && !uris.includes(second.uri)
          ? broken('answers the read of one resource with another', { expected: second.uri, actual: uris, exchange: second.read })
          : holds
      })
    },
    fix: 'Make method and all parameters part of the cache key.',
    covers: 'cache.key-includes-params',
  }),

  check('stateless/cache-invalidation', {
    title: 'A change that is announced is there to be seen',
    policy: 'drop cached lists before it announces that they have changed',
    page: `${page}#interaction-with-notifications`,
    requires: ['scripted upstream', 'tools.listChanged'],
    needs: { invalidated },
    judge: ({ invalidated: { told, before, after } }) => {
      if (!told) return inconclusive('the target did not announce the change', after.page)
      return controlled([before.page, after.page], () =>
        holdsIf(after.found, 'lists the tools of before the change it has announced', {
          expected: added,
          actual: resultOf(after.page)?.tools,
          exchange: after.page,
        }),
      )
    },
    fix: 'Drop the cached lists of an upstream first, then pass its announcement on.',
    covers: 'cache.invalidate-on-notify',
  }),
])

function contentUris(read: Exchange): unknown[] {
  const contents = resultOf(read)?.contents
  return Array.isArray(contents) ? contents.map((content) => (isObject(content) ? content.uri : undefined)) : []
}
