import { answered, check, holdsIf, notApplicable, notTestable, resultOf, section, statusOf, summaryOf } from '../../../src/model/index.ts'
import { membersOf, vouched } from './agent.ts'
import { flow } from './probes.ts'
import { asked, isRegistered, registered, strangerRefused, talking, turnedAway } from './steps.ts'

/** Members of a registration response that hold a secret or say when it ends (RFC 7591 §3.2.1). */
const ofSecret = 'client_secret_expires_at'

export default section(
  { spec: 'policy', page: 'flow', revisions: '2025-03-26..', over: 'http', requires: ['authorization', 'authority'] },
  [
    check('flow/registration', {
      spec: 'rfc7591',
      page: '3.2.1',
      weakness: 'API8:2023',
      threat: 'rogue-registration',
      title: 'Step 1: an agent registers',
      policy: 'answer 201 to the registration of an agent, as a stranger or with an initial access token',
      needs: { flow },
      judge: ({ flow: { registration } }) => registered(registration, isRegistered),
      fix: 'Let agents register with the client credentials grant, with an initial access token where registration is not open.',
    }),

    check('flow/software-statement', {
      spec: 'rfc7591',
      page: '2.3',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'rogue-registration',
      title: 'Step 2: the word of a stranger for a software counts for nothing',
      must: 'believe only software statements that are signed by somebody it trusts',
      needs: { flow },
      judge: ({ flow: { registration, statement } }) =>
        registered(registration, (own) =>
          statusOf(own) !== 201
            ? notTestable('the control, the same registration without a statement, does not succeed')
            : registered(statement, (strangers) => strangerRefused(strangers, vouched)),
        ),
      fix: 'Verify a software statement with the keys of the issuers you approve of, and refuse the registration when it does not hold.',
    }),

    check('flow/credentials', {
      spec: 'rfc7591',
      page: '3.2.1',
      weakness: 'API2:2023',
      threat: 'rogue-registration',
      title: 'Step 3: the agent is given its credentials',
      must: 'answer a registration with client_id, and with client_secret_expires_at beside a client_secret',
      needs: { flow },
      judge: ({ flow: { registration } }) =>
        registered(registration, (exchange) => {
          if (statusOf(exchange) !== 201) return notTestable('the step before fails: the agent is not registered')
          const body = membersOf(exchange)
          const missing = ['client_id', 'client_secret', ofSecret].filter((member) => body[member] === undefined)
          return holdsIf(missing.length === 0, `registers an agent without ${missing.join(' and ')}`, {
            expected: 'client_id, client_secret, client_secret_expires_at',
            actual: Object.keys(body).join(', '),
            exchange,
          })
        }),
      fix: 'Issue a secret for client_secret_basic, and say when it expires; 0 says never.',
    }),

    check('flow/client-id', {
      spec: 'rfc9068',
      page: '5',
      weakness: ['CWE-290', 'API2:2023'],
      threat: 'client-takeover',
      title: 'An agent cannot take the name of a user',
      should: 'not let a client choose its client_id, which as the subject of a token might be that of a user',
      requires: 'user',
      needs: { flow },
      judge: ({ flow: { registration, chosen } }) =>
        registered(registration, (own) => {
          if (statusOf(own) !== 201) return notTestable('the control, the same registration without a client_id, does not succeed')
          return registered(chosen?.exchange, (exchange) =>
            holdsIf(membersOf(exchange).client_id !== chosen!.user, 'lets a client choose an id that is the name of a user', {
              expected: 'an id the server has chosen, or HTTP 400',
              actual: membersOf(exchange).client_id,
              exchange,
            }),
          )
        }),
      fix: 'Generate client ids, and ignore or refuse a client_id in a registration.',
    }),

    check('flow/agent-request', {
      page: 'flow',
      weakness: 'API2:2023',
      threat: 'unaccounted-action',
      title: 'Step 4: the gateway lets the agent in',
      policy: 'serve an agent that has registered and brings its token',
      needs: { flow },
      judge: (evidence) =>
        talking(evidence.flow, ({ opening }) =>
          answered(opening, () =>
            statusOf(opening) === 403
              ? notTestable('an agent that registers itself is not given the scopes to use the gateway')
              : holdsIf(resultOf(opening) !== undefined, 'does not let a registered agent in', {
                  expected: 'a result',
                  actual: summaryOf(opening),
                  exchange: opening,
                }),
          ),
        ),
      fix: 'Decide by issuer, audience and scope of the token, not by a list of clients, where agents register by themselves.',
    }),

    check('flow/client-authentication', {
      spec: 'rfc6749',
      page: '4.4.2',
      weakness: ['CWE-287', 'API2:2023'],
      threat: 'credential-guessing',
      title: 'Step 5: the credentials of the agent are validated',
      must: 'authenticate the client before it issues a token',
      needs: { flow },
      judge: (evidence) =>
        asked(evidence.flow, ({ wrong, token }) =>
          statusOf(token) === 200
            ? turnedAway(wrong, 'issues a token to an agent with a wrong secret')
            : notTestable('the control, the same request with the right secret, does not succeed'),
        ),
      fix: 'Compare the secret of the client with the one it was given, in constant time.',
    }),

    check('flow/access-token', {
      spec: 'rfc6749',
      page: '5.1',
      weakness: 'API2:2023',
      threat: 'misdirected-token',
      title: 'Step 6: the agent is given an access token',
      must: 'answer a right request for a token with access_token and token_type',
      needs: { flow },
      judge: (evidence) =>
        asked(evidence.flow, ({ token }) =>
          answered(token, () => {
            const { access_token, token_type } = membersOf(token)
            const given = statusOf(token) === 200 && typeof access_token === 'string' && /^bearer$/i.test(String(token_type))
            return holdsIf(given, 'gives a registered agent no token', {
              expected: 'HTTP 200 with access_token and the token_type Bearer',
              actual: summaryOf(token),
              exchange: token,
            })
          }),
        ),
      fix: 'Grant client credentials to agents that were registered for them, for the scopes they were registered with.',
    }),

    check('flow/token-audience', {
      spec: 'rfc8707',
      page: '2.2',
      weakness: ['CWE-668', 'API2:2023'],
      threat: 'misdirected-token',
      title: 'The token of the agent is for the gateway',
      policy: 'name the resource asked for in the audience of the token',
      requires: 'resource',
      needs: { flow },
      judge: (evidence) =>
        talking(evidence.flow, ({ claims }) => {
          const { token } = evidence.flow.asked!
          if (claims === undefined) return notApplicable('the token is opaque')
          const resource = new URLSearchParams(token.request.body).get('resource')
          return holdsIf([claims.aud].flat().includes(resource), 'issues a token for another audience, or for none', {
            expected: resource,
            actual: claims.aud ?? 'no audience',
            exchange: token,
          })
        }),
      fix: 'Set aud to the resource indicator of the request; with an audience mapper where the server does not do it by itself.',
    }),

    check('flow/token-validation', {
      spec: 'mcp',
      page: 'basic/authorization#token-handling',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
      title: 'The gateway validates the token of the agent',
      must: 'validate access tokens, and so refuse that of the agent once it is damaged',
      needs: { flow },
      judge: (evidence) =>
        talking(evidence.flow, ({ opening, damaged }) =>
          resultOf(opening) === undefined
            ? notTestable('the control, the same request with the token undamaged, does not succeed')
            : turnedAway(damaged, 'accepts the damaged token of an agent'),
        ),
      fix: 'Verify the signature of every token with the keys of its issuer.',
      covers: 'auth.rs.401',
    }),
  ],
)
