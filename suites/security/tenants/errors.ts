import {
  broken,
  check,
  type Exchange,
  each,
  errorOf,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  probe,
  resultOf,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { type Attempt, type Attempts, attempts, questionFor, twinOf } from './calls.ts'
import { isRefusal, proven, tellable } from './crossing.ts'
import { heard, sharedBoth } from './pair.ts'
import { foreignOf, itemsOf, viewsOf } from './views.ts'

/** Pairs of requests timed, and the milliseconds by which quartiles must lie apart to be told apart over a network. */
const timed = 12
const apart = 20

const timing = probe(
  'how long it takes to refuse what another tenant has',
  { requires: 'second tenant', over: 'http', alone: true },
  async (context) => {
    const foreign = foreignOf(await viewsOf(context))
    const [kind, name] =
      foreign.tools[0] !== undefined ? (['tools', foreign.tools[0]] as const) : (['resources', foreign.resources[0]] as const)
    if (name === undefined) return { name: null, existing: [], absent: [], sample: null }
    const { own } = await sharedBoth(context)
    const took: Record<'existing' | 'absent', number[]> = { existing: [], absent: [] }
    let sample: Exchange | null = null
    for (let at = 0; at < timed; at += 1) {
      for (const [which, asked] of [
        ['existing', name],
        ['absent', twinOf(name)],
      ] as const) {
        const question = questionFor[kind](asked)
        const exchange = await own.send(question.method, question.params)
        took[which].push(exchange.ended - exchange.started)
        if (which === 'existing') sample = exchange
      }
    }
    return { name, ...took, sample }
  },
)

const quartile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0

/** Every error the unit's own tenant could provoke without doing harm. */
const provoked = probe('errors about what another tenant has', { requires: 'second tenant', over: 'http' }, async (context) => {
  const seen = await viewsOf(context)
  const { own } = await sharedBoth(context)
  const answers: { exchange: Exchange; sent: string[] }[] = []
  const ask = async (method: string, params: Record<string, unknown>, ...sent: string[]) =>
    answers.push({ exchange: await own.send(method, params), sent })
  const foreign = foreignOf(seen)
  for (const name of foreign.tools) await ask('tools/call', { name, arguments: { assay: 1 } }, name)
  for (const uri of foreign.resources) {
    await ask('resources/read', { uri }, uri)
    await ask('completion/complete', { ref: { type: 'ref/resource', uri }, argument: { name: 'assay', value: '' } }, uri)
  }
  for (const name of foreign.prompts) await ask('prompts/get', { name, arguments: { assay: '1' } }, name)
  // A name cut short, of which a helpful target might think that it knows what was meant.
  for (const { name } of itemsOf(seen.readings, 'other', 'tools/list').filter(({ name }) => foreign.tools.includes(String(name))))
    await ask('tools/call', { name: String(name).slice(0, -1), arguments: {} }, String(name).slice(0, -1))
  // A tenant of a common name may be spoken of without being meant.
  const { tenant } = seen.pair.other
  const known = seen.readings.some(({ side, answers }) => side === 'own' && answers.some((answer) => heard(answer).includes(tenant)))
  return { names: known || tenant.length < 5 ? seen.words.other : [...seen.words.other, tenant], words: seen.words, answers }
})

/** What an error says, with the name that was asked for taken out. */
const shapeOf = (exchange: Exchange, name: string): string => {
  const error = errorOf(exchange)
  const told = error === undefined ? resultOf(exchange) : { code: error.code, message: error.message, data: error.data }
  const text = JSON.stringify([statusOf(exchange), told ?? null])
  return [name, JSON.stringify(name).slice(1, -1), encodeURI(name)].reduce((left, spelt) => left.replaceAll(spelt, '…'), text)
}

const sameShape = ({ name, wrongly, absent }: Attempt): Judgement => {
  if (!isRefusal(wrongly) || !isRefusal(absent)) return notApplicable('it is not refused, which another check judges')
  const [existing, missing] = [shapeOf(wrongly, name), shapeOf(absent, twinOf(name))]
  return holdsIf(existing === missing, 'tells by its error that something exists for another tenant', {
    expected: missing,
    actual: existing,
    exchange: wrongly,
  })
}

const attempted = (tried: Attempts): Attempt[] => [...tried.tools, ...tried.resources, ...tried.prompts]

const nothingForeign = 'the other tenant is listed nothing of its own that could be asked for'

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-204', 'CWE-209', 'API1:2023', 'API8:2023', 'MCP10:2025'],
    threat: 'exposed-internals',
  },
  [
    check('tenants/existence', {
      title: 'What another tenant has is refused like what nobody has',
      policy: 'answer what only another tenant has with the same status, code and text as what does not exist',
      needs: { attempts },
      judge: ({ attempts }) => each(attempted(attempts), nothingForeign, (attempt) => proven([attempt.rightly], () => sameShape(attempt))),
      fix: 'Look up among what the tenant has, so that there is nothing to be forbidden: it is not found.',
      covers: 'tenant.error-oracle',
    }),

    check('tenants/existence-timing', {
      weakness: ['CWE-208', 'API1:2023', 'MCP10:2025'],
      title: 'It takes no longer to refuse what another tenant has',
      policy: 'refuse what only another tenant has in the time it takes to refuse what does not exist',
      needs: { timing },
      judge: ({ timing: { name, existing, absent, sample } }) => {
        if (name === null || sample === null) return notApplicable(nothingForeign)
        if (!isRefusal(sample)) return notApplicable('it is not refused, which another check judges')
        const slower = quartile(existing, 0.25) > quartile(absent, 0.75) + apart
        const quicker = quartile(absent, 0.25) > quartile(existing, 0.75) + apart
        const of = (times: readonly number[]) => `${Math.round(quartile(times, 0.5))} ms`
        return holdsIf(!slower && !quicker, 'tells by the time it takes that something exists for another tenant', {
          expected: `about ${of(absent)}, as for what does not exist`,
          actual: `${of(existing)}, medians of ${existing.length}`,
          exchange: sample,
        })
      },
      fix: 'Decide by the tenant before anything is looked up, fetched or called.',
      covers: 'tenant.error-oracle',
    }),

    check('tenants/error-text', {
      weakness: ['CWE-209', 'API8:2023', 'MCP10:2025', 'LLM02:2025'],
      title: 'Errors name no other tenant',
      policy: 'keep names and data of other tenants out of its errors',
      needs: { provoked },
      judge: ({ provoked: { names, words, answers } }) =>
        tellable({ words }, () => each(answers, nothingForeign, ({ exchange, sent }) => namesNobody(exchange, sent, names))),
      fix: 'Say what was asked for and that there is none; suggest only what the tenant may see.',
      covers: 'tenant.error-oracle',
    }),
  ],
)

function namesNobody(exchange: Exchange, sent: readonly string[], names: readonly string[]): Judgement {
  if (!isRefusal(exchange)) return notApplicable('it is not refused, which another check judges')
  const text = sent.reduce((left, each) => left.replaceAll(wholeOf(each), '…'), heard(exchange))
  const name = names.find((each) => text.includes(each))
  if (name === undefined) return holds
  return broken('tells about another tenant in an error', { expected: 'an error about the request alone', actual: name, exchange })
}

/** The text where it does not go on as a longer name. */
const wholeOf = (text: string): RegExp => new RegExp(`${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?!\\w)`, 'g')
