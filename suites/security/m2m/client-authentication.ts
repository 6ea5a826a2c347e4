import {
  all,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  notTestable,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { between, codeOf, decided, eachOf, everyRefused, methodsOf, refused, refusedAs, tokenOf, toldBy, type Way } from './machine.ts'
import { guesses, type OwnClients, ownClients } from './registered.ts'
import { type Requests, requests } from './requests.ts'

/** Milliseconds from which an answer counts as held back. */
const slow = 1_000

/** The operator's client may be registered for one way only: a client of our own, registered for this very way, decides. */
function offers(way: Way, { presented }: Requests, own: OwnClients, metadata: Record<string, unknown> | undefined): Judgement {
  const [given, registered] = [presented[way], own[way]]
  if ([given, registered].some((exchange) => exchange && tokenOf(exchange) !== undefined)) return holds
  if (!methodsOf({ metadata }).includes(`client_secret_${way}`)) return notApplicable(`its metadata does not offer client_secret_${way}`)
  if (registered !== undefined)
    return decided(registered, () =>
      broken(`gives no token to a client that is registered for client_secret_${way}`, {
        expected: 'HTTP 200 with a token',
        actual: toldBy(registered),
        exchange: registered,
      }),
    )
  return notTestable(`needs a client that is registered for client_secret_${way}`)
}

const controlled = ({ before, after }: Requests, judge: () => Judgement): Judgement => between([before.exchange, after.exchange], judge)

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc6749',
    page: '2.3.1',
    revisions: '2025-03-26..',
    requires: 'client',
    weakness: ['CWE-287', 'API2:2023'],
    threat: 'client-takeover',
  },
  [
    check('m2m/methods', {
      spec: 'policy',
      page: 'm2m',
      title: 'Machines may authenticate in a way MCP names',
      policy: 'offer client_secret_basic or private_key_jwt, as the client credentials extension of MCP asks of authorization servers',
      needs: { requests },
      judge: (_, { metadata }) => {
        const methods = methodsOf({ metadata })
        return holdsIf(
          methods.some((method) => method === 'client_secret_basic' || method === 'private_key_jwt'),
          'offers neither client_secret_basic nor private_key_jwt',
          { expected: 'client_secret_basic or private_key_jwt', actual: methods },
        )
      },
      fix: 'List under token_endpoint_auth_methods_supported at least one of the two.',
      threat: 'misread-answer',
    }),

    check('m2m/basic', {
      requires: 'registration',
      title: 'A client with a secret authenticates by HTTP Basic',
      must: 'support HTTP Basic for clients that were issued a secret',
      needs: { requests, ownClients },
      judge: ({ requests, ownClients }, { metadata }) => offers('basic', requests, ownClients, metadata),
      fix: 'Accept client id and secret in the Authorization field, whatever else is accepted.',
      threat: 'misread-answer',
    }),

    check('m2m/post', {
      requires: 'registration',
      spec: 'rfc8414',
      page: '2',
      title: 'A secret in the body is accepted where that is offered',
      must: 'support client_secret_post when it lists it among the methods of the token endpoint',
      needs: { requests, ownClients },
      judge: ({ requests, ownClients }, { metadata }) => offers('post', requests, ownClients, metadata),
      fix: 'Publish under token_endpoint_auth_methods_supported what the token endpoint accepts.',
      threat: 'misread-answer',
    }),

    check('m2m/basic-encoding', {
      title: 'Credentials in the Authorization field are decoded',
      should: 'decode client id and secret from application/x-www-form-urlencoded after it has taken them from the Authorization field',
      needs: { requests },
      judge: (evidence) => {
        const { encoded } = evidence.requests
        if (encoded === undefined) return notApplicable('the client does not authenticate by Basic')
        return controlled(evidence.requests, () =>
          decided(encoded.exchange, () =>
            holdsIf(tokenOf(encoded.exchange) !== undefined, 'does not know a client whose credentials are encoded', {
              expected: 'HTTP 200 with a token',
              actual: toldBy(encoded.exchange),
              exchange: encoded.exchange,
            }),
          ),
        )
      },
      fix: 'Decode both parts: a secret with a plus, a percent sign or a colon cannot be sent otherwise.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('m2m/secret-in-url', {
      title: 'A secret in the URL is not accepted',
      must: 'take client credentials from the body or the Authorization field, and not from the request URI',
      needs: { requests },
      judge: (evidence) => controlled(evidence.requests, () => everyRefused(evidence.requests.misplaced.query)),
      fix: 'Refuse a request whose URL holds a secret: URLs end up in logs.',
      weakness: ['CWE-598', 'API2:2023', 'MCP01:2025'],
      threat: 'token-theft',
    }),

    check('m2m/guessing', {
      title: 'Guesses at a secret are slowed down',
      policy: 'throttle a client, or whoever speaks for it, after fifty wrong secrets at the latest',
      needs: { guesses },
      judge: ({ guesses: { control, guesses, after } }) =>
        between([control], () => {
          const slowed = guesses.filter(isHeldBack)
          const locked = after[0] !== undefined && tokenOf(after[0]) === undefined
          return holdsIf(slowed.length > 0 || locked, `answers ${guesses.length} wrong secrets in a row as readily as the first`, {
            expected: 'HTTP 429, a lock or a growing delay',
            actual: toldBy(guesses.at(-1)!),
            exchange: guesses.at(-1),
          })
        }),
      fix: 'Count failed attempts per client and sender, and answer 429 with Retry-After above a limit.',
      weakness: ['CWE-307', 'API2:2023', 'API4:2023'],
      threat: 'credential-guessing',
    }),

    check('m2m/guessing-lock', {
      page: '2.3.1',
      title: 'Guesses do not lock a client out',
      policy: 'serve the client with its right secret again within a few seconds after somebody has guessed at it',
      needs: { guesses },
      judge: ({ guesses: { control, after } }) =>
        between([control], () =>
          holdsIf(
            after.some((exchange) => tokenOf(exchange) !== undefined),
            'locks out a client whose secret somebody has guessed at',
            { expected: 'HTTP 200 with a token', actual: toldBy(after.at(-1)!), exchange: after.at(-1) },
          ),
        ),
      fix: 'Throttle the sender of the guesses rather than the client, and let the limit end by itself.',
      weakness: ['CWE-400', 'API4:2023'],
      threat: 'exhaustion',
    }),

    check('m2m/guessing-delay', {
      spec: 'rfc6585',
      page: '4',
      title: 'Who is slowed down is told for how long',
      policy: 'say in Retry-After when to try again, when it answers 429',
      needs: { guesses },
      judge: ({ guesses: { guesses, after } }) => {
        const limited = [...guesses, ...after].filter((exchange) => statusOf(exchange) === 429)
        if (limited.length === 0) return notApplicable('nothing was answered with 429')
        return all(
          limited.slice(0, 5).map((exchange) =>
            holdsIf(exchange.response!.headers['retry-after'] !== undefined, 'does not say when to try again', {
              expected: 'Retry-After',
              actual: toldBy(exchange),
              exchange,
            }),
          ),
        )
      },
      fix: 'Add Retry-After to 429.',
      weakness: ['CWE-799', 'API4:2023'],
      threat: 'credential-guessing',
    }),

    check('m2m/two-methods', {
      page: '2.3',
      title: 'A client authenticates in one way',
      should: 'refuse a request with more than one way of client authentication as invalid_request',
      needs: { requests },
      judge: (evidence) =>
        controlled(evidence.requests, () =>
          eachOf([evidence.requests.twice], 'it was not tried', (attempt) => refusedAs(attempt, 'invalid_request', 'invalid_client')),
        ),
      fix: 'Refuse it: otherwise two parts of a system may take the request for that of different clients.',
      weakness: ['CWE-287', 'API2:2023'],
    }),

    check('m2m/secret', {
      page: '4.4.2',
      title: 'A wrong secret brings no token',
      must: 'authenticate the client, and so compare the whole secret exactly',
      needs: { requests },
      judge: (evidence) => controlled(evidence.requests, () => everyRefused(evidence.requests.secrets)),
      fix: 'Compare the secret in its full length and in constant time, or a salted hash of it.',
    }),

    check('m2m/secret-missing', {
      page: '4.4.2',
      title: 'A client id alone brings no token',
      must: 'authenticate the client, and so refuse one that presents no credentials',
      needs: { requests },
      judge: (evidence) => controlled(evidence.requests, () => everyRefused(evidence.requests.anonymous)),
      fix: 'Refuse a client that has a secret and does not send it.',
      weakness: ['CWE-306', 'API2:2023'],
    }),

    check('m2m/secret-of-another', {
      page: '4.4.2',
      requires: 'second client',
      title: 'The secret of another client brings no token',
      must: 'authenticate the client, and so compare the secret with that of this very client',
      needs: { requests },
      judge: (evidence) => controlled(evidence.requests, () => everyRefused(evidence.requests.borrowed)),
      fix: 'Look the client up by its id, and compare the secret with its own.',
    }),

    check('m2m/public-client', {
      page: '4.4',
      requires: 'registration',
      title: 'Clients without credentials get no tokens of their own',
      must: 'leave the client credentials grant to confidential clients',
      needs: { ownClients },
      judge: ({ ownClients: { open } }) => {
        if (open === undefined) return notTestable('no client without credentials could be registered')
        return decided(open.machine.exchange, () => refused(open.machine))
      },
      fix: 'Refuse the grant to clients that are registered without a secret or key.',
      weakness: ['CWE-306', 'API2:2023'],
    }),
  ],
)

/** Refused otherwise than for the secret, or late. */
function isHeldBack(exchange: Exchange): boolean {
  const status = statusOf(exchange)
  if (status === undefined || status === 429 || status === 423 || status === 403) return true
  const code = codeOf(exchange)
  return (code !== undefined && /slow_down|locked|too_many|throttl|temporar/i.test(code)) || exchange.ended - exchange.started >= slow
}
