import {
  all,
  answered,
  check,
  controlled,
  hasStatus,
  holdsIf,
  isRefused,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { again, allRefused } from './attempts.ts'

const http = { over: 'http', requires: 'authorization' } as const

const without = probe('requests without a token', http, async ({ connect, request, facts }) => {
  const open = async () => (await connect({ hold: true })).opening
  const before = await open()
  const { opening } = await connect({ identity: null, hold: true })
  const bare = (method: string) => request({ method, authorize: false, headers: [['Accept', 'text/event-stream']], url: facts.url })
  const [get, remove] = await Promise.all([bare('GET'), bare('DELETE')])
  return { before, opening, others: [get, remove], after: await open() }
})

const dropped = probe('a token left out later on', http, async ({ connect, era }) => {
  const connection = await connect()
  const bare = { headers: { Authorization: null } }
  const wrong = { headers: { Authorization: 'Bearer assay.not-a.token' } }
  const before = await connection.send('tools/list')
  const sent = await Promise.all([
    connection.send('tools/list', undefined, bare),
    connection.send('tools/list', undefined, wrong),
    connection.send(era === 'session' ? 'ping' : 'server/discover', undefined, bare),
  ])
  const session = era === 'session' && connection.sessionId !== undefined
  const others = session
    ? await Promise.all([
        connection.notify('notifications/roots/list_changed', undefined, bare),
        connection.http('GET', { ...bare, deadline: 1_000, until: () => true }),
        connection.http('DELETE', bare),
      ])
    : []
  return { before, sent, others, after: await connection.send('tools/list') }
})

const query = probe('a token in the query', http, async (context) => {
  const { token, opening } = await context.connect({ hold: true })
  const url = new URL(context.facts.url)
  url.searchParams.set('access_token', token ?? '')
  return {
    before: opening,
    asked: await again(context, opening, { url: url.href }),
    after: (await context.connect({ hold: true })).opening,
  }
})

const schemes = probe('the scheme of the token in other letters', http, async ({ connect }) => {
  const { token, opening } = await connect({ hold: true })
  const spelt = ['bearer', 'BEARER'].map(
    async (scheme) => (await connect({ headers: { Authorization: `${scheme} ${token}` }, hold: true })).opening,
  )
  return { before: opening, spelt: await Promise.all(spelt) }
})

const malformed = probe('Authorization fields that are malformed', http, async (context) => {
  const { token, opening } = await context.connect({ hold: true })
  const withFields = (...values: string[]) => again(context, opening, { headers: values.map((value) => ['Authorization', value]) })
  const wrong = 'Bearer assay.not-a.token'
  const fields = ['Bearer', `Basic ${token}`, `Bearer=${token}`, token ?? '']
  const [sent, doubled] = await Promise.all([
    Promise.all(fields.map((value) => withFields(value))),
    Promise.all([
      withFields(`Bearer ${token}`, wrong),
      withFields(wrong, `Bearer ${token}`),
      withFields(`Bearer ${token} assay.not-a.token`),
    ]),
  ])
  return { before: opening, sent, doubled, after: (await context.connect({ hold: true })).opening }
})

const garbage = probe('tokens that are no tokens', http, async ({ connect }) => {
  const open = async (token?: string) => (await connect({ token, forged: true, hold: true })).opening
  const before = (await connect({ hold: true })).opening
  const tried = await Promise.all(['assay', 'assay.not-a.token', 'e30.e30.e30', '00000000-0000-4000-8000-00000000a55a'].map(open))
  return { before, tried, after: (await connect({ hold: true })).opening }
})

/** What else the operator has given, tried in the place of an access token. */
const credentials = probe(
  'other credentials in the place of a token',
  { over: 'http', requires: ['authorization', 'authority'] },
  async (context) => {
    const { initialAccessToken, clients } = context.access()
    const given = [
      ...(initialAccessToken === undefined ? [] : [['that is an initial access token', initialAccessToken] as const]),
      ...clients.slice(0, 1).map(({ clientSecret }) => ['that is the secret of a client', clientSecret] as const),
    ]
    if (given.length === 0) throw new Unfit('not-testable', 'needs an initial access token or a client: see `authority` of the target')
    const before = (await context.connect({ hold: true })).opening
    const tried = await Promise.all(
      given.map(async ([what, name]) => ({
        what,
        opening: await again(context, before, { headers: [['Authorization', `Bearer ${name}`]] }),
      })),
    )
    return { before, tried, after: (await context.connect({ hold: true })).opening }
  },
)

const sizes = [8, 64, 512].map((kilobytes) => kilobytes * 1_024)

const oversize = probe('tokens of great size', http, async (context) => {
  const { opening, token } = await context.connect({ hold: true })
  if (token === undefined) throw new Unfit('not-testable', 'needs an identity with a token')
  const sent = await Promise.all(
    sizes.map(async (size) => {
      const asked = await again(context, opening, { headers: [['Authorization', `Bearer ${'A'.repeat(size)}`]] })
      return { size, asked: { ...asked, request: { ...asked.request, headers: [] } } }
    }),
  )
  return { before: opening, sent, after: (await context.connect({ hold: true })).opening }
})

export default section(
  {
    threat: 'forged-token',
    weakness: ['CWE-287', 'API2:2023', 'MCP07:2025'],
    spec: 'mcp',
    page: 'basic/authorization#token-requirements',
    revisions: '2025-03-26..',
    over: 'http',
    requires: 'authorization',
  },
  [
    check('tokens/missing', {
      page: 'basic/authorization#error-handling',
      title: 'A request without a token is answered with 401',
      must: 'answer 401 where authorization is required and no token is sent',
      needs: { without },
      judge: ({ without: { before, opening, others, after } }) =>
        controlled([before, after], () =>
          all([hasStatus(opening, 401), ...others.map((other) => isRefused(other, `serves ${other.request.method} without a token`))]),
        ),
      fix: 'Answer 401 with a challenge to every request that carries no token, before anything else is looked at.',
      weakness: ['CWE-306', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.401',
    }),

    check('tokens/every-request', {
      title: 'The token is asked for on every request',
      must: 'require the token on every HTTP request, also within a session',
      needs: { dropped },
      judge: ({ dropped: { before, sent, others, after } }) => {
        const refused = all(
          [...sent, ...others].map((asked) =>
            isRefused(asked, `serves ${asked.request.rpc?.method ?? asked.request.method} without its token`),
          ),
        )
        // Where DELETE was served the session is gone, and nothing can follow.
        return controlled(refused.kind === 'broken' ? [before] : [before, after], () => refused)
      },
      fix: 'Check the token of each request by itself; neither a session nor a connection stands in for it.',
      weakness: ['CWE-306', 'CWE-384', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.every-request',
    }),

    check('tokens/query', {
      title: 'A token in the query is ignored',
      must: 'ignore an access token in the query of the URL',
      needs: { query },
      judge: ({ query: { before, asked, after } }) => controlled([before, after], () => isRefused(asked, 'accepts a token in the query')),
      fix: 'Take tokens from the Authorization field only: URLs end up in logs and histories.',
      weakness: ['CWE-598', 'API2:2023', 'MCP01:2025'],
      threat: 'token-theft',
      covers: 'auth.rs.query-token',
    }),

    check('tokens/scheme-case', {
      spec: 'rfc9110',
      page: '11.1',
      title: 'The scheme Bearer may be written in any letter case',
      policy: 'compare the authentication scheme without regard to case',
      needs: { schemes },
      judge: ({ schemes: { before, spelt } }) =>
        controlled([before], () =>
          all(
            spelt.map((opening) =>
              answered(opening, () =>
                holdsIf(resultOf(opening) !== undefined, 'refuses the scheme in other letters', {
                  expected: 'a result',
                  actual: summaryOf(opening),
                  exchange: opening,
                }),
              ),
            ),
          ),
        ),
      fix: 'Compare the scheme case-insensitively.',
      weakness: ['CWE-178', 'API8:2023'],
    }),

    check('tokens/malformed', {
      page: 'basic/authorization#error-handling',
      title: 'A malformed Authorization field is refused with 400 or 401',
      must: 'answer 400 to a malformed authorization request, or 401 as to one without a valid token',
      needs: { malformed },
      judge: ({ malformed: { before, sent, after } }) =>
        controlled([before, after], () => all(sent.map((asked) => hasStatus(asked, 400, 401)))),
      fix: 'Accept exactly one Bearer token of the allowed characters, and answer 400 to everything else.',
      covers: 'auth.rs.400-malformed',
    }),

    check('tokens/two-tokens', {
      spec: 'policy',
      page: 'tokens',
      title: 'Two tokens in one request are refused',
      policy: 'refuse a request with two tokens, which two hops may read differently',
      needs: { malformed },
      judge: ({ malformed: { before, doubled, after } }) =>
        controlled([before, after], () => all(doubled.map((asked) => isRefused(asked, 'picks one of two tokens')))),
      fix: 'Look at the whole field and at all its values, and answer 400 when there is more than one token.',
      weakness: ['CWE-436', 'CWE-235', 'API2:2023'],
    }),

    check('tokens/invalid', {
      page: 'basic/authorization#token-handling',
      title: 'An invalid token is answered with 401',
      must: 'answer 401 to an invalid token',
      needs: { garbage },
      judge: ({ garbage: { before, tried, after } }) =>
        controlled([before, after], () => all(tried.map((opening) => hasStatus(opening, 401)))),
      fix: 'Answer 401 with error="invalid_token"; 403 is for valid tokens that do not suffice.',
      covers: 'auth.rs.401',
    }),

    check('tokens/other-credentials', {
      title: 'No other credential stands in for a token',
      must: 'refuse an invalid token, which an initial access token and the secret of a client are',
      requires: 'authority',
      needs: { credentials },
      judge: ({ credentials }) => allRefused(credentials),
      fix: 'Accept access tokens of the issuer alone; keep API keys and secrets out of the Authorization field.',
    }),

    check('tokens/oversize', {
      spec: 'policy',
      page: 'tokens',
      title: 'A token of great size is refused at once',
      policy: 'refuse tokens of 8 kB and more within two seconds, and go on serving',
      needs: { oversize },
      judge: ({ oversize: { before, sent, after } }) =>
        controlled([before, after], () =>
          all(
            sent.map(({ size, asked }) => {
              // A connection that is closed on a head too large is a refusal as well.
              const status = statusOf(asked)
              const refused = asked.failure?.code !== 'timeout' && (status === undefined || (status >= 400 && status < 500))
              const detail = { expected: 'HTTP 400, 401, 413 or 431', actual: summaryOf(asked), exchange: asked }
              return holdsIf(refused, `does not refuse a token of ${size / 1_024} kB in time`, detail)
            }),
          ),
        ),
      fix: 'Bound the length of the token before it is decoded, and of the head before it is read.',
      weakness: ['CWE-400', 'CWE-770', 'API4:2023', 'LLM10:2025'],
      threat: 'exhaustion',
    }),
  ],
)
