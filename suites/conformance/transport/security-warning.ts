import {
  all,
  answered,
  type Check,
  check,
  controlled,
  type Exchange,
  errorOf,
  hasStatus,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  isRefused,
  type Judgement,
  notApplicable,
  notTestable,
  probe,
  section,
  statusOf,
  summaryOf,
  type UnitFacts,
} from '../../../src/model/index.ts'
import { harmless, harmlessMethod } from './asking.ts'

const foreignOrigin = 'https://assay-foreign.example'

/** Origins of other sites that a comparison of beginnings, ends or parts takes for the target's own. */
const lookalikes = ({ protocol, host, hostname }: URL): string[] => [
  `${protocol}//${host}.assay-foreign.example`,
  `${protocol}//assay-foreign-${hostname}`,
]

const origins = probe('requests from pages of other sites', { over: 'http' }, async ({ connect, facts, era }) => {
  const session = await connect()
  const from = (Origin: string) => harmless(session, { headers: { Origin } })
  const before = await harmless(session)
  const [foreign, opaque, ...alike] = await Promise.all([foreignOrigin, 'null', ...lookalikes(new URL(facts.url))].map(from))
  const stream = era === 'session' ? await session.listen({ headers: { Origin: foreignOrigin } }) : null
  await stream?.close()
  return { before, foreign: foreign!, opaque: opaque!, alike, get: stream?.exchange ?? null, after: await harmless(session) }
})

const preflight = probe('a preflight from a page of another site', { over: 'http' }, ({ request }) =>
  request({
    method: 'OPTIONS',
    authorize: false,
    headers: [
      ['Origin', foreignOrigin],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'authorization, content-type, mcp-protocol-version, mcp-session-id'],
    ],
  }),
)

const foreignHost = probe('a request for another host', { over: 'http' }, async ({ session }) => {
  const connection = await session()
  const before = await harmless(connection)
  const other = await harmless(connection, { headers: { Host: 'assay-foreign.example' } })
  return { before, other, after: await harmless(connection) }
})

const isLoopback = (hostname: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

/** Still loopback, so that nothing leaves it: a socket bound to 127.0.0.1 does not answer here, one bound to all interfaces does. */
const otherLoopback = '127.0.0.2'

// No token goes to an address that may turn out to belong to somebody else.
const binding = probe('the endpoint at another loopback address', { over: 'http' }, async ({ request, facts, era }) => {
  const url = new URL(facts.url)
  if (!isLoopback(url.hostname)) return null
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: harmlessMethod(era) })
  const ask = (hostname: string) =>
    request({
      url: Object.assign(new URL(url), { hostname }).href,
      headers: [
        ['Host', url.host],
        ['Content-Type', 'application/json'],
        ['Accept', 'application/json, text/event-stream'],
      ],
      body,
      authorize: false,
      deadline: 2_000,
    })
  const [own, other] = await Promise.all([ask(url.hostname), ask(otherLoopback)])
  return { own, other }
})

const served = (exchange: Exchange): boolean => statusOf(exchange)! < 300 && errorOf(exchange) === undefined

const isTurnedAway = (exchange: Exchange): Judgement =>
  answered(exchange, () => {
    const origin = exchange.request.headers.find(([name]) => name === 'Origin')?.[1]
    return holdsIf(!served(exchange), `serves ${exchange.request.method} from the origin ${origin}`, {
      expected: 'HTTP 403',
      actual: summaryOf(exchange),
      exchange,
    })
  })

interface Origins {
  before: Exchange
  foreign: Exchange
  opaque: Exchange
  alike: Exchange[]
  get: Exchange | null
  after: Exchange
}

const turnsForeignPagesAway = ({ before, foreign, alike, get, after }: Origins): Judgement =>
  controlled([before, after], () => all([foreign, ...alike, ...(get ? [get] : [])].map(isTurnedAway)))

/** A page of another site can do harm where the address is local, so that its name can be rebound, and no token is asked for. */
const isExposed = ({ local, authorization }: UnitFacts): boolean => local && !authorization

const security: Check[] = section(
  {
    spec: 'mcp',
    page: 'basic/transports#security-warning',
    movedTo: 'basic/transports/streamable-http#security-%26-endpoint',
    revisions: 'all',
    over: 'http',
  },
  [
    check('transport/origin-validation', {
      title: 'Pages of other sites are turned away',
      must: 'validate the Origin header on all incoming connections, to prevent DNS rebinding',
      needs: { origins },
      judge: ({ origins }, facts) =>
        isExposed(facts)
          ? turnsForeignPagesAway(origins)
          : notApplicable('the target asks for a token or is not local: see transport/origin-validation-in-depth'),
      fix: 'Compare Origin as a whole with the origins that are accepted, on POST, GET and DELETE, before anything else is done.',
      covers: 'transport.http.origin-validate',
    }),

    // The clause makes no difference; but a rebound page cannot send a token it does not have, so a target that asks for one is told, not failed.
    check('transport/origin-validation-in-depth', {
      title: 'Pages of other sites are turned away, token or not',
      should: 'validate the Origin header also where a token is asked for or the address is public',
      needs: { origins },
      judge: ({ origins }, facts) =>
        isExposed(facts)
          ? notApplicable('the target is open to DNS rebinding: see transport/origin-validation')
          : turnsForeignPagesAway(origins),
      fix: 'Compare Origin as a whole with the origins that are accepted, on POST, GET and DELETE, before anything else is done.',
      covers: 'transport.http.origin-validate',
    }),

    check('transport/origin-status', {
      revisions: '2025-11-25..',
      title: 'An invalid Origin is answered with 403',
      must: 'answer 403 to a request whose Origin is present and invalid',
      needs: { origins },
      judge: ({ origins: { before, foreign, after } }) =>
        controlled([before, after], () =>
          answered(foreign, () =>
            served(foreign) ? notApplicable('the target does not turn foreign origins away') : hasStatus(foreign, 403),
          ),
        ),
      fix: 'Answer 403, before authentication and before the body is read.',
      covers: 'transport.http.origin-invalid-403',
    }),

    check('transport/opaque-origin', {
      title: 'The origin of a sandboxed page is turned away',
      policy: 'turn away the Origin null, which any page can send from a sandboxed frame',
      needs: { origins },
      judge: ({ origins: { before, opaque, after } }) => controlled([before, after], () => isTurnedAway(opaque)),
      fix: 'Leave null out of the origins that are accepted.',
    }),

    check('transport/foreign-host', {
      title: 'A request for another host is refused',
      policy: 'refuse a Host that does not name it, where it is reached on a local address',
      needs: { foreignHost },
      judge: ({ foreignHost: { before, other, after } }, { local }) =>
        local
          ? controlled([before, after], () => isRefused(other, 'serves a request for another host'))
          : notApplicable('the target is not reached on a local address'),
      fix: 'Compare Host with the names and ports the target is reached by.',
      covers: 'transport.http.origin-validate',
    }),

    check('transport/cors-credentials', {
      title: 'Pages of other sites cannot use the credentials of a browser',
      policy: 'not allow credentials to any origin that asks',
      needs: { preflight, origins },
      judge: ({ preflight, origins: { foreign } }) =>
        all([preflight, foreign].map((exchange) => answered(exchange, () => givesNoCredentials(exchange)))),
      fix: 'Leave Access-Control-Allow-Credentials out, or name the accepted origins one by one.',
      covers: 'transport.http.cors-no-wildcard-credentials',
    }),

    check('transport/loopback-binding', {
      title: 'A local target listens on loopback only',
      should: 'listen on 127.0.0.1 only when it runs locally, not on all network interfaces',
      needs: { binding },
      judge: ({ binding }) => {
        if (binding === null) return notApplicable('the target is not reached on a loopback address')
        const { own, other } = binding
        return answered(own, () => isDeaf(other, own))
      },
      fix: 'Listen on 127.0.0.1, or on the address of the one interface that is meant.',
      covers: 'transport.http.bind-loopback',
    }),
  ],
)

export default security

function givesNoCredentials(exchange: Exchange): Judgement {
  const allowed = headerOf(exchange, 'access-control-allow-origin')
  const credentials = headerOf(exchange, 'access-control-allow-credentials')?.trim().toLowerCase() === 'true'
  return holdsIf(!(credentials && (allowed === '*' || allowed === foreignOrigin)), 'allows credentials to the page of any site', {
    expected: 'no Access-Control-Allow-Credentials for a foreign origin',
    actual: `Access-Control-Allow-Origin: ${allowed}, Access-Control-Allow-Credentials: true`,
    exchange,
  })
}

/** Nothing answers there; whatever answers differently may be another program. */
function isDeaf(other: Exchange, own: Exchange): Judgement {
  const { hostname } = new URL(other.request.url)
  if (other.response === undefined)
    return other.failure?.code === 'timeout' ? notTestable(`nothing can be said of ${hostname}: ${other.failure.message}`) : holds
  if (statusOf(other) !== statusOf(own)) return inconclusive(`something else may answer on ${hostname}: ${summaryOf(other)}`, other)
  return holdsIf(false, `also listens on ${hostname}`, { expected: 'connection refused', actual: summaryOf(other), exchange: other })
}
