import {
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  headerOf,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { bearerOf, type Challenge, parseChallenges } from '../challenge.ts'

/** Openings without a token and with a wrong one, between two with the right one. */
export const challenges = probe('the challenges of a target', { over: 'http', requires: 'authorization' }, async ({ connect }) => {
  const before = (await connect({ hold: true })).opening
  const [without, wrong] = await Promise.all([
    connect({ identity: null, hold: true }),
    connect({ token: 'assay.not-a.token', forged: true, hold: true }),
  ])
  return { before, without: without.opening, wrong: wrong.opening, after: (await connect({ hold: true })).opening }
})

export const challengeOf = (exchange: Exchange): string | undefined => headerOf(exchange, 'www-authenticate')

const unauthorized = (exchange: Exchange, judge: () => Judgement): Judgement =>
  answered(exchange, () => (statusOf(exchange) === 401 ? judge() : notApplicable(`the target answers ${statusOf(exchange)}, not 401`)))

/** Judges the Bearer challenge of a 401; one that is missing is left to the check for that. */
const bearer = (exchange: Exchange, judge: (challenge: Challenge) => Judgement): Judgement =>
  unauthorized(exchange, () => {
    const challenge = bearerOf(challengeOf(exchange))
    return challenge === undefined ? notApplicable('the target sends no Bearer challenge that can be read') : judge(challenge)
  })

export default section(
  {
    threat: 'false-metadata',
    weakness: 'API8:2023',
    spec: 'mcp',
    page: 'basic/authorization#protected-resource-metadata-discovery-requirements',
    movedTo: 'basic/authorization/authorization-server-discovery#protected-resource-metadata-discovery-requirements',
    revisions: '2025-11-25..',
    over: 'http',
    requires: 'authorization',
  },
  [
    check('metadata/challenge', {
      spec: 'rfc6750',
      page: '3',
      revisions: '2025-03-26..',
      title: 'A 401 has a Bearer challenge',
      must: 'send a WWW-Authenticate field with the scheme Bearer in a 401',
      needs: { challenges },
      judge: ({ challenges: { before, without, after } }) =>
        controlled([before, after], () =>
          unauthorized(without, () =>
            holdsIf(/(^|[\s,])bearer(\s|,|$)/i.test(challengeOf(without) ?? ''), 'asks for a token without saying for which', {
              expected: 'WWW-Authenticate: Bearer …',
              actual: challengeOf(without) ?? summaryOf(without),
              exchange: without,
            }),
          ),
        ),
      fix: 'Send `WWW-Authenticate: Bearer resource_metadata="…"` with every 401.',
      covers: 'auth.rs.www-authenticate',
    }),

    check('metadata/challenge-syntax', {
      spec: 'rfc9110',
      page: '11.6.1',
      revisions: '2025-03-26..',
      title: 'Challenges can be parsed',
      must: 'send challenges that fit the grammar: a scheme, then parameters separated by commas, with values quoted where they are no tokens',
      needs: { challenges },
      judge: ({ challenges: { before, without, wrong, after } }) =>
        controlled([before, after], () => readable(without).and(readable(wrong))),
      fix: 'Quote parameter values, separate them with commas, and name each once.',
    }),

    check('metadata/challenge-location', {
      page: 'basic/authorization#authorization-server-location',
      revisions: '2025-06-18',
      title: 'The challenge says where the metadata is',
      must: 'name the URL of its metadata in the WWW-Authenticate field of a 401',
      needs: { challenges },
      judge: ({ challenges: { before, without, after } }) =>
        controlled([before, after], () =>
          unauthorized(without, () => {
            const url = bearerOf(challengeOf(without))?.parameters.resource_metadata
            return holdsIf(url !== undefined && URL.canParse(url), 'does not say where its metadata is', {
              expected: 'resource_metadata="https://…"',
              actual: challengeOf(without) ?? 'no WWW-Authenticate',
              exchange: without,
            })
          }),
        ),
      fix: 'Add resource_metadata, with the absolute URL of the metadata, to the challenge.',
      covers: 'auth.rs.www-authenticate',
    }),

    check('metadata/challenge-scope', {
      weakness: 'MCP02:2025',
      movedTo: 'basic/authorization#scope-selection-strategy',
      title: 'The challenge says which scopes are needed',
      should: 'include a scope parameter in the challenge of a 401',
      needs: { challenges },
      judge: ({ challenges: { before, without, after } }) =>
        controlled([before, after], () =>
          bearer(without, ({ parameters }) =>
            holdsIf((parameters.scope ?? '') !== '', 'does not say which scopes are needed', {
              expected: 'scope="…"',
              actual: challengeOf(without),
              exchange: without,
            }),
          ),
        ),
      fix: 'Name the scopes the refused request needs, and no more.',
      covers: 'auth.rs.www-authenticate.scope',
    }),

    check('metadata/challenge-unasked', {
      spec: 'rfc6750',
      page: '3.1',
      revisions: '2025-03-26..',
      title: 'A challenge to a request without a token names no error',
      should: 'not include an error code when the request had no authentication information',
      needs: { challenges },
      judge: ({ challenges: { before, without, after } }) =>
        controlled([before, after], () =>
          bearer(without, ({ parameters }) =>
            holdsIf(parameters.error === undefined, 'names an error where no token was sent', {
              expected: 'no error parameter',
              actual: challengeOf(without),
              exchange: without,
            }),
          ),
        ),
      fix: 'Leave error and error_description out when no token was sent.',
    }),

    check('metadata/challenge-error', {
      spec: 'rfc6750',
      page: '3',
      revisions: '2025-03-26..',
      title: 'A challenge to a wrong token says so',
      should: 'include the error invalid_token in the challenge when a token was sent and refused',
      needs: { challenges },
      judge: ({ challenges: { before, wrong, after } }) =>
        controlled([before, after], () =>
          bearer(wrong, ({ parameters }) =>
            holdsIf(parameters.error === 'invalid_token', 'does not say that the token is wrong', {
              expected: 'error="invalid_token"',
              actual: challengeOf(wrong),
              exchange: wrong,
            }),
          ),
        ),
      fix: 'Add error="invalid_token", so that clients fetch a new token rather than send the same again.',
    }),
  ],
)

function readable(exchange: Exchange): Judgement {
  return unauthorized(exchange, () => {
    const field = challengeOf(exchange)
    if (field === undefined) return notApplicable('the target sends no challenge')
    return parseChallenges(field) === undefined
      ? broken('sends a challenge that cannot be parsed', { expected: 'Bearer name="value", name="value"', actual: field, exchange })
      : holds
  })
}
