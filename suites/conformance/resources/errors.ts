import {
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  hasErrorCode,
  holds,
  holdsIf,
  inconclusive,
  isRefused,
  notApplicable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { contentsOf } from './probes.ts'

const missing = probe('resources that do not exist', { requires: 'resources' }, async ({ session, catalogue }) => {
  const open = await session()
  const [listed] = (await catalogue()).resources.items
  const before = await open.send('resources/list')
  const [beside, foreign] = await Promise.all([
    // What stands beside a listed resource has a scheme and an owner; what stands nowhere may be refused for its scheme.
    listed === undefined ? null : open.send('resources/read', { uri: `${listed.uri}-assay-missing` }),
    open.send('resources/read', { uri: 'assay-nowhere://assay/missing' }),
  ])
  return { before, beside, foreign, after: await open.send('resources/list') }
})

const longest = 6_000
const broke: readonly [what: string, uri: string][] = [
  ['empty', ''],
  ['without a scheme', 'assay/../../etc/passwd'],
  ['with blanks', 'not a uri at all'],
  ['with a NUL', 'file:///assay\u0000.txt'],
  [`of ${longest} characters`, `assay-nowhere://${'a'.repeat(longest)}`],
  ['of the internal network', 'http://127.0.0.1:9/assay'],
]

const invalid = probe('reads of what is no URI, or not the target’s', { requires: 'resources' }, async ({ session }) => {
  const open = await session()
  const before = await open.send('resources/list')
  const tried = await Promise.all(broke.map(async ([what, uri]) => ({ what, exchange: await open.send('resources/read', { uri }) })))
  return { before, tried, after: await open.send('resources/list') }
})

const secret = 'etc/passwd'
const ways = ['../', '..%2f', '%2e%2e/', '%2e%2e%2f', '....//', '..\\', '..%5c', '%252e%252e%252f']

const traversed = probe('ways out of what is served from files', { requires: 'resources' }, async ({ session, catalogue }) => {
  const { resources, templates } = await catalogue()
  const roots = [...resources.items.map(({ uri }) => uri), ...templates.items.map(({ uriTemplate }) => uriTemplate)]
    .filter((uri) => typeof uri === 'string' && uri.startsWith('file://'))
    .map((uri) => uri.replace(/\{.*$/, '').replace(/[^/]*$/, ''))
  const open = await session()
  const plain = await open.send('resources/read', { uri: `file:///${secret}` })
  const tried = await Promise.all(
    [...new Set(roots)]
      .slice(0, 2)
      .flatMap((root) => ways.map((way) => open.send('resources/read', { uri: `${root}${way.repeat(8)}${secret}` }))),
  )
  return { plain, tried }
})

const isSecret = (exchange: Exchange): boolean =>
  contentsOf(exchange).some(({ text, blob }) => /^root:[^:\n]*:0:0:/m.test(String(text ?? Buffer.from(String(blob ?? ''), 'base64'))))

const isEmpty = (exchange: Exchange): boolean => {
  const contents = resultOf(exchange)?.contents
  return Array.isArray(contents) && contents.length === 0
}

interface Missing {
  before: Exchange
  beside: Exchange | null
  foreign: Exchange
  after: Exchange
}

/** The read that really asks for what does not exist: a template may serve whatever stands beside a listed resource. */
function judgeMissing({ before, beside, foreign, after }: Missing, judge: (exchange: Exchange) => ReturnType<typeof hasErrorCode>) {
  return controlled([before, after], () => {
    const asked = [beside, foreign].find((exchange) => exchange !== null && contentsOf(exchange).length === 0)
    return asked ? judge(asked) : inconclusive('the target gives contents for every URI it is asked for', foreign)
  })
}

export default section({ spec: 'mcp', page: 'server/resources#error-handling', revisions: 'all', requires: 'resources' }, [
  check('resources/not-found-code', {
    title: 'A missing resource is answered with -32002',
    should: 'answer a read of a resource that does not exist with error -32002',
    needs: { missing },
    revisions: '..2025-11-25',
    judge: ({ missing }) => judgeMissing(missing, (asked) => hasErrorCode(asked, -32002)),
    fix: 'Answer -32002 with the URI in data; the code is -32602 from 2026-07-28 on.',
    covers: 'resources.not-found.code',
  }),

  check('resources/not-found-invalid-params', {
    title: 'A missing resource is answered with -32602',
    must: 'answer a read of a resource that does not exist with error -32602',
    needs: { missing },
    revisions: '2026-07-28..',
    // The rule on empty contents has a check of its own.
    judge: ({ missing }) =>
      judgeMissing(missing, (asked) =>
        isEmpty(asked) ? notApplicable('it is answered with empty contents') : hasErrorCode(asked, -32602),
      ),
    fix: 'Answer -32602 with the URI in data; a gateway translates the -32002 of older upstreams.',
    covers: 'resources.not-found.code-2026',
  }),

  check('resources/not-found-empty', {
    title: 'A missing resource is not answered with empty contents',
    must: 'not answer a read of a resource that does not exist with an empty array of contents',
    needs: { missing },
    revisions: '2026-07-28..',
    judge: ({ missing }) =>
      judgeMissing(missing, (asked) =>
        answered(asked, () =>
          holdsIf(!isEmpty(asked), 'gives empty contents for a resource that does not exist', {
            expected: 'error -32602',
            actual: summaryOf(asked),
            exchange: asked,
          }),
        ),
      ),
    fix: 'Answer an error when nothing is there; empty contents mean that the resource is empty.',
    covers: 'resources.not-found.no-empty',
  }),

  check('resources/uri-validated', {
    title: 'What is no URI is refused',
    page: 'server/resources#security-considerations',
    must: 'validate all resource URIs, and refuse those it cannot serve',
    needs: { invalid },
    judge: ({ invalid: { before, tried, after } }) =>
      controlled([before, after], () =>
        each(tried, 'nothing was read', ({ what, exchange }) =>
          // Empty contents give nothing away; that they are ambiguous is another rule.
          isEmpty(exchange) ? holds : isRefused(exchange, `does not refuse a URI ${what}`),
        ),
      ),
    fix: 'Parse the URI, and look it up among what is offered, before anything is opened.',
    covers: 'resources.uri-validated',
  }),

  check('resources/traversal', {
    title: 'No path leads out of what is served',
    page: 'server/resources#security-considerations',
    must: 'validate URIs so that no path leads out of the directories that are served',
    needs: { traversed },
    judge: ({ traversed: { plain, tried } }) => {
      if (tried.length === 0) return notApplicable('the target offers no file:// resource')
      if (isSecret(plain)) return notApplicable('the target offers the whole file system')
      const out = tried.find(isSecret)
      if (out !== undefined)
        return broken('gives a file outside of what it serves', { expected: 'an error', actual: out.request.body, exchange: out })
      return each(tried, '', (exchange) => answered(exchange, () => holds))
    },
    fix: 'Resolve the path, links included, and compare it with the root before opening it.',
    covers: ['resources.traversal', 'resources.uri-validated'],
  }),
])
