import {
  all,
  broken,
  check,
  type Exchange,
  each,
  holds,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { proven, showsNone, tellable } from './crossing.ts'
import { otherSide, sharedBoth, textOf } from './pair.ts'
import { type Foreign, foreignOf, type Question, type Views, views, viewsOf } from './views.ts'

export interface Attempt {
  /** The name or URI. */
  name: string
  question: Question
  /** As the tenant that has it. */
  rightly: Exchange
  /** As the other. */
  wrongly: Exchange
  /** The same for something nobody has. */
  absent: Exchange
}

export interface Attempts {
  words: Views['words']
  tools: Attempt[]
  resources: Attempt[]
  prompts: Attempt[]
}

export const questionFor: Record<keyof Foreign, (name: string) => Question> = {
  tools: (name) => ({ method: 'tools/call', params: { name, arguments: {} } }),
  resources: (uri) => ({ method: 'resources/read', params: { uri } }),
  prompts: (name) => ({ method: 'prompts/get', params: { name } }),
}

/** A name of the same length and kind that nobody has. */
export const twinOf = (name: string): string => {
  const twin = name.replace(/[a-z]{4,}(?=[^a-z]*(\.[a-z0-9]{1,4})?$)/i, (run) => 'q'.repeat(run.length))
  return twin === name ? `${name}q` : twin
}

/** Asks for what only the other tenant has. The name is known: whether it is found must not depend on that. */
export const attempts = probe(
  'what only another tenant has, asked for by name',
  { requires: 'second tenant', over: 'http' },
  async (context): Promise<Attempts> => {
    const seen = await viewsOf(context)
    const foreign = foreignOf(seen)
    const [tools, resources, prompts] = await Promise.all([
      attempt(context, 'tools', foreign),
      attempt(context, 'resources', foreign),
      attempt(context, 'prompts', foreign),
    ])
    return { words: seen.words, tools, resources, prompts }
  },
)

async function attempt(context: ProbeContext, kind: keyof Foreign, foreign: Foreign): Promise<Attempt[]> {
  if (foreign[kind].length === 0) return []
  const { own, other } = await sharedBoth(context)
  return Promise.all(
    foreign[kind].map(async (name) => {
      const [question, twin] = [questionFor[kind](name), questionFor[kind](twinOf(name))]
      // Before anybody has it in a cache, and after its owner has.
      const first = await own.send(question.method, question.params)
      const rightly = await other.send(question.method, question.params)
      const second = await own.send(question.method, question.params)
      const absent = await own.send(twin.method, twin.params)
      return { name, question, rightly, wrongly: resultOf(first) === undefined ? second : first, absent }
    }),
  )
}

const noneOf = (what: string) => `the other tenant is listed no ${what} of its own that could be tried`

/** Neither the words of the other tenant, nor the very answer it gets. */
const kept =
  (kind: keyof Foreign, what: string) =>
  ({ attempts }: { attempts: Attempts }): Judgement =>
    each(attempts[kind], noneOf(what), ({ rightly, wrongly }) =>
      proven([rightly], () => {
        const result = resultOf(wrongly)
        const same = result !== undefined && result.isError !== true && textOf(result) === textOf(resultOf(rightly))
        const copied = same
          ? broken(`gives a tenant what only another has: a ${what} by its name`, {
              expected: 'an error, as for something that does not exist',
              actual: summaryOf(wrongly),
              exchange: wrongly,
            })
          : holds
        return copied.and(showsNone(attempts.words.other, wrongly, 'to whoever knows its name'))
      }),
    )

/** What both may ask for answers each with its own. */
const own =
  (method: string, what: string) =>
  ({ views: seen }: { views: Views }): Judgement => {
    const keys = (side: string) => new Set(seen.readings.filter((reading) => reading.side === side).map(({ key }) => key))
    const [mine, theirs] = [keys('own'), keys('other')]
    const shared = seen.readings.filter((reading) => reading.method === method && mine.has(reading.key) && theirs.has(reading.key))
    const answers = shared
      .flatMap(({ side, answers }) => answers.map((answer) => ({ side, answer })))
      .filter(({ answer }) => resultOf(answer))
    if (answers.length === 0) return notApplicable(`no ${what} is there for both tenants`)
    return tellable(seen, () => all(answers.map(({ side, answer }) => showsNone(seen.words[otherSide(side)], answer))))
  }

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-639', 'CWE-862', 'API1:2023', 'API5:2023', 'MCP10:2025', 'LLM06:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/foreign-tool', {
      requires: 'tools',
      title: 'A tool of another tenant cannot be called',
      policy: 'refuse a call of a tool that only another tenant has, whether or not it is listed',
      needs: { attempts },
      judge: kept('tools', 'tool'),
      fix: 'Look tools up among those of the tenant, in a call as in the list.',
      covers: 'tenant.call-isolation',
    }),

    check('tenants/foreign-resource', {
      requires: 'resources',
      title: 'A resource of another tenant cannot be read',
      policy: 'refuse to read a resource that only another tenant has, whoever knows its URI',
      needs: { attempts },
      judge: kept('resources', 'resource'),
      fix: 'Look resources up among those of the tenant; a URI is a name and no permission.',
      covers: ['tenant.resource-isolation', 'cache.access-control'],
    }),

    check('tenants/foreign-prompt', {
      requires: 'prompts',
      title: 'A prompt of another tenant cannot be had',
      policy: 'refuse a prompt that only another tenant has',
      needs: { attempts },
      judge: kept('prompts', 'prompt'),
      fix: 'Look prompts up among those of the tenant.',
      covers: 'tenant.call-isolation',
    }),

    check('tenants/shared-resource', {
      requires: 'resources',
      title: 'A resource of one name has the contents of the tenant that reads it',
      policy: 'answer the reading of a URI that several tenants have with the contents of the one that reads',
      needs: { views },
      judge: own('resources/read', 'resource'),
      fix: 'Choose the contents by the tenant of the token, not by the URI alone.',
      covers: 'tenant.resource-isolation',
    }),

    check('tenants/shared-tool', {
      requires: 'tools',
      title: 'A tool of one name works on the data of the tenant that calls it',
      policy: 'answer a call from the data of the tenant that makes it',
      needs: { views },
      judge: own('tools/call', 'tool without arguments that only reads'),
      fix: 'Hand the tenant of the token to the server behind each call, and let it choose the data by that alone.',
      covers: 'tenant.call-isolation',
    }),
  ],
)
