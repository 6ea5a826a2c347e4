import {
  all,
  answered,
  check,
  controlled,
  type Exchange,
  hasResult,
  hasStatus,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'

const header = 'MCP-Protocol-Version'

/** No version, and versions from before the protocol and from after us. */
const invalid = ['assay', '1900-01-01', '2099-01-01']

const refused = probe('session requests with an invalid version header', { over: 'http' }, async ({ session }) => {
  const client = await session()
  const before = await client.send('ping')
  const posts = await Promise.all(invalid.map((version) => client.send('ping', undefined, { headers: { [header]: version } })))
  return { before, posts, after: await client.send('ping') }
})

const listening = probe('a stream asked for with an invalid version header', { over: 'http' }, async ({ connect }) => {
  const client = await connect()
  const before = await client.send('ping')
  const { exchange: get } = await client.listen({ headers: { [header]: '1900-01-01' }, deadline: 2_000 })
  return { before, get, after: await client.send('ping') }
})

const first = probe('an initialize request with an invalid version header', { over: 'http' }, async ({ connect }) => {
  const { opening } = await connect({ hold: true, headers: { [header]: '1900-01-01' } })
  return { before: (await connect({ hold: true })).opening, opening, after: (await connect({ hold: true })).opening }
})

const bare = probe('session requests without the version header', { over: 'http' }, async ({ session }) => {
  const client = await session()
  const before = await client.send('ping')
  const without = await client.send('ping', undefined, { headers: { [header]: null } })
  return { before, without, after: await client.send('ping') }
})

const mixed = probe('session requests at another version than the session', { over: 'http' }, async ({ session, revision }) => {
  const client = await session()
  const other = { headers: { [header]: revision === '2025-11-25' ? '2025-06-18' : '2025-11-25' } }
  const before = await client.send('ping')
  const answers = [
    await client.send('ping', undefined, other),
    await client.send('ping', undefined, other),
    await client.send('ping', undefined, other),
  ]
  return { before, answers, after: await client.send('ping') }
})

const early = probe(
  'session requests with a version header the revision does not know',
  { over: 'http' },
  async ({ session, revision }) => {
    const client = await session()
    const before = await client.send('ping')
    const named = await client.send('ping', undefined, { headers: { [header]: revision } })
    return { before, named, after: await client.send('ping') }
  },
)

const cased = probe('session requests with header names in another case', { over: 'http' }, async ({ session, revision }) => {
  const client = await session()
  const before = await client.send('ping')
  const version = revision < '2025-06-18' ? null : revision
  const headers = { 'mCP-pROTOCOL-vERSION': version, 'mCP-sESSION-iD': client.sessionId ?? null, 'cONTENT-tYPE': 'application/json' }
  return { before, odd: await client.send('ping', undefined, { headers }), after: await client.send('ping') }
})

/** A stream that opens says so with its status, before anything is sent on it. */
function listened(get: Exchange): Judgement {
  const status = statusOf(get)
  if (status === undefined) return inconclusive(`no response: ${get.failure?.message}`, get)
  if (status === 405) return notApplicable('the target offers no stream by GET')
  return holdsIf(status === 400, `answers ${status}`, { expected: 'HTTP 400', actual: `HTTP ${status}`, exchange: get })
}

export default section(
  { spec: 'mcp', page: 'basic/transports#protocol-version-header', revisions: '2025-06-18..2025-11-25', over: 'http' },
  [
    check('versioning/invalid-version-header', {
      title: 'An invalid or unsupported version header is answered with 400',
      must: 'answer 400 to a request whose version header is invalid or names a version it does not support',
      needs: { refused },
      judge: ({ refused: { before, posts, after } }) => controlled([before, after], () => all(posts.map((post) => hasStatus(post, 400)))),
      fix: 'Compare the header with the versions that are served, on every request.',
      covers: 'transport.version.invalid-400',
    }),

    check('versioning/invalid-version-header-on-get', {
      title: 'An invalid version header is answered with 400 on GET too',
      must: 'answer 400 to a GET whose version header names a version it does not support',
      needs: { listening },
      judge: ({ listening: { before, get, after } }) => controlled([before, after], () => listened(get)),
      fix: 'Check the header before the verb is looked at.',
      covers: 'transport.version.invalid-400',
    }),

    check('versioning/invalid-version-header-at-first', {
      title: 'An invalid version header is answered with 400 on initialize too',
      policy: 'answer 400 to an initialize request whose version header names a version it does not support',
      needs: { first },
      judge: ({ first: { before, opening, after } }) => controlled([before, after], () => hasStatus(opening, 400)),
      fix: 'Leave no request out of the check; only a header that is absent is fine.',
      covers: 'transport.version.invalid-400',
    }),

    check('versioning/missing-version-header', {
      title: 'A request without the version header is served',
      should: 'serve a request without the version header, as the negotiated version or as 2025-03-26',
      needs: { bare },
      judge: ({ bare: { before, without, after } }) => controlled([before, after], () => hasResult(without)),
      fix: 'Take the version from the session, or assume 2025-03-26.',
      covers: 'transport.version.missing-default',
    }),

    check('versioning/other-version-header', {
      title: 'A version header that differs from the session is always treated alike',
      policy: 'either refuse with 400, or serve as negotiated, every request that names another version than its session',
      needs: { mixed },
      judge: ({ mixed: { before, answers, after } }) =>
        controlled([before, after], () =>
          all(
            answers.map((answer) =>
              answered(answer, () =>
                holdsIf(
                  [200, 400].includes(statusOf(answer)!) && statusOf(answer) === statusOf(answers[0]!),
                  'treats the same header in different ways',
                  {
                    expected: 'HTTP 400 each time, or HTTP 200 each time',
                    actual: answers.map(summaryOf),
                    exchange: answer,
                  },
                ),
              ),
            ),
          ),
        ),
      fix: 'Compare the header with the version of the session.',
      covers: 'transport.version.mismatch-session',
    }),

    check('versioning/early-version-header', {
      title: 'A version header does no harm where it is not known yet',
      page: 'basic/transports',
      policy: 'serve a request that names the negotiated version in a header, which many clients send at every revision',
      revisions: '..2025-03-26',
      needs: { early },
      judge: ({ early: { before, named, after } }) => controlled([before, after], () => hasResult(named)),
      fix: 'Accept every version that can be negotiated in the header.',
    }),

    check('versioning/header-name-case', {
      title: 'The case of header names does not matter',
      spec: 'rfc9110',
      page: '5.1',
      must: 'take header names as case-insensitive',
      revisions: '2025-03-26..2025-11-25',
      needs: { cased },
      judge: ({ cased: { before, odd, after } }) => controlled([before, after], () => hasResult(odd)),
      fix: 'Look headers up by their lower-case names.',
    }),
  ],
)
