import {
  answered,
  check,
  controlled,
  type Exchange,
  each,
  holdsIf,
  inconclusive,
  mediaTypeOf,
  notApplicable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { askForToken, type Credentials, membersOf, readAuthority } from '../flow/agent.ts'
import { trickle } from '../rotation/trickle.ts'
import { refusedInTime, tokenInUse, untilRefused, window } from '../tokens/ending.ts'

const issues = (exchange: Exchange): boolean => statusOf(exchange) === 200 && typeof membersOf(exchange).access_token === 'string'

/** What a tenant can do before it leaves and after, and what another can do meanwhile. */
const left = probe(
  'a tenant that is offboarded',
  {
    over: 'http',
    requires: ['authorization', 'authority', 'tenant offboarding'],
    alone: true,
    disruptive: true,
    deadline: 40_000,
  },
  async (context) => {
    const endpoint = String((await readAuthority(context)).token_endpoint)
    const tenant = await context.operate.temporaryTenant!()
    const credentials = { id: tenant.clientId, secret: context.conceal(tenant.clientSecret, 'CLIENT_SECRET') }
    let gone = false
    const leave = async () => {
      if (gone) return
      gone = true
      await tenant.offboard()
    }
    try {
      return await watched(context, endpoint, credentials, leave)
    } finally {
      await leave()
    }
  },
)

async function watched(context: ProbeContext, endpoint: string, credentials: Credentials, leave: () => Promise<void>) {
  const ask = () => askForToken(context, endpoint, credentials)
  const { token, open } = await tokenInUse(context, endpoint, credentials)
  const method = context.era === 'stateless' ? 'server/discover' : 'ping'
  const [connection, bystander] = await Promise.all([context.connect({ token }), context.connect()])
  const before = [connection.opening, await connection.send(method), await bystander.send(method)]
  const stream = await connection.listen()
  const opened = mediaTypeOf(stream.exchange) === 'text/event-stream' && !(await stream.ended(0))
  const calls = trickle(() => bystander.send(method))
  await leave()
  const again = await ask()
  const [fresh, inUse, ended] = await Promise.all([
    untilRefused(context, () => open(true)),
    untilRefused(context, () => connection.send(method)),
    opened && stream.ended(window),
  ])
  await stream.close()
  return {
    before,
    // An answer that is kept for a moment somewhere is no access yet.
    again: issues(again) ? await askLater(context, ask) : again,
    fresh,
    inUse,
    stream: { exchange: stream.exchange, opened, ended },
    during: await calls.stop(),
    after: await bystander.send(method),
  }
}

async function askLater({ pause }: ProbeContext, ask: () => Promise<Exchange>): Promise<Exchange> {
  await pause(window)
  return ask()
}

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'authority', 'tenant offboarding'],
    weakness: ['CWE-613', 'API2:2023', 'MCP07:2025'],
    threat: 'stale-credential',
  },
  [
    check('tenants/offboarded-client', {
      title: 'A tenant that has left is given no more tokens',
      policy: `give the clients of a tenant no token from ${window / 1_000} seconds after it was offboarded`,
      needs: { left },
      judge: ({ left: { before, again } }) =>
        controlled(before, () =>
          answered(again, () =>
            (statusOf(again) ?? 0) >= 500 || statusOf(again) === 429
              ? inconclusive(`the authorization server answers ${statusOf(again)}`, again)
              : holdsIf(!issues(again), 'gives a token to a tenant that has left', {
                  expected: 'invalid_client or unauthorized_client',
                  actual: summaryOf(again),
                  exchange: again,
                }),
          ),
        ),
      fix: 'Disable or delete every client of a tenant when it is offboarded.',
    }),

    check('tenants/offboarded-token', {
      title: 'The token of a tenant that has left is refused soon',
      policy: `refuse the tokens a tenant already has within ${window / 1_000} seconds after it was offboarded`,
      needs: { left },
      judge: ({ left: { before, fresh } }) => controlled(before, () => refusedInTime('of a tenant that has left', fresh)),
      fix: 'Revoke the tokens of the tenant, and ask the issuer whether a token is still active (RFC 7662); or give tokens a life of minutes.',
    }),

    check('tenants/offboarded-session', {
      revisions: '2025-03-26..2025-11-25',
      requires: 'sessions',
      title: 'The session of a tenant that has left is over soon',
      policy: `serve nothing in the sessions of a tenant from ${window / 1_000} seconds after it was offboarded`,
      needs: { left },
      judge: ({ left: { before, inUse } }) => controlled(before, () => refusedInTime('of a tenant that has left, in its session', inUse)),
      fix: 'Verify the token on every request of a session, as if there were none.',
    }),

    check('tenants/offboarded-stream', {
      title: 'The open stream of a tenant that has left is ended soon',
      policy: `end the streams a tenant has open within ${window / 1_000} seconds after it was offboarded`,
      needs: { left },
      judge: ({ left: { before, stream } }) =>
        controlled(before, () =>
          stream.opened
            ? holdsIf(stream.ended, 'keeps the stream of a tenant open that has left', {
                expected: 'the end of the stream',
                actual: 'an open stream',
                exchange: stream.exchange,
              })
            : notApplicable('the target opens no stream for what it sends by itself'),
        ),
      fix: 'Look again from time to time whether the token of an open stream is still active, and end the stream when it is not.',
    }),

    check('tenants/offboarded-neighbour', {
      title: 'Nobody notices when another tenant leaves',
      policy: 'serve every other tenant while one is offboarded, and afterwards',
      weakness: ['CWE-400', 'API4:2023'],
      threat: 'noisy-neighbour',
      needs: { left },
      judge: ({ left: { before, during, after } }) =>
        controlled(before, () =>
          each([...during, after], 'no call was made meanwhile', (exchange) =>
            answered(exchange, () =>
              statusOf(exchange) === 429
                ? inconclusive('the target takes no more requests for now', exchange)
                : holdsIf(resultOf(exchange) !== undefined, 'fails a tenant because another has left', {
                    expected: 'a result',
                    actual: summaryOf(exchange),
                    exchange,
                  }),
            ),
          ),
        ),
      fix: 'Withdraw what belongs to the tenant that leaves, by its name; flush nothing that all share.',
    }),
  ],
)
