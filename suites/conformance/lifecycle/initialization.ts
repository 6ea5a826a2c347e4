import { validateResult } from '../../../src/model/frames/index.ts'
import {
  broken,
  check,
  controlled,
  type Exchange,
  each,
  hasResult,
  holds,
  holdsIf,
  isRefused,
  type Judgement,
  notApplicable,
  probe,
  requestsOf,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'

const opening = probe('the opening of a connection', async ({ session }) => ({ opening: (await session()).opening }))

/** What a server may be tempted to ask for. */
const willing = { roots: { listChanged: true }, sampling: {}, elicitation: {} }

/** Milliseconds for which `initialized` is held back. */
const held = 300

const quiet = probe('a client that holds initialized back', { waits: true }, async ({ connect, pause }) => {
  const target = await connect({ hold: true, capabilities: willing })
  const stream = await target.listen()
  await pause(held)
  return { opening: target.opening, stream: stream.exchange }
})

const early = probe('a request before initialize', { over: 'http', requires: 'sessions' }, async ({ session }) => {
  const target = await session()
  const bare = { headers: { 'Mcp-Session-Id': null } }
  const method = 'tools' in target.capabilities ? 'tools/list' : 'resources' in target.capabilities ? 'resources/list' : 'prompts/list'
  const before = await target.send(method)
  return { before, request: await target.send(method, undefined, bare), after: await target.send(method) }
})

const twice = probe('a second initialized and a second initialize on a session', async ({ connect, revision }) => {
  const target = await connect()
  const before = await target.send('ping')
  const confirmed = await target.notify('notifications/initialized')
  const between = await target.send('ping')
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'assay', version: '0.1.0' } }
  const initialized = await target.send('initialize', params)
  const session = initialized.response?.headers['mcp-session-id']
  if (session !== undefined && session !== target.sessionId) await target.http('DELETE', { headers: { 'Mcp-Session-Id': session } })
  return { before, confirmed, between, initialized, after: await target.send('ping') }
})

const junk = { experimental: { 'assay/unknown': { depth: [1, 2] } }, assayUnknown: { anything: true } }

const stranger = probe('a client with capabilities nobody knows', async ({ connect }) => {
  const target = await connect({ capabilities: junk })
  const method = target.era === 'session' ? 'ping' : 'server/discover'
  return { opening: target.opening, extra: await target.send(method, { assayUnknown: true }) }
})

export default [
  ...section({ spec: 'mcp', page: 'basic/lifecycle#initialization', revisions: '..2025-11-25' }, [
    check('lifecycle/initialize-result', {
      title: 'Initialize is answered with version, capabilities and server information',
      must: 'answer initialize with the protocol version, its own capabilities and information about itself',
      needs: { opening },
      judge: ({ opening: { opening } }, { revision }) =>
        hasResult(opening, (result) => {
          const [first] = validateResult(revision, 'initialize', result)
          return first === undefined
            ? holds
            : broken(`answers initialize with a result the schema does not allow: ${first.path} ${first.message}`, { actual: result })
        }),
      fix: 'Answer with protocolVersion, capabilities and serverInfo, the last with name and version.',
      covers: 'lifecycle.init.response',
    }),

    check('lifecycle/before-initialize', {
      title: 'Nothing is served before initialize',
      policy: 'refuse an ordinary request that no initialize went before',
      needs: { early },
      over: 'http',
      requires: 'sessions',
      judge: ({ early: { before, request, after } }) =>
        controlled([before, after], () => isRefused(request, 'serves a list before initialize')),
      fix: 'Answer HTTP 400 to every request but initialize and ping that belongs to no session.',
      covers: 'lifecycle.pre-init.reject',
    }),

    check('lifecycle/quiet-before-initialized', {
      title: 'The server asks for nothing before initialized',
      should: 'send no requests but pings before it has received initialized',
      needs: { quiet },
      judge: ({ quiet: { opening, stream } }) =>
        hasResult(opening).and(
          each([opening, stream], 'nothing was heard', (exchange) => {
            const request = requestsOf(exchange).find(({ method }) => method !== 'ping')
            return holdsIf(request === undefined, 'sends a request before initialized', {
              expected: 'pings and log messages at most',
              actual: request,
              exchange,
            })
          }),
        ),
      fix: 'Start asking for roots, sampling or input once initialized has come in.',
      covers: 'lifecycle.server-quiet-before-initialized',
    }),

    check('lifecycle/second-initialize', {
      title: 'A second initialize does a session no harm',
      policy: 'refuse a second initialize, or open another session, and serve the first one on',
      needs: { twice },
      judge: ({ twice: { between, initialized, after } }) => controlled([between], () => isUnharmed(initialized, after)),
      fix: 'Answer a second initialize on a session with HTTP 400 and error -32600, and leave the session as it is.',
      covers: 'lifecycle.reinit',
    }),

    check('lifecycle/second-initialized', {
      title: 'A second initialized does a session no harm',
      policy: 'ignore a second initialized, and serve the session on',
      needs: { twice },
      judge: ({ twice: { before, confirmed, between } }) => controlled([before], () => isUnharmed(confirmed, between)),
      fix: 'Take the notification for done when the session is open already.',
      covers: 'lifecycle.double-initialized',
    }),
  ]),

  ...section({ spec: 'mcp', page: 'basic/lifecycle#capability-negotiation', movedTo: 'basic/versioning', revisions: 'all' }, [
    check('lifecycle/unknown-client-capability', {
      title: 'Unknown capabilities and parameters of a client are ignored',
      policy: 'ignore capabilities and parameters it does not know',
      needs: { opening, stranger },
      judge: ({ opening: { opening }, stranger }) =>
        resultOf(opening) === undefined
          ? notApplicable('the target cannot be opened without them either')
          : hasResult(stranger.opening).and(hasResult(stranger.extra)),
      fix: 'Validate the members you know, and let others pass.',
      covers: 'lifecycle.unknown-capability-ignored',
    }),
  ]),
]

/** What was repeated did not bring the target down, and the session goes on. */
const isUnharmed = (repeated: Exchange, next: Exchange): Judgement =>
  holdsIf((repeated.response?.status ?? 200) < 500, 'breaks down', {
    expected: 'an acceptance or HTTP 4xx',
    actual: summaryOf(repeated),
    exchange: repeated,
  }).and(
    holdsIf(resultOf(next) !== undefined, 'does not serve the session on', {
      expected: 'a result',
      actual: summaryOf(next),
      exchange: next,
    }),
  )
