import {
  all,
  answered,
  bodyOf,
  broken,
  check,
  type Exchange,
  headerOf,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  type ProbeContext,
  section,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { formBody } from '../forms.ts'
import { application, type Client, clientIn, controlledHttp, outline, registering } from './desk.ts'
import { askAs, operatorClient, resourceOf } from './token-request.ts'

/** Registrations after which a server without a limit has none. */
const most = 240
const atOnce = 20

const flood = registering(
  'registrations until there are enough',
  async (desk, context) => {
    if (!desk.open) throw new Unfit('not-applicable', 'registration is not open to strangers')
    const control = await desk.register(application)
    const made: Client[] = []
    let refused: Exchange | undefined
    try {
      while (refused === undefined && made.length < most) {
        const batch = await Promise.all(Array.from({ length: atOnce }, () => once(context)))
        made.push(...batch.map(clientIn).filter((client) => client !== undefined))
        refused = batch.find((exchange) => clientIn(exchange) === undefined)
      }
      return { control, made: made.length, refused: refused ?? null, others: await bystander(context) }
    } finally {
      // Only now, as a server may count the clients there are.
      await Promise.all(made.map((client) => undo(context, client)))
    }
  },
  { alone: true, deadline: 60_000 },
)

/** One registration, taken as it comes. */
const once = ({ request, facts }: ProbeContext): Promise<Exchange> =>
  request({
    method: 'POST',
    url: String(facts.metadata!.registration_endpoint),
    headers: [['Content-Type', 'application/json']],
    body: JSON.stringify(application),
    authorize: false,
  })

async function undo({ request, facts }: ProbeContext, client: Client): Promise<void> {
  if (client.place === undefined || client.token === undefined) return
  if (URL.parse(client.place)?.origin !== new URL(facts.url).origin) return
  await request({ method: 'DELETE', url: client.place, headers: [['Authorization', `Bearer ${client.token}`]], authorize: false })
}

/** A client that was there before asks for a token. */
async function bystander(context: ProbeContext): Promise<Exchange | null> {
  if (context.facts.facilities.client !== true) return null
  const { scope } = context.access()
  const fields = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }), ...resourceOf(context) }
  return askAs(context, operatorClient(context), fields)
}

const wrongSecret = 'assay-wrong-secret-assay-wrong-secret'

const guesses = registering('a wrong secret, and a client that does not exist', async (desk, context) => {
  const client = await desk.client({ ...application, token_endpoint_auth_method: 'client_secret_post' })
  if (client.secret === undefined) throw new Unfit('not-applicable', 'registered clients have no secret')
  const ask = (clientId: string, secret: string) =>
    context.request({
      method: 'POST',
      url: String(context.facts.metadata!.token_endpoint),
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: formBody(context, { grant_type: 'authorization_code', code: 'assay', client_id: clientId, client_secret: secret }),
      authorize: false,
    })
  const control = await ask(client.clientId, client.secret)
  return { control, wrong: await ask(client.clientId, wrongSecret), unknown: await ask(`${client.clientId.slice(0, -4)}0000`, wrongSecret) }
})

export default section(
  {
    of: 'authorization-server',
    spec: 'policy',
    page: 'registration',
    revisions: '2025-03-26..',
    requires: 'registration',
    weakness: ['CWE-770', 'CWE-799', 'API4:2023'],
    threat: 'rogue-registration',
  },
  [
    check('registration/rate-limit', {
      title: 'Strangers register only so many clients',
      policy: 'refuse to register some hundred clients one after the other',
      needs: { flood },
      judge: ({ flood: { control, made, refused } }) =>
        controlledHttp([control], () =>
          refused === null
            ? broken('registers clients without end', {
                expected: `a refusal before ${most} clients`,
                actual: `${made} clients`,
                exchange: control,
              })
            : answered(refused, () => (statusOf(refused)! < 500 || statusOf(refused) === 503 ? holds : failed(refused))),
        ),
      fix: 'Limit registrations by address and in total, and answer 429 with Retry-After.',
      threat: 'exhaustion',
    }),

    check('registration/rate-answer', {
      title: 'Whoever registers too often is told when to come back',
      policy: 'answer 429 with Retry-After to registrations that come too fast',
      needs: { flood },
      judge: ({ flood: { refused } }) => {
        if (refused === null) return notApplicable('registrations are not limited')
        return answered(refused, () => {
          if (statusOf(refused) === 403) return notApplicable('the number of clients is limited, not their pace')
          return holdsIf(statusOf(refused) === 429 && headerOf(refused, 'retry-after') !== undefined, 'does not say when to come back', {
            expected: 'HTTP 429 with Retry-After',
            actual: `${summaryOf(refused)}, Retry-After: ${headerOf(refused, 'retry-after') ?? 'none'}`,
            exchange: refused,
          })
        })
      },
      fix: 'Answer 429, with the seconds to wait in Retry-After.',
      weakness: 'API4:2023',
      threat: 'exhaustion',
    }),

    check('registration/bystanders', {
      requires: 'client',
      title: 'A flood of registrations shuts nobody else out',
      policy: 'go on issuing tokens to its clients while registrations are refused',
      needs: { flood },
      judge: ({ flood: { refused, others } }) => {
        if (refused === null || others === null) return notApplicable('registrations are not limited')
        return answered(others, () =>
          holdsIf(statusOf(others) === 200, 'issues no tokens while registrations are refused', {
            expected: 'HTTP 200',
            actual: summaryOf(others),
            exchange: others,
          }),
        )
      },
      fix: 'Count registrations apart from everything else.',
      threat: 'exhaustion',
    }),

    check('registration/enumeration', {
      spec: 'rfc6749',
      page: '5.2',
      title: 'A wrong secret is answered like an unknown client',
      policy: 'answer a wrong secret and a client that does not exist alike, as both are invalid_client',
      needs: { guesses },
      judge: ({ guesses: { control, wrong, unknown } }) => {
        if (bodyOf(control)?.error === 'invalid_client')
          return inconclusive(`the right secret is refused as well: ${summaryOf(control)}`, control)
        return all([wrong, unknown].map((exchange) => answered(exchange, () => holds))).and(
          holdsIf(outline(wrong) === outline(unknown), 'tells a wrong secret from a client that does not exist', {
            expected: outline(unknown),
            actual: outline(wrong),
            exchange: wrong,
          }),
        )
      },
      fix: 'Answer both with 401, invalid_client and the same words.',
      weakness: ['CWE-204', 'API2:2023'],
      threat: 'credential-guessing',
    }),
  ],
)

const failed = (exchange: Exchange): Judgement =>
  broken('fails under a few hundred registrations', { expected: 'HTTP 429', actual: summaryOf(exchange), exchange })
