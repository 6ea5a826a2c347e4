import { randomUUID } from 'node:crypto'
import {
  all,
  answered,
  check,
  type Exchange,
  each,
  headerOf,
  holdsIf,
  type Judgement,
  notApplicable,
  notTestable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { attempts } from './calls.ts'
import { answersFor, tenantClaim } from './claims.ts'
import { isResult, proven, showsNone, tellable } from './crossing.ts'
import { otherSide, pairOf, type Side, sharedBoth, sides, textOf } from './pair.ts'
import { foreignOf, tellingQuestions, type Views, views, viewsOf } from './views.ts'

/** One question asked by one tenant and then by the other, and how often the server behind the target heard of it. */
interface Asked {
  what: string
  first: Exchange
  second: Exchange
  heardOnce: number
  heardTwice: number
}

const throughCache = probe(
  'one question of two tenants to the scripted upstream',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { name } = await scriptedTool(context)
    const upstream = context.instruments.upstream!
    const clients = await sharedBoth(context)
    const called = async (what: string, order: readonly Side[], behaviour: Parameters<typeof upstream.script>[0]): Promise<Asked> => {
      const script = await upstream.script(behaviour)
      const params = { name, arguments: { script, text: 'assay-cached' } }
      const first = await clients[order[0]!].send('tools/call', params)
      const heardOnce = (await upstream.calls(script)).length
      const second = await clients[order[1]!].send('tools/call', params)
      return { what, first, second, heardOnce, heardTwice: (await upstream.calls(script)).length }
    }
    const failing = { error: { code: -32_050, message: 'assay-error' } }
    return {
      calls: [await called('a call', ['own', 'other'], {}), await called('a call', ['other', 'own'], {})],
      errors: [await called('an error', ['own', 'other'], failing), await called('an error', ['other', 'own'], failing)],
      reads: [await read(['own', 'other']), await read(['other', 'own'])],
    }

    async function read(order: readonly Side[]): Promise<Asked> {
      const uri = `scripted://note/${randomUUID()}`
      const seen = async () =>
        (await upstream.traffic()).filter(({ method, params }) => method === 'resources/read' && params?.uri === uri).length
      const first = await clients[order[0]!].send('resources/read', { uri })
      const heardOnce = await seen()
      const second = await clients[order[1]!].send('resources/read', { uri })
      return { what: 'a reading', first, second, heardOnce, heardTwice: await seen() }
    }
  },
)

/** What one tenant is refused, asked for again at once by the tenant that has it. */
const negative = probe('what one tenant is refused and another has', { requires: 'second tenant', over: 'http' }, async (context) => {
  const seen = await viewsOf(context)
  // Not at the same time: the same things are asked for there.
  await context.use(attempts)
  const clients = await sharedBoth(context)
  const { tools, resources } = foreignOf(seen)
  const asked = [
    ...tools.slice(0, 1).map((name) => ({ method: 'tools/call', params: { name, arguments: {} } as Record<string, unknown> })),
    ...resources.slice(0, 1).map((uri) => ({ method: 'resources/read', params: { uri } as Record<string, unknown> })),
  ]
  const pairs: { before: Exchange; refused: Exchange; after: Exchange }[] = []
  for (const { method, params } of asked) {
    const before = await clients.other.send(method, params)
    const refused = await clients.own.send(method, params)
    pairs.push({ before, refused, after: await clients.other.send(method, params) })
  }
  return pairs
})

const crowd = 50

/** Milliseconds one of a crowd may wait. */
const patience = 8_000

/** The same questions of both tenants, all at once, so that answers on their way could be shared. */
const crowded = probe('the same questions of two tenants at once', { requires: 'second tenant', over: 'http' }, async (context) => {
  const seen = await viewsOf(context)
  const questions = tellingQuestions(seen)
  const clients = await sharedBoth(context)
  if (questions.length === 0) return { words: seen.words, answers: [] }
  const answers = await Promise.all(
    Array.from({ length: crowd }, async (_, at) => {
      const side = sides[at % 2]!
      // Lists are what targets share most, and what costs them least.
      const { method, params } = (at % 10 < 2 ? questions.at(-1) : questions[0])!
      return { side, answer: await clients[side].send(method, params, { id: 700_000 + Math.floor(at / 2), deadline: patience }) }
    }),
  )
  return { words: seen.words, answers }
})

/** A cache by subject serves one person in two tenants the same. */
const bySubject = probe(
  'one subject in two tenants',
  { requires: ['second tenant', 'authorization', 'forging issuer'], over: 'http' },
  async (context) => {
    const [seen, claim] = [await viewsOf(context), await tenantClaim(context)]
    const questions = tellingQuestions(seen).slice(0, 1)
    if (claim === undefined || questions.length === 0) return null
    const issuer = context.instruments.issuer!
    const { other } = pairOf(context)
    const sub = `assay-${randomUUID()}`
    const ask = async (tenant: Record<string, unknown>) =>
      answersFor(context, await issuer.mint({ claims: { sub, ...tenant } }), questions, false)
    const own = await ask({})
    const elsewhere = await ask({ [claim]: other.tenant })
    return { words: seen.words, own, other: elsewhere, again: await ask({}) }
  },
)

const servedTwice = (asked: readonly Asked[], otherwise: string): Judgement =>
  all(
    asked.map(({ first, second, heardOnce, heardTwice }) =>
      answered(first, () =>
        answered(second, () => {
          if (heardOnce === 0) return notApplicable('the question did not reach the scripted upstream')
          return holdsIf(heardTwice > heardOnce, otherwise, {
            expected: 'the server behind the target is asked for each tenant',
            actual: `it was asked ${heardTwice === 1 ? 'once' : `${heardTwice} times`}, for the tenant that asked first; the other got ${summaryOf(second)}`,
            exchange: second,
          })
        }),
      ),
    ),
  )

const cacheable = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read']

/** Answers to one question that differ between the tenants, and say that they may be shared. */
function scopes(seen: Views): Judgement {
  const differing = seen.readings.filter(({ side, key, method, answers }) => {
    const theirs = seen.readings.find((reading) => reading.key === key && reading.side === otherSide(side))
    return cacheable.includes(method) && theirs !== undefined && textOf(answers.map(resultOf)) !== textOf(theirs.answers.map(resultOf))
  })
  const telling = differing.filter(({ side, answers }) => seen.words[side].some((word) => textOf(answers.map(resultOf)).includes(word)))
  return each(telling, 'two tenants get the same answers', ({ answers }) =>
    proven(answers, () =>
      all(
        answers.map((answer) =>
          holdsIf(resultOf(answer)?.cacheScope !== 'public', 'lets caches share an answer that differs from tenant to tenant', {
            expected: '"cacheScope": "private"',
            actual: `"cacheScope": ${JSON.stringify(resultOf(answer)?.cacheScope)}`,
            exchange: answer,
          }),
        ),
      ),
    ),
  )
}

const shareable = /(^|[,\s])(public|s-maxage\s*=\s*"?[1-9])/i

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-524', 'CWE-488', 'CWE-349', 'API1:2023', 'MCP10:2025', 'LLM02:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/cached-call', {
      requires: 'scripted upstream',
      title: 'The result of a call is not kept for another tenant',
      policy: 'make a call for each tenant that makes it, and answer none from the result of another',
      needs: { throughCache },
      judge: ({ throughCache: { calls } }) => servedTwice(calls, 'answers the call of a tenant with the result another got'),
      fix: 'Do not cache calls; if it must be, then by tenant, user, tool and arguments.',
      covers: 'tenant.call-isolation',
    }),

    check('tenants/cached-reading', {
      revisions: '2024-11-05..2025-11-25',
      requires: ['scripted upstream', 'resources'],
      title: 'What was read for one tenant is not given to another',
      policy: 'read a private resource for each tenant, and answer none with the contents another got',
      needs: { throughCache },
      judge: ({ throughCache: { reads } }) => servedTwice(reads, 'answers the reading of a tenant with the contents another got'),
      fix: 'Keep contents by tenant and user as well as by URI, or not at all.',
      covers: 'tenant.resource-isolation',
    }),

    check('tenants/private-reading', {
      spec: 'mcp',
      page: 'server/utilities/caching#cache-scope-field',
      revisions: '2026-07-28',
      requires: ['scripted upstream', 'resources'],
      title: 'What a server calls private is kept for one tenant at most',
      must: 'not share cached answers that are private across authorization contexts',
      needs: { throughCache },
      judge: ({ throughCache: { reads } }) => servedTwice(reads, 'answers the reading of a tenant with the private contents another got'),
      fix: 'Keep private answers by access token or identity as well as by URI, or not at all.',
      covers: ['tenant.resource-isolation', 'cache.private-not-shared'],
    }),

    check('tenants/cache-scope', {
      spec: 'mcp',
      page: 'server/utilities/caching#cache-scope-field',
      revisions: '2026-07-28',
      title: 'Answers that differ from tenant to tenant are private',
      must: 'mark no answer as public that contains data of one tenant',
      needs: { views },
      judge: ({ views }) => tellable(views, () => scopes(views)),
      fix: 'Set cacheScope to private wherever the answer depends on the token.',
      covers: ['cache.private-not-shared', 'cache.access-control'],
    }),

    check('tenants/cached-error', {
      requires: 'scripted upstream',
      title: 'The error of one tenant is not kept for another',
      policy: 'answer none with an error that another tenant got',
      needs: { throughCache },
      judge: ({ throughCache: { errors } }) => servedTwice(errors, 'answers the call of a tenant with the error another got'),
      fix: 'Do not cache errors, or keep them by tenant.',
    }),

    check('tenants/cached-absence', {
      title: 'What one tenant does not have is still found for another',
      policy: 'find what a tenant has, also right after another was told that there is no such thing',
      needs: { negative },
      judge: ({ negative }) =>
        each(negative, 'the other tenant is listed nothing of its own that could be asked for', ({ before, refused, after }) =>
          proven([before], () =>
            isResult(refused)
              ? notApplicable('it is not refused, which another check judges')
              : answered(after, () =>
                  holdsIf(isResult(after), 'refuses a tenant its own because another was refused', {
                    expected: 'the answer of before',
                    actual: summaryOf(after),
                    exchange: after,
                  }),
                ),
          ),
        ),
      fix: 'Keep what was not found by tenant, or not at all.',
    }),

    check('tenants/shared-flight', {
      title: 'Answers on their way are not shared between tenants',
      policy: 'answer each tenant with its own, however many ask the same at once',
      weakness: ['CWE-362', 'CWE-488', 'API1:2023', 'MCP10:2025'],
      needs: { crowded },
      judge: ({ crowded: { words, answers } }) =>
        tellable({ words }, () =>
          each(answers, 'nothing that both may ask for shows whose it is', ({ side, answer }) =>
            showsNone(words[otherSide(side)], answer, 'that asks the same at the same time'),
          ),
        ),
      fix: 'Join requests only under a key that contains the tenant and the user.',
      covers: 'tenant.response-cross-wire',
    }),

    check('tenants/cached-subject', {
      requires: ['authorization', 'forging issuer'],
      revisions: '2025-03-26..',
      title: 'One subject in two tenants is two callers',
      policy: 'tell callers apart by issuer, tenant and subject together',
      needs: { bySubject },
      judge: ({ bySubject: seen }) => {
        if (seen === null) return notTestable('tokens of the forging issuer do not show whose they are here')
        if (!seen.other.some(isResult)) return notApplicable('the target accepts no other tenant from this issuer')
        return proven([...seen.own, ...seen.again], () =>
          all([
            ...seen.other.map((answer) => showsNone(seen.words.own, answer, 'to a subject of the same name')),
            ...[...seen.own, ...seen.again].map((answer) => showsNone(seen.words.other, answer, 'to a subject of the same name')),
          ]),
        )
      },
      fix: 'Put issuer, tenant and subject into every key that stands for a caller.',
      covers: 'cache.private-not-shared',
    }),

    check('tenants/shared-cache', {
      spec: 'rfc9111',
      page: '3.5',
      title: 'Answers to a token are kept from shared HTTP caches',
      policy: 'not let shared HTTP caches keep answers to requests with a token, by public or s-maxage',
      needs: { views },
      judge: ({ views: { readings } }) =>
        each(
          readings.flatMap(({ answers }) => answers),
          'nothing was answered',
          (answer) => {
            const control = headerOf(answer, 'cache-control') ?? ''
            return holdsIf(!shareable.test(control), 'lets shared caches keep what is for one tenant', {
              expected: 'Cache-Control: no-store, or private',
              actual: `Cache-Control: ${control}`,
              exchange: answer,
            })
          },
        ),
      fix: 'Send `Cache-Control: no-store` with every answer of the MCP endpoint.',
    }),
  ],
)
