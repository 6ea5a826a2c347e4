import { broken, check, type Exchange, holdsWith, inconclusive, probe, resultOf, section } from '../../../src/model/index.ts'
import { wordIn } from './crossing.ts'
import { connectBoth, heard, otherSide, sides, textOf } from './pair.ts'
import { type Question, tellingQuestions, viewsOf } from './views.ts'

const race = { calls: 20_000, atOnce: 48, within: 60_000 }

/** Below this many trials nothing is said. */
const fewest = 1_000

/** Of so many calls one is an echo, which tells by its own text; the others tell by words of the tenant. */
const echoEvery = 10

/** Sessions of each tenant, so that neither can be told by its connection alone. */
const connections = 3

const crossings = probe(
  'interleaved calls of two tenants',
  { requires: ['second tenant', 'echo tool', 'newest revision'], over: 'http', alone: true, disruptive: true, deadline: 90_000 },
  async (context) => {
    const { words, ...seen } = await viewsOf(context)
    const echo = await context.tool('echo')
    const questions = tellingQuestions({ words, ...seen }).slice(0, 1)
    const clients = await Promise.all(Array.from({ length: connections }, () => connectBoth(context)))
    const marks = new Map<number, string>()
    let crossed: Exchange | null = null
    let answered = 0

    const sideOf = (number: number) => sides[number % 2]!
    const questionOf = (number: number): Question => {
      const question = questions[Math.floor(number / 2) % (questions.length || 1)]
      if (question !== undefined && number % echoEvery !== 0 && number % echoEvery !== 1) return question
      const mark = `assay-race-${sideOf(number)}-${number}.`
      marks.set(number, mark)
      return { method: 'tools/call', params: { name: echo.name, arguments: { ...echo.arguments, [echo.echoes!]: mark } } }
    }
    const storm = await context.storm({
      ...race,
      send: (number, options) => {
        const { method, params } = questionOf(number)
        return clients[number % connections]![sideOf(number)].send(method, params, options)
      },
      look: (exchange, number) => {
        const mark = marks.get(number)
        marks.delete(number)
        if (resultOf(exchange) === undefined) return 'fine'
        answered += 1
        if (!isCrossed(exchange, mark, words[otherSide(sideOf(number))])) return 'fine'
        crossed ??= exchange
        return 'stop'
      },
    })
    return { sent: storm.sent, took: storm.took, answered, crossed: crossed as Exchange | null, kept: storm.kept }
  },
)

/** A text of another call, or words of the other tenant. */
function isCrossed(exchange: Exchange, mark: string | undefined, foreign: readonly string[]): boolean {
  if (mark === undefined) return wordIn(foreign, exchange) !== undefined
  const found = /assay-race-\w+-\d+\./.exec(textOf(resultOf(exchange)))
  return found !== null && found[0] !== mark
}

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: 'all',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-362', 'CWE-488', 'API1:2023', 'MCP10:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/race', {
      requires: ['echo tool', 'newest revision'],
      title: 'No answer goes astray in a crowd',
      policy: 'answer each of many interleaved calls of two tenants with its own result',
      needs: { crossings },
      judge: ({ crossings: { sent, took, answered, crossed } }) => {
        if (crossed !== null)
          return broken(`gives a tenant the answer of another: once in ${answered} answers`, {
            expected: 'the text of the call itself, and nothing of the other tenant',
            actual: heard(crossed).trim().slice(0, 300),
            exchange: crossed,
          })
        const trials = `${answered} answers to ${sent} interleaved calls within ${took} ms`
        if (answered < fewest) return inconclusive(`${trials}, none crossed: too few, at least ${fewest} are needed`)
        // The rule of three: the upper bound at 95 % where nothing was seen.
        return holdsWith(`${trials}, none crossed: with 95 % confidence at most ${((3 / answered) * 100).toPrecision(2)} % do`)
      },
      fix: 'Keep nothing of a request where another can reach it: no module-wide state, no buffer used again, no key without tenant and id.',
      covers: 'tenant.response-cross-wire',
    }),
  ],
)
