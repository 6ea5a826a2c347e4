import {
  answered,
  check,
  controlled,
  type Exchange,
  each,
  hasStatus,
  holdsIf,
  inconclusive,
  isRefused,
  notApplicable,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
  transcript,
  Unfit,
} from '../../../src/model/index.ts'

/** Sessions opened one after the other to look at their ids, beside those of all other probes. */
const sampled = 4

const ids = probe('session ids of some sessions', { over: 'http', requires: 'sessions' }, async ({ connect }) => {
  for (let opened = 0; opened < sampled; opened += 1) await connect({ hold: true })
})

/** Every session the transcript shows to be opened, not those opened anew within themselves. */
const issued = (exchanges: readonly Exchange[]): { opening: Exchange; id: string }[] =>
  exchanges.flatMap((opening) => {
    const { rpc, headers } = opening.request
    const id = opening.response?.headers['mcp-session-id']
    const fresh = rpc?.method === 'initialize' && !headers.some(([name]) => name.toLowerCase() === 'mcp-session-id')
    return fresh && id !== undefined && resultOf(opening) !== undefined ? [{ opening, id }] : []
  })

const without = probe('requests that leave out the session id', { over: 'http', requires: 'sessions' }, async ({ connect }) => {
  const session = await connect()
  const bare = { headers: { 'Mcp-Session-Id': null } }
  const before = await session.send('ping')
  const post = await session.send('ping', undefined, bare)
  const remove = await session.http('DELETE', bare)
  return { before, post, remove, after: await session.send('ping') }
})

const unknown = probe('a session id that was never issued', { over: 'http', requires: 'sessions' }, async ({ connect }) => {
  const session = await connect()
  const foreign = { headers: { 'Mcp-Session-Id': '00000000-0000-4000-8000-00000000a55a' } }
  const before = await session.send('ping')
  return { before, post: await session.send('ping', undefined, foreign), after: await session.send('ping') }
})

const ended = probe('a session after DELETE', { over: 'http', requires: 'sessions' }, async ({ connect }) => {
  // The same client twice, by all that it says of itself.
  const client = { capabilities: { experimental: { 'assay/returning': {} } } }
  const session = await connect(client)
  const before = await session.send('ping')
  const removed = await session.http('DELETE')
  const [post, get, again] = await Promise.all([
    session.send('ping'),
    session.http('GET', { deadline: 1_500, until: () => true }),
    session.http('DELETE'),
  ])
  return { before, removed, post, get, again, fresh: (await connect(client)).opening }
})

const open = probe('a stream open while its session ends', { over: 'http', requires: 'sessions' }, async ({ connect }) => {
  const session = await connect()
  const stream = await session.listen()
  const removed = await session.http('DELETE')
  return { stream: stream.exchange, removed, closed: await stream.ended(1_500) }
})

const bare = probe('a session used without its token', { over: 'http', requires: ['sessions', 'authorization'] }, async ({ connect }) => {
  const session = await connect()
  const before = await session.send('tools/list')
  const [without, wrong] = await Promise.all(
    [null, 'Bearer assay.not-a.token'].map((Authorization) => session.send('tools/list', undefined, { headers: { Authorization } })),
  )
  return { before, without: without!, wrong: wrong!, after: await session.send('tools/list') }
})

const borrowed = probe(
  'a session used with the token of another client',
  { over: 'http', requires: ['sessions', 'forging issuer'] },
  async ({ connect, instruments }) => {
    const { clients } = instruments.issuer!
    const somebody = clients === undefined ? 'assay-somebody-else' : clients[1]
    if (somebody === undefined)
      throw new Unfit('not-testable', 'needs a second client that is let in: see `instruments.issuer.clients` of the target')
    const session = await connect({ token: await instruments.issuer!.mint() })
    const token = await instruments.issuer!.mint({ claims: { sub: somebody, client_id: somebody, azp: somebody } })
    const before = await session.send('tools/list')
    const other = await connect({ token })
    const [post, remove] = await Promise.all([
      session.send('tools/list', undefined, { headers: { Authorization: `Bearer ${token}` } }),
      session.http('DELETE', { headers: { Authorization: `Bearer ${token}` } }),
    ])
    return { before, opening: other.opening, post, remove, after: await session.send('tools/list') }
  },
)

const allowsEnding = (removed: Exchange) => {
  const status = statusOf(removed)
  return status !== undefined && status >= 200 && status < 300
}

const cannotEnd = notApplicable('the target does not let clients end sessions')

export default section(
  { spec: 'mcp', page: 'basic/transports#session-management', revisions: '2025-03-26..2025-11-25', over: 'http', requires: 'sessions' },
  [
    check('transport/session-id-characters', {
      title: 'Session ids are visible ASCII',
      must: 'use only characters 0x21 to 0x7E in a session id',
      needs: { ids, all: transcript },
      judge: ({ all: exchanges }) =>
        each(issued(exchanges), 'no session was opened', ({ id, opening }) =>
          holdsIf(/^[\x21-\x7e]+$/.test(id), 'issues a session id with other characters', {
            expected: '0x21 to 0x7E',
            actual: id,
            exchange: opening,
          }),
        ),
      fix: 'Issue ids from an alphabet such as base64url or a UUID.',
      covers: 'transport.session.id-ascii',
    }),

    check('transport/session-id-randomness', {
      title: 'Session ids cannot be guessed',
      should: 'issue session ids that are globally unique and cryptographically secure',
      needs: { ids, all: transcript },
      judge: ({ all: exchanges }) => {
        const sessions = issued(exchanges)
        if (sessions.length < 2) return inconclusive('fewer than two sessions were opened')
        const values = sessions.map(({ id }) => id)
        const exchange = sessions.at(-1)?.opening
        const free = variableCharacters(values)
        return holdsIf(new Set(values).size === values.length, 'issues the same session id twice', {
          actual: values.slice(0, 4),
          exchange,
        }).and(
          holdsIf(free >= 16, `issues ids that differ in ${free} characters only`, {
            expected: 'at least 16 characters that vary',
            actual: values.slice(0, 4),
            exchange,
          }),
        )
      },
      fix: 'Use a version 4 UUID or 128 bits from a secure random source.',
      covers: 'transport.session.id-entropy',
    }),

    check('transport/missing-session-id', {
      title: 'A request without its session id is answered with 400',
      should: 'answer 400 to a request, other than the initialization, that lacks the session id it requires',
      needs: { without },
      judge: ({ without: { before, post, remove, after } }) =>
        controlled([before, after], () =>
          // A target that does not require the id may serve the request.
          answered(post, () =>
            statusOf(post) === 200
              ? notApplicable('the target does not require the session id')
              : hasStatus(post, 400).and(hasStatus(remove, 400, 405)),
          ),
        ),
      fix: 'Answer 400 when the header is missing; keep 404 for ids that are not known.',
      covers: 'transport.session.missing-400',
    }),

    check('transport/ended-session', {
      title: 'An ended session is answered with 404',
      must: 'answer 404 to any request that carries the id of an ended session',
      needs: { ended },
      judge: ({ ended: { before, removed, post, get } }) =>
        controlled([before], () =>
          allowsEnding(removed) ? hasStatus(post, 404).and(statusOf(get) === 405 ? hasStatus(get, 405) : hasStatus(get, 404)) : cannotEnd,
        ),
      fix: 'Answer 404, not 400: clients start a new session only on 404.',
      covers: 'transport.session.404',
    }),

    check('transport/session-after-end', {
      title: 'A new session can be opened after one has ended',
      policy: 'serve a client that comes back after its session has ended',
      needs: { ended },
      judge: ({ ended: { removed, fresh } }) =>
        allowsEnding(removed)
          ? holdsIf(statusOf(fresh) === 200, 'refuses a new session', { expected: 'HTTP 200', actual: summaryOf(fresh), exchange: fresh })
          : cannotEnd,
      fix: 'Treat an initialize request on its own, whatever happened to earlier sessions.',
    }),

    check('transport/unknown-session-id', {
      title: 'A session id that was never issued is answered with 404',
      policy: 'answer 404 to a session id it does not know, as clients open a new session only then',
      needs: { unknown },
      judge: ({ unknown: { before, post, after } }) => controlled([before, after], () => hasStatus(post, 404)),
      fix: 'Answer 404 for every id that is not in the session store, issued or not.',
      covers: 'transport.session.unknown-404',
    }),

    check('transport/session-end', {
      title: 'DELETE ends a session or is refused with 405',
      may: 'answer 405 to DELETE when clients may not end sessions; otherwise it ends the session',
      needs: { ended },
      judge: ({ ended: { removed } }) => hasStatus(removed, 200, 202, 204, 405),
      fix: 'Answer DELETE on the MCP endpoint with 204, or with 405 when sessions end on the server only.',
      covers: 'transport.session.delete',
    }),

    check('transport/session-end-closes-streams', {
      title: 'Streams are closed when their session ends',
      policy: 'close the streams of a session that has ended',
      needs: { open },
      judge: ({ open: { stream, removed, closed } }) => {
        if (statusOf(stream) !== 200) return notApplicable('the target offers no stream by GET')
        return allowsEnding(removed)
          ? holdsIf(closed, 'leaves the stream open', { expected: 'the stream ends within 1.5 s', actual: 'still open', exchange: stream })
          : cannotEnd
      },
      fix: 'End every stream of the session before answering DELETE.',
      covers: 'transport.session.delete-closes-streams',
    }),

    check('transport/session-end-twice', {
      title: 'A second DELETE is refused like any request on an ended session',
      policy: 'refuse a DELETE of a session that has ended, without an error of its own',
      needs: { ended },
      judge: ({ ended: { removed, again } }) =>
        allowsEnding(removed) ? isRefused(again, 'serves a DELETE of an ended session') : cannotEnd,
      fix: 'Look the session up before DELETE is handled, and answer 404 when it is gone.',
    }),

    check('transport/session-without-token', {
      page: 'basic/security_best_practices#session-hijacking',
      revisions: '2025-06-18..2025-11-25',
      requires: 'authorization',
      title: 'A session id does not stand in for a token',
      must: 'verify the token of every request, and not use sessions for authentication',
      needs: { bare },
      judge: ({ bare: { before, without, wrong, after } }) =>
        controlled([before, after], () =>
          isRefused(without, 'serves a session id without a token').and(isRefused(wrong, 'serves a session id with a wrong token')),
        ),
      fix: 'Check the token before the session is looked up, on every request.',
      covers: 'transport.session.not-auth',
    }),

    check('transport/session-owner', {
      page: 'basic/security_best_practices#session-hijacking',
      revisions: '2025-06-18..2025-11-25',
      requires: ['authorization', 'forging issuer'],
      title: 'A session serves only the client that opened it',
      should: 'bind a session id to the client it was issued to',
      needs: { borrowed },
      judge: ({ borrowed: { before, opening, post, remove, after } }) =>
        controlled([before, opening], () => {
          const ends = holdsIf(!allowsEnding(remove) && statusOf(after) === 200, 'lets another client end the session', {
            expected: 'HTTP 4xx, and the session goes on',
            actual: summaryOf(remove),
            exchange: remove,
          })
          return isRefused(post, 'serves the session of another client').and(answered(remove, () => ends))
        }),
      fix: 'Keep the subject with the session, and answer 404 to everybody else.',
      covers: 'transport.session.not-auth',
    }),
  ],
)

/** Positions at which the ids are not all alike; ids of differing lengths vary everywhere. */
function variableCharacters(ids: readonly string[]): number {
  const longest = Math.max(...ids.map(({ length }) => length))
  return Array.from({ length: longest }, (_, at) => new Set(ids.map((id) => id[at]))).filter((seen) => seen.size > 1).length
}
