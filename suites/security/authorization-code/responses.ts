import { all, broken, check, each, holds, holdsIf, inconclusive, type Judgement, notApplicable, section } from '../../../src/model/index.ts'
import { type Answer, asPerson, endOf } from './flow.ts'

/** What a state may be made of, and is often not expected to. */
const state = 'Assay+state/with=odd&parts %41;~?#\\'

/** Answers to good requests and to refused ones, each sent back to the client. */
const responses = asPerson('authorization responses', async (flow) => {
  const app = await flow.app()
  // Who has allowed it once may not be asked again.
  const denied = await flow.authorize(app, { state }, { consent: 'deny' })
  const success = await flow.authorize(app, { state })
  const silent = await flow.authorize(app, { state, prompt: 'none' })
  const implicit = await flow.authorize(app, { state, response_type: 'token' })
  return { success, denied, silent, implicit }
})

interface Responses {
  success: Answer
  denied: Answer
  silent: Answer
  implicit: Answer
}

/** Judges every response that came back to the client. */
function returned({ success, denied, silent, implicit }: Responses, judge: (answer: Answer) => Judgement): Judgement {
  if (success.code === undefined) return inconclusive(`a good request brings no code: ${endOf(success)}`, success.last)
  const errors = [denied, silent, implicit].filter(({ redirect, parameters }) => redirect !== undefined && 'error' in parameters)
  return all([success, ...errors].map(judge))
}

const kindOf = ({ parameters }: Answer): string => ('error' in parameters ? `the error ${parameters.error}` : 'a code')

const namesItself = ({ responses }: { responses: Responses }): Judgement =>
  returned(responses, (answer) =>
    holdsIf('iss' in answer.parameters, `sends ${kindOf(answer)} without iss`, {
      expected: 'iss among the parameters',
      actual: Object.keys(answer.parameters),
      exchange: answer.last,
    }),
  )

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc9207',
    page: '2',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-346', 'API2:2023', 'MCP07:2025'],
    threat: 'false-metadata',
  },
  [
    check('authorization-code/issuer-present', {
      spec: 'mcp',
      page: 'basic/authorization#authorization-response-validation',
      revisions: '2026-07-28..',
      title: 'Every authorization response names its issuer',
      should: 'include iss in authorization responses, error responses included',
      needs: { responses },
      judge: namesItself,
      fix: 'Add iss to every redirect back to a client, and authorization_response_iss_parameter_supported to the metadata.',
    }),

    check('authorization-code/issuer-claimed', {
      title: 'A server that claims to name itself does',
      must: 'include iss in every authorization response, since its metadata says that it does',
      needs: { responses },
      judge: ({ responses }, { metadata }) =>
        metadata?.authorization_response_iss_parameter_supported === true
          ? namesItself({ responses })
          : notApplicable('its metadata does not claim authorization_response_iss_parameter_supported'),
      fix: 'Add iss to error responses too; clients that read the metadata throw responses without it away.',
    }),

    check('authorization-code/issuer-exact', {
      page: '2.3',
      title: 'The issuer of a response is the issuer of the metadata',
      must: 'send as iss the very issuer of its metadata',
      needs: { responses },
      judge: ({ responses }, { metadata }) => {
        if (!('iss' in responses.success.parameters) && responses.success.code !== undefined) return notApplicable('responses have no iss')
        return returned(responses, ({ parameters: { iss }, last }) =>
          iss === undefined || iss === metadata?.issuer
            ? holds
            : broken('names another issuer than its metadata', { expected: metadata?.issuer, actual: iss, exchange: last }),
        )
      },
      fix: 'Send the issuer character by character as it stands in the metadata.',
    }),

    check('authorization-code/state', {
      spec: 'rfc6749',
      page: '4.1.2',
      title: 'The state comes back as it was sent',
      must: 'return the exact value of state, in error responses too',
      needs: { responses },
      judge: ({ responses }) =>
        returned(responses, (answer) =>
          holdsIf(answer.parameters.state === state, `sends ${kindOf(answer)} with another state than it received`, {
            expected: state,
            actual: answer.parameters.state ?? 'no state',
            exchange: answer.last,
          }),
        ),
      fix: 'Keep state as the text it was after decoding, and encode it anew in the redirect.',
      weakness: ['CWE-352', 'API2:2023'],
      threat: 'code-interception',
    }),

    check('authorization-code/denial', {
      spec: 'policy',
      page: 'authorization-code',
      title: 'Who denies gives no code away',
      policy: 'send a client whose request a person has denied an error, and no code',
      needs: { responses },
      judge: ({ responses: { denied } }) =>
        denied.consent === undefined
          ? notApplicable('nobody is asked for consent')
          : holdsIf(denied.code === undefined, 'issues a code although the person has denied it', {
              expected: 'access_denied',
              actual: endOf(denied),
              exchange: denied.last,
            }),
      fix: 'Answer access_denied (RFC 6749, section 4.1.2.1) unless the person has allowed the request in so many words.',
      weakness: ['CWE-285', 'API5:2023'],
      threat: 'scope-bypass',
    }),

    check('authorization-code/implicit', {
      spec: 'policy',
      page: 'authorization-code',
      title: 'No token comes by way of the browser',
      policy: 'refuse the response type token, which OAuth 2.1 has removed',
      needs: { responses },
      judge: ({ responses: { implicit } }) =>
        each([implicit], '', ({ parameters, last }) =>
          holdsIf(!('access_token' in parameters), 'sends an access token to the browser', {
            expected: 'unsupported_response_type',
            actual: Object.keys(parameters),
            exchange: last,
          }),
        ),
      fix: 'Turn the implicit grant off, for registered clients in particular.',
      weakness: ['CWE-522', 'API2:2023'],
      threat: 'token-theft',
    }),
  ],
)
