import {
  all,
  answered,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  isRefused,
  type Judgement,
  notApplicable,
  notTestable,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { decodeJwt } from '../tokens/jwt.ts'
import { tenantClaim } from './claims.ts'
import { proven, showsNone, wordIn } from './crossing.ts'
import { connectBoth, heard, pairOf } from './pair.ts'
import { viewsOf } from './views.ts'

/** Milliseconds a stream is given to say something. */
const listens = 1_000

const borrowed = probe(
  'the session of one tenant with the token of another',
  { requires: ['second tenant', 'sessions'], over: 'http' },
  async (context) => {
    const { own, other } = await connectBoth(context)
    const headers = { 'Mcp-Session-Id': own.sessionId! }
    const before = await own.send('tools/list')
    const control = await other.send('tools/list')
    const post = await other.send('tools/list', undefined, { headers })
    const still = await own.send('tools/list')
    const stream = await other.http('GET', { headers, deadline: listens, until: () => true })
    const remove = await other.http('DELETE', { headers })
    return { before, control, post, still, stream, remove, after: await own.send('tools/list') }
  },
)

/** Two tokens of one subject: the tenant is all that differs. */
const sameSubject = probe(
  'the session of one subject as that of another tenant',
  { requires: ['second tenant', 'sessions', 'authorization', 'forging issuer'], over: 'http' },
  async (context) => {
    const claim = await tenantClaim(context)
    if (claim === undefined) return null
    const { other } = pairOf(context)
    const issuer = context.instruments.issuer!
    const [mine, theirs] = [await issuer.mint(), await issuer.mint({ claims: { [claim]: other.tenant } })]
    const { sub } = decodeJwt(mine)!.claims
    const session = await context.connect({ token: mine })
    const elsewhere = await context.connect({ token: theirs })
    const before = await session.send('tools/list')
    const post = await session.send('tools/list', undefined, { headers: { Authorization: `Bearer ${theirs}` } })
    return { sub, before, opening: elsewhere.opening, post, after: await session.send('tools/list') }
  },
)

const resumed = probe(
  'a stream of one tenant resumed by another',
  { requires: ['second tenant', 'sessions', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { name } = await scriptedTool(context)
    const marker = `assay-resumed-${context.facts.revision}`
    const script = await context.instruments.upstream!.script({ text: marker, delay: 300, progress: [1, 2] })
    const { own, other } = await connectBoth(context)
    const params = { name, arguments: { script }, _meta: { progressToken: marker } }
    const call = await own.send('tools/call', params, { wholeStream: true })
    const id = call.response?.events?.find((event) => event.id !== undefined && event.id !== '')?.id
    if (id === undefined) return { marker, call, rightly: null, wrongly: [] }
    const after = (client: typeof own, headers = {}) =>
      client.http('GET', { headers: { 'Last-Event-ID': id, ...headers }, deadline: listens, wholeStream: true })
    return {
      marker,
      call,
      wrongly: [await after(other), await after(other, { 'Mcp-Session-Id': own.sessionId! })],
      rightly: await after(own),
    }
  },
)

/** The newest revision that has sessions. */
const lastWithSessions = '2025-11-25'

/** An id that means something in one era, sent in the other, must mean nothing. */
const carried = probe(
  'the session id of one tenant where there are no sessions',
  { requires: 'second tenant', over: 'http' },
  async (context) => {
    const { words, pair } = await viewsOf(context)
    const theirs = await context.connect({ identity: pair.own.identity, revision: lastWithSessions })
    const other = await context.connect({ identity: pair.other.identity })
    if (theirs.sessionId === undefined) return null
    const headers = { 'Mcp-Session-Id': theirs.sessionId }
    const controls = [await other.send('tools/list'), await other.send('resources/list')]
    const asked = [await other.send('tools/list', undefined, { headers }), await other.send('resources/list', undefined, { headers })]
    const after = await theirs.send('tools/list')
    return { words, controls, asked, after }
  },
)

const ended = (removed: Exchange): boolean => statusOf(removed) !== undefined && statusOf(removed)! >= 200 && statusOf(removed)! < 300

const isStream = (exchange: Exchange): boolean =>
  statusOf(exchange) === 200 && (exchange.response?.headers['content-type'] ?? '').startsWith('text/event-stream')

const session = {
  spec: 'mcp',
  page: 'basic/security_best_practices#session-hijacking',
  revisions: '2025-06-18..2025-11-25',
  over: 'http',
  requires: ['second tenant', 'sessions', 'authorization'],
  weakness: ['CWE-384', 'CWE-639', 'CWE-488', 'API1:2023', 'API2:2023', 'MCP07:2025', 'MCP10:2025'],
  threat: 'session-hijack',
} as const

const sessions = section(session, [
  check('tenants/session', {
    title: 'The session of a tenant serves no other tenant',
    should: 'bind a session to the user it was issued to, and so refuse it to another tenant',
    needs: { borrowed },
    judge: ({ borrowed: { before, control, post, still } }) =>
      proven([before, control, still], () => isRefused(post, 'serves the session of another tenant')),
    fix: 'Keep the identity with the session, and answer 404 to everybody else.',
    covers: 'tenant.session-isolation',
  }),

  check('tenants/session-end', {
    title: 'A tenant cannot end the session of another',
    should: 'bind a session to the user it was issued to, and so let no other tenant end it',
    needs: { borrowed },
    judge: ({ borrowed: { before, control, remove, after } }) =>
      proven([before, control], () =>
        answered(remove, () =>
          holdsIf(!ended(remove) && resultOf(after) !== undefined, 'lets another tenant end a session', {
            expected: 'HTTP 4xx, and the session goes on',
            actual: `${summaryOf(remove)}; afterwards ${summaryOf(after)}`,
            exchange: remove,
          }),
        ),
      ),
    fix: 'Find the session by its id and its owner before DELETE is handled.',
    covers: 'tenant.session-isolation',
  }),

  check('tenants/session-stream', {
    title: 'A tenant cannot listen to the session of another',
    should: 'bind a session to the user it was issued to, and so open its stream to no other tenant',
    needs: { borrowed },
    judge: ({ borrowed: { before, control, stream } }) =>
      proven([before, control], () =>
        stream.response === undefined
          ? inconclusive(`no response: ${stream.failure?.message}`, stream)
          : holdsIf(!isStream(stream), 'opens the stream of a session to another tenant', {
              expected: 'HTTP 4xx',
              actual: summaryOf(stream),
              exchange: stream,
            }),
      ),
    fix: 'Find the session by its id and its owner before GET is handled.',
    covers: 'tenant.session-isolation',
  }),

  check('tenants/session-subject', {
    requires: 'forging issuer',
    title: 'A session is bound to the tenant, not to the subject alone',
    should: 'bind a session to the user it was issued to, of whom a subject of the same name in another tenant is none',
    needs: { sameSubject },
    judge: ({ sameSubject: seen }) => {
      if (seen === null) return notTestable('tokens of the forging issuer do not hold the tenant of the identity')
      return proven([seen.before, seen.after], () =>
        resultOf(seen.opening) === undefined
          ? notApplicable('the target accepts no other tenant from this issuer')
          : isRefused(seen.post, 'serves a session to another tenant because the subject has the same name'),
      )
    },
    fix: 'Bind the session to issuer, subject, client and tenant together.',
    covers: 'tenant.session-isolation',
  }),

  check('tenants/event-id', {
    revisions: '2025-03-26..2025-11-25',
    spec: 'policy',
    page: 'tenants',
    requires: 'scripted upstream',
    title: 'The stream of a tenant is resumed for no other',
    policy: 'replay nothing to whoever names an event of another tenant in Last-Event-ID',
    needs: { resumed },
    judge: ({ resumed: { marker, call, rightly, wrongly } }) =>
      proven([call], () => {
        if (rightly === null || !heard(rightly).includes(marker)) return notApplicable('the target replays no events')
        return wrongly.map((exchange) => replaysNothing(exchange, marker)).reduce((worst, next) => worst.and(next))
      }),
    fix: 'Look the event up in the session that asks, after its owner is checked.',
    covers: ['tenant.session-isolation', 'tenant.event-isolation'],
  }),
])

const elsewhere = section({ ...session, revisions: '2026-07-28', requires: ['second tenant', 'authorization'] }, [
  check('tenants/session-carried', {
    page: 'basic/security_best_practices#state-handle-hijacking',
    title: 'A session id of another era and tenant means nothing',
    must: 'not take possession of a session id for an identity, where requests stand for themselves',
    needs: { carried },
    judge: ({ carried: seen }) => {
      if (seen === null) return notApplicable(`the target issues no session id at ${lastWithSessions}`)
      return proven([...seen.controls, seen.after], () =>
        seen.controls.some((control) => wordIn(seen.words.own, control) !== undefined)
          ? notApplicable('it is shown without the session id as well, which another check judges')
          : all(seen.asked.map((exchange) => showsNone(seen.words.own, exchange, 'by its session id'))),
      )
    },
    fix: 'Ignore Mcp-Session-Id at revisions without sessions.',
    covers: 'tenant.session-isolation',
  }),
])

export default [...sessions, ...elsewhere]

function replaysNothing(exchange: Exchange, marker: string): Judgement {
  if (exchange.response === undefined && exchange.failure?.code !== 'timeout')
    return inconclusive(`no response: ${exchange.failure?.message}`, exchange)
  return heard(exchange).includes(marker)
    ? broken('replays the events of another tenant', { expected: 'nothing of that stream', actual: marker, exchange })
    : holds
}
