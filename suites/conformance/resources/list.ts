import { validateResult } from '../../../src/model/frames/index.ts'
import {
  answered,
  broken,
  check,
  type Exchange,
  each,
  hasResult,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  isRefused,
  type Listing,
  notApplicable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { changed } from './changed.ts'
import { itemsOf, listing, readable } from './probes.ts'
import { uriProblem } from './uri.ts'

const asked = probe('resources/list, whatever is claimed', async ({ session }) => (await session()).send('resources/list'))

const bare = probe(
  'resources without a token',
  { over: 'http', requires: ['authorization', 'resources'] },
  async ({ session, catalogue }) => {
    const [listed] = (await catalogue()).resources.items
    const uri = listed?.uri ?? 'assay://nothing'
    const open = await session()
    const without = { headers: { Authorization: null } }
    const before = await open.send('resources/list')
    const list = await open.send('resources/list', undefined, without)
    const read = await open.send('resources/read', { uri }, without)
    return { before, list, read, after: await open.send('resources/list') }
  },
)

const urisIn = (page: Exchange): string[] | undefined => {
  const resources = resultOf(page)?.resources
  return Array.isArray(resources) ? resources.filter(isObject).map(({ uri }) => String(uri)) : undefined
}

/** The first problem below a member of the results of a list. */
function shapeHolds({ pages }: Listing<unknown>, method: string, member: string, revision: Parameters<typeof validateResult>[0]) {
  const lists = pages.filter((page) => resultOf(page) !== undefined)
  if (lists.length === 0) return inconclusive('the list cannot be read', pages[0])
  for (const page of lists) {
    const problem = validateResult(revision, method, resultOf(page)).find(({ path }) => path.startsWith(`/${member}`))
    if (problem !== undefined) return broken(`${problem.path} ${problem.message}`, { actual: summaryOf(page), exchange: page })
  }
  return holds
}

const wellKnown = /^(https?|file|git):/i

export default section({ spec: 'mcp', page: 'server/resources#capabilities', revisions: 'all' }, [
  check('resources/capability', {
    title: 'A target that serves resources declares them',
    must: 'declare the resources capability when it serves resources',
    needs: { asked },
    judge: ({ asked }, { capabilities }) =>
      answered(asked, () =>
        (urisIn(asked) ?? []).length === 0
          ? notApplicable('the target serves no resources')
          : holdsIf(isObject(capabilities.resources), 'serves resources without declaring them', {
              expected: 'capabilities.resources',
              actual: Object.keys(capabilities),
              exchange: asked,
            }),
      ),
    fix: 'Put `resources: {}` into the declared capabilities.',
    covers: 'resources.capability',
  }),

  check('resources/list-answered', {
    title: 'A target that declares resources answers resources/list',
    must: 'answer resources/list with the resources available to the client, be it none, when it declares resources',
    needs: { asked },
    revisions: '2026-07-28..',
    requires: 'resources',
    judge: ({ asked }) =>
      hasResult(asked, ({ resources }) =>
        holdsIf(Array.isArray(resources), 'answers without a list', { expected: 'an array `resources`', actual: resources }),
      ),
    fix: 'Answer with an empty list when there are no resources; an error is no answer.',
    covers: 'resources.list.respond',
  }),

  check('resources/list-valid', {
    title: 'Listed resources have the shape of the revision',
    page: 'server/resources#resource',
    must: 'list each resource with an absolute URI, a name and members of the right types',
    needs: { listing },
    requires: 'resources',
    judge: ({ listing: { resources } }, { revision }) => shapeHolds(resources, 'resources/list', 'resources', revision),
    fix: 'Compare the resource named with the type Resource of the revision.',
    covers: 'resources.list.valid',
  }),

  check('resources/templates-valid', {
    title: 'Resource templates have the shape of the revision',
    page: 'server/resources#resource-templates',
    must: 'list each template with a name and a URI template of RFC 6570',
    needs: { listing },
    requires: 'resources',
    judge: ({ listing: { templates } }, { revision }) => {
      const first = templates.pages[0]
      // The method is there for templates only: a target without any may not have it.
      if (first !== undefined && resultOf(first) === undefined) return notApplicable('the target lists no templates')
      return shapeHolds(templates, 'resources/templates/list', 'resourceTemplates', revision)
    },
    fix: 'Write templates as RFC 6570 has them: `file:///{+path}`, with no blank and each brace closed.',
    covers: 'resources.templates.valid',
  }),

  check('resources/custom-scheme', {
    title: 'URIs of custom schemes keep to RFC 3986',
    page: 'server/resources#custom-uri-schemes',
    must: 'use custom URI schemes as RFC 3986 allows',
    needs: { listing },
    revisions: '2025-06-18..',
    requires: 'resources',
    judge: ({ listing: { resources } }) =>
      readable(resources, () =>
        each(
          itemsOf(resources, 'resources').filter(({ item }) => typeof item.uri === 'string' && !wellKnown.test(item.uri)),
          'the target lists no resource of a custom scheme',
          ({ item, page }) => {
            const problem = uriProblem(item.uri as string)
            return holdsIf(problem === undefined, `lists a URI that RFC 3986 does not allow: ${problem}`, {
              expected: 'a URI of RFC 3986',
              actual: item.uri,
              exchange: page,
            })
          },
        ),
      ),
    fix: 'Percent-encode what is not allowed, and begin the scheme with a letter.',
    covers: 'resources.custom-scheme',
  }),

  check('resources/list-changed', {
    title: 'A change of the resources is announced',
    page: 'server/resources#list-changed-notification',
    should: 'send notifications/resources/list_changed when the list of resources changes, having declared listChanged',
    needs: { changed },
    requires: ['resources.listChanged', 'scripted upstream'],
    judge: ({ changed: { heard, listed, within, page } }) =>
      listed
        ? holdsIf(heard !== null, 'changes the list and does not say so', {
            expected: `notifications/resources/list_changed within ${within} ms`,
            actual: 'no such notification',
            exchange: page,
          })
        : notApplicable('the list does not follow the upstream by itself'),
    fix: 'Forward list_changed of an upstream to every client that can hear it, after dropping the cached list.',
    covers: 'resources.list-changed',
  }),

  check('resources/permissions', {
    title: 'Resources are neither listed nor read without a token',
    page: 'server/resources#security-considerations',
    should: 'check permissions before it lists or reads a resource',
    needs: { bare },
    over: 'http',
    requires: ['authorization', 'resources'],
    judge: ({ bare: { before, list, read, after } }) =>
      resultOf(before) === undefined || resultOf(after) === undefined
        ? inconclusive('the list is not given with a token either', before)
        : isRefused(list, 'lists resources without a token').and(isRefused(read, 'reads a resource without a token')),
    fix: 'Check the token of every request before looking at its method.',
    covers: 'resources.permissions',
  }),
])
