import {
  broken,
  type Catalogue,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasErrorCode,
  hasResult,
  holds,
  holdsIf,
  inconclusive,
  isRefused,
  type Judgement,
  notApplicable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'

const lists = [
  { name: 'tools', method: 'tools/list', member: 'tools', key: 'name' },
  { name: 'resources', method: 'resources/list', member: 'resources', key: 'uri' },
  { name: 'templates', method: 'resources/templates/list', member: 'resourceTemplates', key: 'uriTemplate' },
  { name: 'prompts', method: 'prompts/list', member: 'prompts', key: 'name' },
] as const

type List = (typeof lists)[number]

/** The lists that were read, with the keys of their items page by page. */
const walked = probe('every list, page by page', async ({ catalogue }) => listsOf(await catalogue()))

const again = probe('the second page of every list, twice', async ({ session, use }) => {
  const connection = await session()
  const paged = (await use(walked)).filter(({ pages }) => cursorOf(pages[0]!) !== undefined)
  return Promise.all(
    paged.map(async ({ list, pages }) => {
      const ask = () => connection.send(list.method, { cursor: cursorOf(pages[0]!) })
      const [before, first, second] = [await connection.send(list.method), await ask(), await ask()]
      return { list, read: pages[0]!, before, first, second, after: await connection.send(list.method) }
    }),
  )
})

const invalid = probe('cursors the target never issued', async ({ session, use }) => {
  const connection = await session()
  const answering = (await use(walked)).filter(({ pages }) => resultOf(pages[0]!) !== undefined)
  return Promise.all(
    answering.map(async ({ list }) => {
      const [exchange, after] = [await connection.send(list.method, { cursor: 'assay-never-issued' }), await connection.send(list.method)]
      return { exchange, after }
    }),
  )
})

const foreign = probe('a cursor of one list given to another', async ({ session, use }) => {
  const connection = await session()
  const read = (await use(walked)).filter(({ pages }) => resultOf(pages[0]!) !== undefined)
  const paged = read.find(({ pages }) => cursorOf(pages[0]!) !== undefined)
  const other = read.find((one) => one !== paged)
  if (paged === undefined || other === undefined) return undefined
  const cursor = cursorOf(paged.pages[0]!)
  const own = await connection.send(paged.list.method, { cursor })
  return { own, exchange: await connection.send(other.list.method, { cursor }) }
})

const paging = 'every list of the target fits one page'

export default section({ spec: 'mcp', page: 'server/utilities/pagination', revisions: 'all' }, [
  check('pagination/walk', {
    title: 'Following the cursors leads to the end of every list',
    must: 'let nextCursor stand for the position after its page, so that following it ends',
    page: 'server/utilities/pagination#response-format',
    needs: { walked },
    judge: ({ walked }) => each(walked, 'the target offers no lists', ({ list, pages, stopped }) => ends(list, pages, stopped)),
    fix: 'Derive nextCursor from the last item of the page, and leave it out on the last page.',
    covers: 'pagination.walk-terminates',
  }),

  check('pagination/overlap', {
    title: 'No item is on two pages',
    should: 'provide stable cursors: a page begins after the one before it',
    page: 'server/utilities/pagination#implementation-guidelines',
    needs: { walked },
    judge: ({ walked }) =>
      each(
        walked.filter(({ pages }) => pages.length > 1),
        paging,
        ({ list, pages }) => areApart(list, pages),
      ),
    fix: 'Page over a stable order, and begin each page after the last item of the one before.',
    covers: 'pagination.walk-terminates',
  }),

  check('pagination/stable-cursor', {
    title: 'A cursor leads to the same page each time',
    should: 'provide stable cursors',
    page: 'server/utilities/pagination#implementation-guidelines',
    needs: { again },
    judge: ({ again }) =>
      each(again, paging, ({ list, read, before, first, second, after }) => {
        const steady = [read, before, after].every((page) => same(keysOf(list, page), keysOf(list, read)))
        if (!steady) return inconclusive(`${list.method} changed while it was read`, after)
        return hasResult(first).and(
          hasResult(second, () =>
            holdsIf(same(keysOf(list, first), keysOf(list, second)), 'leads to another page when a cursor is used again'),
          ),
        )
      }),
    fix: 'Keep no state per cursor: put the position into the cursor itself, signed if need be.',
    covers: 'pagination.cursor-stable',
  }),

  check('pagination/empty-cursor', {
    title: 'An empty cursor that was issued leads on',
    must: 'treat an empty string as the cursor it is, once it was issued',
    page: 'server/utilities/pagination#implementation-guidelines',
    revisions: '2026-07-28',
    needs: { walked },
    judge: ({ walked }) => {
      const issuing = walked.filter(({ pages }) => pages.some((page) => resultOf(page)?.nextCursor === ''))
      return each(issuing, 'no list issues an empty cursor', ({ list, pages }) => leadsOn(list, pages))
    },
    fix: 'Leave nextCursor out on the last page; an empty string is a cursor like any other.',
    covers: 'pagination.cursor-empty-string',
  }),

  check('pagination/invalid-cursor', {
    title: 'A cursor that was never issued is answered with -32602',
    should: 'answer -32602 to an invalid cursor',
    page: 'server/utilities/pagination#error-handling',
    needs: { invalid },
    judge: ({ invalid }) =>
      each(invalid, 'the target offers no lists', ({ exchange, after }) => controlled([after], () => hasErrorCode(exchange, -32602))),
    fix: 'Refuse cursors that do not decode to a position, also on lists that fit one page.',
    covers: 'pagination.invalid-cursor',
  }),

  check('pagination/foreign-cursor', {
    title: 'A cursor works only on the list it was issued for',
    policy: 'refuse a cursor that was issued for another list',
    page: 'server/utilities/pagination#error-handling',
    needs: { foreign },
    judge: ({ foreign }) =>
      foreign === null || foreign === undefined
        ? notApplicable('no two lists, of which one has pages')
        : controlled([foreign.own], () => isRefused(foreign.exchange, 'takes the cursor of another list')),
    fix: 'Bind each cursor to its method, for instance with a signature over both.',
    covers: 'pagination.invalid-cursor',
  }),
])

const listsOf = (catalogue: Catalogue) =>
  lists.flatMap((list) => {
    const { pages, stopped } = catalogue[list.name]
    return pages.length === 0 ? [] : [{ list, pages, stopped }]
  })

function keysOf({ member, key }: List, page: Exchange): unknown[] {
  const items = resultOf(page)?.[member]
  return Array.isArray(items) ? items.map((item) => (item as Record<string, unknown> | null)?.[key]) : []
}

const cursorOf = (page: Exchange): string | undefined => {
  const cursor = resultOf(page)?.nextCursor
  return typeof cursor === 'string' ? cursor : undefined
}

const same = (one: unknown[], other: unknown[]): boolean => JSON.stringify(one) === JSON.stringify(other)

function ends({ method }: List, pages: Exchange[], stopped: string | undefined): Judgement {
  const last = pages.at(-1)!
  const result = resultOf(last)
  if (stopped === undefined) return holds
  if (result === undefined) {
    if (pages.length === 1) return notApplicable(`${method} is not answered with a list`)
    const refused = errorOf(last)?.code === -32602
    return refused
      ? broken(`refuses the cursor it issued for ${method}`, { expected: 'the next page', actual: summaryOf(last), exchange: last })
      : inconclusive(stopped, last)
  }
  // A list longer than is read says nothing; one that comes back to a cursor never ends.
  return stopped.endsWith('comes back')
    ? broken(`${method} never ends: ${stopped}`, { expected: 'a last page without nextCursor', actual: result.nextCursor, exchange: last })
    : inconclusive(stopped, last)
}

function areApart(list: List, pages: Exchange[]): Judgement {
  const seen = new Set<unknown>()
  for (const page of pages) {
    const keys = new Set(keysOf(list, page))
    const twice = [...keys].find((key) => seen.has(key))
    if (twice !== undefined)
      return broken(`lists ${JSON.stringify(twice)} on two pages of ${list.method}`, { actual: twice, exchange: page })
    for (const key of keys) seen.add(key)
  }
  return holds
}

function leadsOn(list: List, pages: Exchange[]): Judgement {
  const at = pages.findIndex((page) => resultOf(page)?.nextCursor === '')
  const next = pages[at + 1]
  if (next === undefined) return inconclusive(`the empty cursor of ${list.method} was not followed`, pages[at])
  return hasResult(next, () =>
    holdsIf(!same(keysOf(list, next), keysOf(list, pages[0]!)), 'leads back to the first page', { actual: keysOf(list, next) }),
  )
}
