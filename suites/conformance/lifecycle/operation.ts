import {
  all,
  broken,
  type Connection,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  holds,
  holdsIf,
  isNotification,
  type Judgement,
  notTestable,
  probe,
  requestsOf,
  resultOf,
  section,
  summaryOf,
  transcript,
  Unfit,
  type UnitFacts,
} from '../../../src/model/index.ts'
import { type Frame, framesOf, type Json, requestOf } from '../json-rpc/frames.ts'

interface Feature {
  /** Where the claim stands among the capabilities. */
  claim: string
  method: string
  params?: Record<string, unknown>
  /** Says of a result that the feature is really there: an empty list for one that is not is an idle answer, not a use of it. */
  shows?: (result: Json) => boolean
  /** First revision that has it. */
  since?: string
}

const lists = (member: string) => (result: Json) => Array.isArray(result[member]) && result[member].length > 0

/** What a claim stands for: requests that are harmless, most of them about things that do not exist. */
const features: Feature[] = [
  { claim: 'tools', method: 'tools/list', shows: lists('tools') },
  { claim: 'resources', method: 'resources/list', shows: lists('resources') },
  { claim: 'resources.subscribe', method: 'resources/unsubscribe', params: { uri: 'assay:///nowhere' } },
  { claim: 'prompts', method: 'prompts/list', shows: lists('prompts') },
  { claim: 'logging', method: 'logging/setLevel', params: { level: 'info' }, shows: () => true },
  {
    claim: 'completions',
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'assay-no-such-prompt' }, argument: { name: 'text', value: 'a' } },
    since: '2025-03-26',
  },
  { claim: 'tasks.list', method: 'tasks/list', since: '2025-11-25' },
]

const tried = probe('every feature, claimed or not', async ({ connect, revision }) => {
  const target: Connection = await connect()
  const before = await target.send('ping')
  const known = features.filter(({ since }) => since === undefined || since <= revision)
  const answers = await Promise.all(
    known.map(async (feature) => ({
      claim: feature.claim,
      claimed: isClaimed(target.capabilities, feature.claim),
      exchange: await target.send(feature.method, feature.params),
    })),
  )
  return { before, answers, after: await target.send('ping') }
})

const driven = probe('a tool call by a client without capabilities', { waits: true }, async ({ connect, tool, pause }) => {
  const call = await tool('any').catch((error: unknown) => {
    if (error instanceof Unfit) return error
    throw error
  })
  const target = await connect({ capabilities: {} })
  const stream = await target.listen()
  if (call instanceof Unfit) return { lack: call.message, answer: null, stream: stream.exchange }
  const answer = await target.send('tools/call', { name: call.name, arguments: call.arguments })
  await pause(100)
  return { lack: null, answer, stream: stream.exchange }
})

/** What a request of the server needs of its client. */
const asked: Record<string, string> = { 'roots/list': 'roots', 'sampling/createMessage': 'sampling', 'elicitation/create': 'elicitation' }

/** What a notification of the server needs it to have claimed. */
const announced: Record<string, string> = {
  'notifications/message': 'logging',
  'notifications/resources/updated': 'resources.subscribe',
  'notifications/resources/list_changed': 'resources.listChanged',
  'notifications/tools/list_changed': 'tools.listChanged',
  'notifications/prompts/list_changed': 'prompts.listChanged',
}

const own = {
  title: 'The server uses only what it has claimed',
  needs: { tried, transcript },
  judge: ({ tried: { before, answers, after }, transcript }: { tried: Tried; transcript: Exchange[] }, about: UnitFacts) =>
    controlled([before, after], () =>
      all([
        holds,
        ...answers.filter(({ claimed }) => !claimed).map(isNotOffered),
        ...unclaimed(transcript, about).map((frame) => isUnclaimed(frame, about)),
      ]),
    ),
  fix: 'Claim each feature that is offered, and answer -32601 to the methods of the others.',
  covers: 'lifecycle.capability.honest',
}

const clients = {
  title: 'The server asks a client only for what that has declared',
  needs: { driven, transcript },
  judge: ({ driven, transcript }: { driven: { lack: string | null; answer: Exchange | null }; transcript: Exchange[] }): Judgement => {
    const claims = clientClaims(transcript)
    const wrong = transcript.flatMap((exchange) =>
      requestsOf(exchange).flatMap((request) => (isUndeclared(request, claims.get(exchange.connection)) ? [{ request, exchange }] : [])),
    )
    const [first] = wrong
    if (first)
      return holdsIf(false, `sends ${first.request.method} to a client that has not declared it`, {
        expected: 'no such request',
        actual: first.request,
        exchange: first.exchange,
      })
    return driven.lack === null ? holds : notTestable(driven.lack)
  },
  fix: 'Look at the capabilities of the client before asking for roots, sampling or input.',
  covers: 'lifecycle.client-capability.respected',
}

export default [
  ...section({ spec: 'mcp', page: 'basic/lifecycle#initialization', revisions: '..2025-11-25' }, [
    check('lifecycle/claimed-features', {
      title: 'What the server claims is there',
      must: 'answer initialize with the capabilities it has',
      needs: { tried },
      judge: ({ tried: { before, answers, after } }) =>
        controlled([before, after], () =>
          each(
            answers.filter(({ claimed }) => claimed),
            'the target claims no feature',
            ({ claim, exchange }) =>
              holdsIf(errorOf(exchange)?.code !== -32601, `claims ${claim} and does not know its method`, {
                expected: 'anything but error -32601',
                actual: summaryOf(exchange),
                exchange,
              }),
          ),
        ),
      fix: 'Derive the capabilities from the handlers that are there.',
      covers: 'lifecycle.capability.honest',
    }),
  ]),

  ...section({ spec: 'mcp', page: 'basic/lifecycle#operation', revisions: '2025-06-18..2025-11-25' }, [
    check('lifecycle/unclaimed-features', { must: 'use only capabilities that were negotiated', ...own }),
    check('lifecycle/undeclared-requests', { must: 'use only capabilities of the client that were negotiated', ...clients }),
  ]),

  // Up to 2025-03-26 the same sentence says SHOULD.
  ...section({ spec: 'mcp', page: 'basic/lifecycle#operation', revisions: '..2025-03-26' }, [
    check('lifecycle/unclaimed-features-early', { should: 'use only capabilities that were negotiated', ...own }),
    check('lifecycle/undeclared-requests-early', { should: 'use only capabilities of the client that were negotiated', ...clients }),
  ]),
]

interface Tried {
  before: Exchange
  answers: { claim: string; claimed: boolean; exchange: Exchange }[]
  after: Exchange
}

function isClaimed(capabilities: Record<string, unknown>, claim: string): boolean {
  const value = claim.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], capabilities)
  return value !== undefined && value !== null && value !== false
}

function isNotOffered({ claim, exchange }: Tried['answers'][number]): Judgement {
  const result = resultOf(exchange)
  const shows = features.find((feature) => feature.claim === claim)?.shows
  const offered = result !== undefined && (shows?.(result) ?? false)
  return holdsIf(!offered, `offers ${claim} without claiming it`, { expected: 'error -32601', actual: summaryOf(exchange), exchange })
}

const unclaimed = (transcript: Exchange[], about: UnitFacts): Frame[] =>
  framesOf(transcript, about).filter(({ inForce, message }) => {
    const needed = inForce && isNotification(message) ? announced[String(message.method)] : undefined
    return needed !== undefined && !isClaimed(about.capabilities, needed)
  })

const isUnclaimed = ({ message, exchange }: Frame, about: UnitFacts): Judgement => {
  const needed = announced[String(message.method)]
  return broken(`sends ${message.method} without claiming ${needed}`, {
    expected: `the ${needed} capability`,
    actual: about.capabilities,
    exchange,
  })
}

/** Capabilities by connection, as its first initialize declared them. */
function clientClaims(transcript: Exchange[]): Map<number, Record<string, unknown>> {
  const claims = new Map<number, Record<string, unknown>>()
  for (const exchange of transcript) {
    const { request, connection } = exchange
    if (connection === 0 || request.rpc?.method !== 'initialize' || claims.has(connection)) continue
    const params = requestOf(exchange)?.params as { capabilities?: Json } | undefined
    if (params?.capabilities !== undefined) claims.set(connection, params.capabilities)
  }
  return claims
}

function isUndeclared({ method }: Record<string, unknown>, declared: Record<string, unknown> | undefined): boolean {
  const needed = asked[method as string]
  return needed !== undefined && declared !== undefined && declared[needed] === undefined
}
