import { validateResult } from '../../../src/model/frames/index.ts'
import {
  answered,
  check,
  type Exchange,
  hasResult,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  isRefused,
  notApplicable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { changed } from './changed.ts'
import { listing } from './probes.ts'

const asked = probe('tools/list, whatever is claimed', async ({ session }) => (await session()).send('tools/list'))

const repeated = probe('tools/list four times', { requires: 'tools' }, async ({ session }) => {
  const open = await session()
  const pages: Exchange[] = []
  for (let count = 0; count < 4; count += 1) pages.push(await open.send('tools/list'))
  return pages
})

const bare = probe('tools without a token', { over: 'http', requires: ['authorization', 'tools'] }, async ({ session }) => {
  const open = await session()
  const bare = { headers: { Authorization: null } }
  const before = await open.send('tools/list')
  const list = await open.send('tools/list', undefined, bare)
  const call = await open.send('tools/call', { name: 'assay_no_such_tool', arguments: {} }, bare)
  return { before, list, call, after: await open.send('tools/list') }
})

const namesIn = (page: Parameters<typeof resultOf>[0]): string[] | undefined => {
  const tools = resultOf(page)?.tools
  return Array.isArray(tools) ? tools.filter(isObject).map(({ name }) => String(name)) : undefined
}
const setOf = (page: Parameters<typeof resultOf>[0]) => namesIn(page)?.toSorted().join('\n')

export default section({ spec: 'mcp', page: 'server/tools#capabilities', revisions: 'all' }, [
  check('tools/capability', {
    title: 'A target that serves tools declares them',
    must: 'declare the tools capability when it serves tools',
    needs: { asked },
    judge: ({ asked }, { capabilities }) =>
      answered(asked, () =>
        (namesIn(asked) ?? []).length === 0
          ? notApplicable('the target serves no tools')
          : holdsIf(isObject(capabilities.tools), 'serves tools without declaring them', {
              expected: 'capabilities.tools',
              actual: Object.keys(capabilities),
              exchange: asked,
            }),
      ),
    fix: 'Put `tools: {}` into the declared capabilities.',
    covers: 'tools.capability',
  }),

  check('tools/list-answered', {
    title: 'A target that declares tools answers tools/list',
    must: 'answer tools/list with the tools available to the client, be it none, when it declares tools',
    needs: { asked },
    revisions: '2026-07-28..',
    requires: 'tools',
    judge: ({ asked }) =>
      hasResult(asked, ({ tools }) =>
        holdsIf(Array.isArray(tools), 'answers without a list', { expected: 'an array `tools`', actual: tools }),
      ),
    fix: 'Answer with an empty list when there are no tools; an error is no answer.',
    covers: 'tools.list.respond',
  }),

  check('tools/list-order', {
    title: 'Tools are listed in the same order each time',
    should: 'list tools in a deterministic order as long as the set has not changed',
    needs: { repeated },
    revisions: '2026-07-28..',
    requires: 'tools',
    judge: ({ repeated: pages }) => {
      if (pages.some((page) => namesIn(page) === undefined)) return inconclusive('a list could not be read')
      const sets = new Set(pages.map(setOf))
      if (sets.size > 1) return inconclusive('the set of tools changes while it is looked at')
      const orders = pages.map((page) => namesIn(page)!.join('\n'))
      const odd = pages[orders.findIndex((order) => order !== orders[0])]
      return holdsIf(odd === undefined, 'lists the same tools in another order', {
        expected: namesIn(pages[0]!),
        actual: odd && namesIn(odd),
        exchange: odd,
      })
    },
    fix: 'Sort by name, or keep the order of registration: clients cache the list, and prompts built on it.',
    covers: 'tools.list.deterministic',
  }),

  check('tools/list-valid', {
    title: 'Listed tools have the shape of the revision',
    page: 'server/tools#tool',
    must: 'list each tool with a name, an input schema and members of the right types',
    needs: { listing },
    requires: 'tools',
    judge: ({ listing: { pages } }, { revision }) => {
      const lists = pages.filter((page) => resultOf(page) !== undefined)
      if (lists.length === 0) return inconclusive('the list cannot be read', pages[0])
      for (const page of lists) {
        const problem = validateResult(revision, 'tools/list', resultOf(page)).find(({ path }) => path.startsWith('/tools'))
        if (problem !== undefined) return holdsIf(false, `${problem.path} ${problem.message}`, { actual: summaryOf(page), exchange: page })
      }
      return holds
    },
    fix: 'Compare the definition named with the type Tool of the revision.',
    covers: 'tools.list.valid',
  }),

  check('tools/list-changed', {
    title: 'A change of the tools is announced',
    page: 'server/tools#list-changed-notification',
    should: 'send notifications/tools/list_changed when the list of tools changes, having declared listChanged',
    needs: { changed },
    requires: ['tools.listChanged', 'scripted upstream'],
    judge: ({ changed: { heard, before, after, announced } }) => {
      if (after.names.join() === before.names.join()) return notApplicable('the list does not follow the upstream by itself')
      return holdsIf(heard !== null, 'changes the list and does not say so', {
        expected: `notifications/tools/list_changed within ${announced} ms`,
        actual: 'no such notification',
        exchange: after.page,
      })
    },
    fix: 'Forward list_changed of an upstream to every client that can hear it, after dropping the cached list.',
    covers: 'tools.list-changed',
  }),

  check('tools/list-follows', {
    title: 'The list follows the upstreams',
    page: 'server/tools#list-changed-notification',
    policy: 'list what an upstream has come to offer, having declared that it tells of changes',
    needs: { changed },
    requires: ['tools.listChanged', 'scripted upstream'],
    judge: ({ changed: { before, after } }) =>
      holdsIf(after.names.join() !== before.names.join(), 'goes on listing the tools of before', {
        expected: 'a tool whose name ends in assay_added',
        actual: after.names,
        exchange: after.page,
      }),
    fix: 'Invalidate the cached list when the upstream sends list_changed.',
    covers: 'gw.upstream.list-changed',
  }),

  check('tools/access-control', {
    title: 'Tools are neither listed nor called without a token',
    page: 'server/tools#security-considerations',
    must: 'keep tools behind access control',
    needs: { bare },
    over: 'http',
    requires: ['authorization', 'tools'],
    judge: ({ bare: { before, list, call, after } }) =>
      resultOf(before) === undefined || resultOf(after) === undefined
        ? inconclusive('the list is not given with a token either', before)
        : isRefused(list, 'lists tools without a token').and(refusedForItsToken(call)),
    fix: 'Check the token of every request before looking at its method.',
    covers: 'tools.access-control',
  }),
])

/** A tool that does not exist is refused in any case: without a token it must not come to that. */
const refusedForItsToken = (call: Parameters<typeof summaryOf>[0]) =>
  holdsIf([401, 403].includes(call.response?.status ?? 0), 'looks for the tool of a call without a token', {
    expected: 'HTTP 401 or 403',
    actual: summaryOf(call),
    exchange: call,
  })
