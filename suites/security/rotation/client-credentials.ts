import {
  all,
  answered,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  notTestable,
  type ProbeContext,
  probe,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { agentMetadata, askForToken, type Credentials, credentialsIn, manage, membersOf, readAuthority, register } from '../flow/agent.ts'
import { trickle } from './trickle.ts'

/** Milliseconds a probe waits at most for a secret to end, and by which it waits longer than it must. */
const longest = 5_000
const margin = 250

/** Requests with a former secret, which are tokens that somebody may bill. */
const mostAsked = 3

/** Members of a registration response that are the server's to say (RFC 7592 §2.2). */
const ofServer = ['registration_access_token', 'registration_client_uri', 'client_secret_expires_at', 'client_id_issued_at']

const issues = (exchange: Exchange): boolean => statusOf(exchange) === 200 && typeof membersOf(exchange).access_token === 'string'

interface Agent {
  registration: Exchange
  credentials: Credentials
  ask(secret?: string): Promise<Exchange>
}

/** Registers an agent for the time of a probe. */
async function withAgent<T>(context: ProbeContext, use: (agent: Agent) => Promise<T>): Promise<T> {
  const metadata = await readAuthority(context)
  const endpoint = String(metadata.token_endpoint)
  const registration = await register(context, String(metadata.registration_endpoint), agentMetadata(context.access()))
  const credentials = credentialsIn(registration)
  if (credentials === undefined) {
    await manage(context, registration, 'DELETE')
    throw new Unfit('not-testable', `an agent with a secret cannot be registered: ${summaryOf(registration)}`)
  }
  try {
    return await use({
      registration,
      credentials,
      ask: (secret = credentials.secret) => askForToken(context, endpoint, { ...credentials, secret }),
    })
  } finally {
    await manage(context, registration, 'DELETE')
  }
}

/** Asks while a secret is good; an answer that comes later says nothing. */
async function askFor(milliseconds: number, ask: () => Promise<Exchange>): Promise<Exchange[]> {
  const began = performance.now()
  const answers: Exchange[] = []
  for (let count = 0; count < mostAsked && performance.now() - began < milliseconds / 2; count++) {
    const exchange = await ask()
    if (performance.now() - began < milliseconds) answers.push(exchange)
  }
  return answers
}

const rotated = probe(
  'a client secret that is replaced',
  { requires: ['registration', 'client secret rotation'], disruptive: true, waits: true },
  (context) =>
    withAgent(context, async ({ credentials, ask }) => {
      const before = await ask()
      const calls = trickle(() => ask())
      await context.pause(80)
      const { clientSecret, overlap } = await context.operate.rotateClientSecret!(credentials.id)
      const began = performance.now()
      const beside = await askFor(overlap, ask)
      const during = await calls.stop()
      const fresh = context.conceal(clientSecret, 'CLIENT_SECRET')
      const first = await ask(fresh)
      if (overlap > longest) return { before, first, during, beside, overlap, former: null, after: await ask(fresh) }
      await context.pause(Math.max(0, overlap - (performance.now() - began)) + margin)
      return { before, first, during, beside, overlap, former: await ask(), after: await ask(fresh) }
    }),
)

const updated = probe('a client that is updated as it was', { requires: 'registration' }, (context) =>
  withAgent(context, async ({ registration, credentials, ask }) => {
    const before = await ask()
    const said = Object.fromEntries(Object.entries(membersOf(registration)).filter(([member]) => !ofServer.includes(member)))
    const update = await manage(context, registration, 'PUT', { body: said })
    if (update === undefined) throw new Unfit('not-applicable', 'the authorization server does not let clients be managed')
    const { client_secret, registration_access_token } = membersOf(update)
    const secret = typeof client_secret === 'string' ? client_secret : credentials.secret
    const evidence = { before, update, replaced: secret !== credentials.secret, after: await ask(secret) }
    // A token that was replaced deletes nothing any more.
    const token = typeof registration_access_token === 'string' ? registration_access_token : undefined
    await manage(context, registration, 'DELETE', { token })
    return evidence
  }),
)

const expiring = probe('a client secret that expires', { requires: 'registration' }, (context) =>
  withAgent(context, async ({ registration, ask }) => {
    const before = await ask()
    const expires = Number(membersOf(registration).client_secret_expires_at ?? 0)
    const left = expires * 1_000 - Date.now()
    if (expires === 0 || left > longest) return { before, expires, after: null }
    await context.pause(Math.max(0, left) + 1_000)
    return { before, expires, after: await ask() }
  }),
)

const spent = probe(
  'initial access tokens that are used up',
  { requires: ['registration', 'limited initial access token'], disruptive: true },
  async (context) => {
    const endpoint = String((await readAuthority(context)).registration_endpoint)
    const send = (token: string) =>
      context.request({
        url: endpoint,
        authorize: false,
        headers: [
          ['Content-Type', 'application/json'],
          ['Authorization', `Bearer ${token}`],
        ],
        body: JSON.stringify(agentMetadata(context.access())),
      })
    const tokenFor = async (uses: number) => context.conceal(await context.operate.initialAccessToken!(uses), 'INITIAL_ACCESS_TOKEN')
    const [one, two, shared] = await Promise.all([tokenFor(1), tokenFor(2), tokenFor(1)])
    const inTurn = [await send(one), await send(one)]
    const twice = [await send(two), await send(two), await send(two)]
    const atOnce = await Promise.all([send(shared), send(shared), send(shared)])
    const registered = [...inTurn, ...twice, ...atOnce].filter((exchange) => statusOf(exchange) === 201)
    await Promise.all(registered.map((exchange) => manage(context, exchange, 'DELETE')))
    return { uses: [1, 2, 1], tried: [inTurn, twice, atOnce] }
  },
)

const gives = (exchange: Exchange, what: string): Judgement =>
  answered(exchange, () => holdsIf(issues(exchange), what, { expected: 'HTTP 200 with a token', actual: summaryOf(exchange), exchange }))

const refuses = (exchange: Exchange, what: string): Judgement =>
  answered(exchange, () => {
    const status = statusOf(exchange)!
    if (status === 429 || status >= 500) return inconclusive(`the authorization server answers ${status}`, exchange)
    return holdsIf(!issues(exchange), what, { expected: 'invalid_client', actual: summaryOf(exchange), exchange })
  })

/** Says something only when the agent has had a token before. */
const once = (before: Exchange, judge: () => Judgement): Judgement =>
  issues(before) ? judge() : inconclusive(`the control, a token for the agent, is not issued: ${summaryOf(before)}`, before)

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'rotation',
    revisions: 'all',
    requires: 'registration',
    weakness: ['CWE-324', 'API2:2023'],
    threat: 'stale-credential',
  },
  [
    check('rotation/client-secret', {
      requires: 'client secret rotation',
      title: 'A new client secret is good at once',
      policy: 'accept the new secret of a client as soon as it has been given, and from then on',
      needs: { rotated },
      judge: ({ rotated: { before, first, after } }) =>
        once(before, () => all([first, after].map((exchange) => gives(exchange, 'does not accept the new secret of a client')))),
      fix: 'Store the new secret before it is handed out, on every node.',
    }),

    check('rotation/client-secret-overlap', {
      requires: 'client secret rotation',
      title: 'The former client secret is good for the time that is stated',
      policy: 'accept the former secret of a client beside the new one for the time it states, so that no request fails meanwhile',
      needs: { rotated },
      judge: ({ rotated: { before, during, beside, overlap } }) =>
        once(before, () => {
          if (overlap === 0) return notApplicable('the authorization server replaces secrets without an overlap')
          if (beside.length === 0) return inconclusive('no request was answered while both secrets are good')
          return all([...during, ...beside].map((exchange) => gives(exchange, 'refuses the former secret of a client too early')))
        }),
      fix: 'Keep the former secret until the overlap ends.',
    }),

    check('rotation/client-secret-end', {
      requires: 'client secret rotation',
      weakness: ['CWE-324', 'CWE-613', 'API2:2023'],
      title: 'The former client secret ends when it is stated',
      policy: 'refuse the former secret of a client once the time it states is over',
      needs: { rotated },
      judge: ({ rotated: { before, after, former, overlap } }) =>
        once(before, () =>
          former === null
            ? notTestable(`the former secret is good for ${Math.round(overlap / 1_000)} seconds, longer than a probe waits`)
            : gives(after, 'does not accept the new secret of a client').kind === 'holds'
              ? refuses(former, 'accepts a client secret that was replaced')
              : inconclusive('the control, the new secret, is not accepted', after),
        ),
      fix: 'Compare with the former secret only until its time is over.',
    }),

    check('rotation/secret-after-update', {
      spec: 'rfc7592',
      page: '5',
      title: 'The secret an update names is good',
      policy: 'accept the client_secret that the answer to an update gives, or the one before when it gives none',
      needs: { updated },
      judge: ({ updated: { before, update, after } }) =>
        once(before, () =>
          statusOf(update) === 200
            ? gives(after, 'does not accept the secret it has given in answer to an update')
            : notTestable(`the update of a client, unchanged, is answered with ${summaryOf(update)}`),
        ),
      fix: 'Answer an update with the secret that is in force.',
    }),

    check('rotation/secret-expiry', {
      spec: 'rfc7591',
      page: '3.2.1',
      weakness: ['CWE-324', 'CWE-613', 'API2:2023'],
      title: 'An expired client secret is refused',
      policy: 'refuse a client secret after the time in client_secret_expires_at',
      needs: { expiring },
      judge: ({ expiring: { before, expires, after } }) => {
        if (expires === 0) return notApplicable('client secrets do not expire')
        if (after === null)
          return notTestable(`the secret is good until ${new Date(expires * 1_000).toISOString()}, longer than a probe waits`)
        return once(before, () => refuses(after, 'issues a token for a client secret that has expired'))
      },
      fix: 'Compare client_secret_expires_at with the clock whenever a client presents its secret.',
    }),

    check('rotation/initial-token-uses', {
      requires: 'limited initial access token',
      weakness: ['CWE-837', 'API2:2023', 'API4:2023'],
      threat: 'rogue-registration',
      title: 'An initial access token registers as many clients as it is for',
      policy: 'refuse an initial access token that is used up, and let requests at once not share its last use',
      needs: { spent },
      judge: ({ spent: { uses, tried } }) =>
        all(
          tried.map((exchanges, at) => {
            const [control] = exchanges
            const registered = exchanges.filter((exchange) => statusOf(exchange) === 201)
            if (registered.length === 0)
              return inconclusive(`the control, the first use, does not succeed: ${summaryOf(control!)}`, control)
            return registered.length <= uses[at]!
              ? holds
              : holdsIf(false, 'registers more clients with an initial access token than it is for', {
                  expected: `${uses[at]} clients`,
                  actual: `${registered.length} clients`,
                  exchange: registered.at(-1),
                })
          }),
        ),
      fix: 'Take one use of the token off in the same step that looks whether there is one left.',
    }),
  ],
)
