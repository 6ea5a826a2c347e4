import { all, check, each, type Facility, type Judgement, probe, section } from '../../../src/model/index.ts'
import { proven, showsNone, tellable } from './crossing.ts'
import { otherSide, type Side, sharedBoth, sides } from './pair.ts'
import { foreignOf, itemsOf, type Views, views, viewsOf } from './views.ts'

/** What is completed: an argument of a prompt, or a variable of a template. */
interface Completion {
  ref: Record<string, unknown>
  argument: string
}

const mostCompletions = 6

const completions = probe(
  'completions asked for by two tenants',
  { requires: ['second tenant', 'completions'], over: 'http' },
  async (context) => {
    const seen = await viewsOf(context)
    const clients = await sharedBoth(context)
    const asked = sides.flatMap((side) =>
      completable(seen, side).flatMap((each) => startsFor(seen, side).map((value) => ({ side, value, ...each }))),
    )
    const answers = await Promise.all(
      asked.map(async ({ side, ref, argument, value }) => ({
        side,
        answer: await clients[side].send('completion/complete', { ref, argument: { name: argument, value } }),
      })),
    )
    return { words: seen.words, answers }
  },
)

function completable({ readings }: Views, side: Side): Completion[] {
  const prompts = itemsOf(readings, side, 'prompts/list').flatMap(({ name, arguments: given }) =>
    ((given ?? []) as { name: string }[]).map((argument) => ({ ref: { type: 'ref/prompt', name }, argument: argument.name })),
  )
  const templates = itemsOf(readings, side, 'resources/templates/list').flatMap(({ uriTemplate }) =>
    [...String(uriTemplate).matchAll(/\{[+#./;?&]?(\w+)/g)].map(([, variable]) => ({
      ref: { type: 'ref/resource', uri: uriTemplate },
      argument: variable!,
    })),
  )
  return [...templates, ...prompts].slice(0, mostCompletions)
}

/** Nothing yet, and what a thing of the other tenant begins with. */
function startsFor(seen: Views, side: Side): string[] {
  const [uri] = side === 'own' ? foreignOf(seen).resources : []
  const path = uri?.replace(/^[\w+.-]+:\/*/, '')
  return path === undefined ? [''] : ['', path.slice(0, Math.ceil(path.length / 2))]
}

/** Every page of a list, and none of the other tenant's words in it. */
const disjoint =
  (method: string) =>
  (evidence: { views: Views }): Judgement => {
    const { readings, words } = evidence.views
    const listed = readings.filter((reading) => reading.method === method)
    return tellable(evidence.views, () =>
      each(listed, `the target has no ${method}`, ({ side, answers }) =>
        proven(answers, () => all(answers.map((answer) => showsNone(words[otherSide(side)], answer)))),
      ),
    )
  }

const list = (noun: string, method: string, requires: Facility) => ({
  requires,
  title: `Each tenant is listed its own ${noun}`,
  policy: `list to each tenant no ${noun} that only another has`,
  needs: { views },
  judge: disjoint(method),
  fix: `Filter the ${noun} by the tenant of the verified token before they are listed, and keep cached lists by tenant.`,
  covers: 'tenant.list-isolation',
})

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-639', 'CWE-668', 'CWE-200', 'API1:2023', 'MCP10:2025', 'LLM02:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/tools', list('tools', 'tools/list', 'tools')),
    check('tenants/prompts', list('prompts', 'prompts/list', 'prompts')),
    check('tenants/resources', list('resources', 'resources/list', 'resources')),
    check('tenants/templates', list('resource templates', 'resources/templates/list', 'resources')),

    check('tenants/completions', {
      spec: 'mcp',
      page: 'server/utilities/completion#security',
      requires: 'completions',
      title: 'Completions tell nothing of another tenant',
      must: 'prevent that completions disclose what the caller may not see',
      needs: { completions },
      judge: ({ completions: { words, answers } }) =>
        tellable({ words }, () =>
          each(answers, 'nothing can be completed', ({ side, answer }) => showsNone(words[otherSide(side)], answer, 'as a completion')),
        ),
      fix: 'Complete from what the tenant of the token may see, and from nothing else.',
      covers: ['completion.no-disclosure', 'tenant.list-isolation'],
    }),
  ],
)
