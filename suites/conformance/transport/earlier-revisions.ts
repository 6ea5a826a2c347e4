import {
  answered,
  check,
  controlled,
  type Exchange,
  each,
  eraOf,
  hasResult,
  hasStatus,
  headerOf,
  holdsIf,
  type Judgement,
  notApplicable,
  probe,
  resultOf,
  section,
  transcript,
  type UnitFacts,
} from '../../../src/model/index.ts'
import { harmless } from './asking.ts'

const strayId = 'assay-stray-session'

const json: [string, string][] = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
]

const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'assay', version: '1' } }

/** Whether the target opens a session as well: it may have been asked for this revision only. */
const handshake = probe('initialize at a target of 2026-07-28', { over: 'http' }, async ({ request }) => {
  const opening = await request({
    headers: json,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }),
  })
  const id = headerOf(opening, 'mcp-session-id')
  if (id !== undefined) await request({ method: 'DELETE', headers: [['Mcp-Session-Id', id]] })
  return opening
})

const earlier = probe('what earlier revisions send, at 2026-07-28', { over: 'http' }, async ({ session }) => {
  const connection = await session()
  const before = await harmless(connection)
  const [get, remove, withSession, withEvent] = await Promise.all([
    connection.http('GET', { deadline: 1_000, until: () => true }),
    connection.http('DELETE'),
    harmless(connection, { headers: { 'Mcp-Session-Id': strayId } }),
    harmless(connection, { headers: { 'Last-Event-ID': 'assay-stray-event' } }),
  ])
  return { before, get, remove, withSession, withEvent, after: await harmless(connection) }
})

const servesSessions = (opening: Exchange, { served }: UnitFacts): boolean =>
  served.some((revision) => eraOf(revision) === 'session') || resultOf(opening)?.protocolVersion !== undefined

const alsoEarlier = notApplicable('the target serves earlier revisions too, which have GET and DELETE')

const isMinted = (exchange: Exchange): boolean => headerOf(exchange, 'mcp-session-id') !== undefined

const withoutSessionId = (exchange: Exchange): Judgement =>
  answered(exchange, () =>
    holdsIf(!isMinted(exchange), 'sends a session id', {
      expected: 'no Mcp-Session-Id',
      actual: `Mcp-Session-Id: ${headerOf(exchange, 'mcp-session-id')}`,
      exchange,
    }),
  )

export default section(
  { spec: 'mcp', page: 'basic/transports/streamable-http#earlier-streamable-http-revisions', revisions: '2026-07-28', over: 'http' },
  [
    check('transport/get-without-streams', {
      title: 'GET is answered with 405',
      should: 'answer GET with 405 when it serves no earlier revision',
      needs: { earlier, handshake },
      judge: ({ earlier: { before, get, after }, handshake }, facts) =>
        servesSessions(handshake, facts) ? alsoEarlier : controlled([before, after], () => hasStatus(get, 405)),
      fix: 'Answer 405 with Allow: POST.',
      covers: 'transport.http.get-405',
    }),

    check('transport/delete-without-sessions', {
      title: 'DELETE is answered with 405',
      should: 'answer DELETE with 405 when it serves no earlier revision',
      needs: { earlier, handshake },
      judge: ({ earlier: { before, remove, after }, handshake }, facts) =>
        servesSessions(handshake, facts) ? alsoEarlier : controlled([before, after], () => hasStatus(remove, 405)),
      fix: 'Answer 405 with Allow: POST.',
      covers: 'transport.http.delete-405',
    }),

    check('transport/stray-session-id', {
      title: 'A session id is ignored',
      should: 'ignore a session id that an older client sends',
      needs: { earlier },
      judge: ({ earlier: { before, withSession, after } }) => controlled([before, after], () => hasResult(withSession)),
      fix: 'Do not read Mcp-Session-Id on a request that names this revision.',
      covers: 'transport.session.ignored',
    }),

    check('transport/no-session-id', {
      title: 'No session ids are issued',
      should: 'not mint or echo session ids',
      needs: { earlier, all: transcript },
      judge: ({ all }) =>
        each(
          all.filter(({ connection, response }) => connection !== 0 && response !== undefined),
          'nothing was answered',
          withoutSessionId,
        ),
      fix: 'Leave Mcp-Session-Id out of every answer to a request that names this revision.',
      covers: 'transport.session.ignored',
    }),

    check('transport/stray-event-id', {
      title: 'A last event id is ignored',
      should: 'ignore a last event id that an older client sends',
      needs: { earlier },
      judge: ({ earlier: { before, withEvent, after } }) => controlled([before, after], () => hasResult(withEvent)),
      fix: 'Do not read Last-Event-ID on a request that names this revision.',
      covers: 'transport.sse.not-resumable',
    }),
  ],
)
