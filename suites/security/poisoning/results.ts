import {
  broken,
  check,
  type Exchange,
  errorOf,
  holds,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  transcript,
  Unfit,
} from '../../../src/model/index.ts'
import { leakIn } from './addresses.ts'
import { smuggledIn } from './characters.ts'
import { type Json, visible } from './told.ts'
import { instructionIn } from './words.ts'

/** Resources and prompts that are read. */
const most = 5

/** One answer of every kind a model gets, so that there is something to be judged whatever else is run. */
const answers = probe('answers of every kind', async ({ session, tool, catalogue }: ProbeContext) => {
  const [connection, { tools, resources, prompts }] = [await session(), await catalogue()]
  const called = await Promise.all((['any', 'failing'] as const).map((role) => tool(role).catch(unlessUnfit)))
  const calls = called.filter((call) => call !== undefined).map(({ name, arguments: given }) => ({ name, arguments: given }))
  const unknown = tools.pages.length > 0 ? [{ name: 'assay_unknown_tool', arguments: {} }] : []
  const plain = prompts.items.filter(({ arguments: wanted }) => !wanted?.some(({ required }) => required))
  return Promise.all([
    ...[...calls, ...unknown].map((call) => connection.send('tools/call', call)),
    ...resources.items.slice(0, most).map(({ uri }) => connection.send('resources/read', { uri })),
    ...plain.slice(0, most).map(({ name }) => connection.send('prompts/get', { name })),
  ])
})

function unlessUnfit(error: unknown): undefined {
  if (!(error instanceof Unfit)) throw error
}

const answering = new Set(['tools/call', 'resources/read', 'prompts/get'])

/** Characters of one answer that are looked at. */
const longest = 100_000

const methodOf = ({ request }: Exchange): string => request.rpc?.method ?? ''

// What the harness itself has sent, or has had an upstream say, is not the doing of the target.
const isOurs = ({ request: { body } }: Exchange, text: string): boolean => {
  if (body === undefined) return false
  return body.includes('"script"') || body.includes(JSON.stringify(text.slice(0, 40)).slice(1, -1))
}

/** The texts of a value, joined; what is base64 by its place is left out. */
function textOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value.slice(0, longest)
  if (typeof value !== 'object' || value === null || depth > 12) return ''
  const entries = Object.entries(value as Json).filter(([name]) => name !== 'blob' && name !== 'data' && name !== '_meta')
  return entries
    .map(([, inner]) => textOf(inner, depth + 1))
    .join('\n')
    .slice(0, longest)
}

/** Judges the text of every answer of a kind that the run has seen. */
function judgedAnswers(
  exchanges: readonly Exchange[],
  none: string,
  answerOf: (exchange: Exchange) => unknown,
  faultOf: (text: string) => string | undefined,
): Judgement {
  const answers = exchanges.map((exchange) => ({ exchange, text: textOf(answerOf(exchange)) })).filter(({ text }) => text !== '')
  if (answers.length === 0) return notApplicable(none)
  for (const { exchange, text } of answers) {
    const fault = faultOf(text)
    if (fault === undefined || isOurs(exchange, text)) continue
    return broken(`the answer to ${methodOf(exchange)} ${visible(fault)}`, { expected: 'data', actual: visible(fault), exchange })
  }
  return holds
}

const results = (faultOf: (text: string) => string | undefined) => ({
  needs: { exchanges: transcript, answers },
  judge: ({ exchanges }: { exchanges: Exchange[] }) =>
    judgedAnswers(
      exchanges.filter((exchange) => answering.has(methodOf(exchange))),
      'the run has called no tool and read nothing',
      resultOf,
      faultOf,
    ),
})

export default section(
  {
    spec: 'mcp',
    page: 'server/tools#security-considerations',
    revisions: '2025-03-26..',
    threat: 'tool-poisoning',
    weakness: ['CWE-1427', 'MCP06:2025', 'LLM01:2025'],
  },
  [
    check('poisoning/result-instruction', {
      ...results(instructionIn),
      title: 'Results give no orders behind the back of the user',
      policy: 'sanitise its outputs: no result sets instructions aside, or asks for secrecy or credentials',
      fix: 'Mark what comes from elsewhere as data, and have the gateway look for instructions in it.',
    }),

    check('poisoning/error-instruction', {
      needs: { exchanges: transcript, answers },
      judge: ({ exchanges }) => judgedAnswers(exchanges, 'the run has met no error', errorOf, instructionIn),
      title: 'Errors give no orders behind the back of the user',
      policy: 'sanitise its errors: none tells the model to set instructions aside, or to come back with credentials',
      fix: 'Say in errors what was wrong with the request, and nothing else.',
    }),

    check('poisoning/result-characters', {
      ...results(smuggledIn),
      title: 'Results smuggle no text in invisible characters',
      policy: 'sanitise its outputs: no result holds text in tag characters or in runs of variation selectors',
      weakness: ['CWE-451', 'MCP06:2025', 'LLM01:2025'],
      fix: 'Strip tag characters and repeated variation selectors from results at the gateway.',
    }),

    check('poisoning/result-address', {
      ...results(leakIn),
      title: 'Results name no address to be filled with what was said',
      policy: 'sanitise its outputs: no result holds an address into which a model is to write conversations, prompts or secrets',
      weakness: ['CWE-200', 'MCP06:2025', 'LLM02:2025'],
      fix: 'Remove such addresses at the gateway, and let clients show no images of unknown hosts.',
    }),
  ],
)
