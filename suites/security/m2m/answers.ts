import {
  all,
  answered,
  bodyOf,
  check,
  type Exchange,
  each,
  hasStatus,
  headerOf,
  holdsIf,
  inconclusive,
  type Judgement,
  mediaTypeOf,
  notApplicable,
  probe,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { type Challenge, parseChallenges } from '../challenge.ts'
import { between, by, codeOf, decided, eachOf, endpointOf, formOf, grant, postForm, read, refusedAs, tokenOf, toldBy } from './machine.ts'
import { ownClients } from './registered.ts'
import { type Requests, requests } from './requests.ts'

/** Seconds in a day: as long as the longest tokens that are of use live. */
const day = 86_400

const attempted = (evidence: Requests): Exchange[] => {
  const { repeated, noGrant, unknownGrant, scopes, resources, plain } = evidence
  const others = [plain, ...repeated, noGrant, unknownGrant, ...scopes, ...resources.unknown, ...resources.malformed]
  return [...unauthenticated(evidence), ...others.map(({ exchange }) => exchange)]
}

/** How these clients are refused is judged by what it is called. */
const unauthenticated = ({ secrets, anonymous, borrowed, strangers, twice, misplaced }: Requests): Exchange[] =>
  [...secrets, ...anonymous, ...borrowed, ...strangers, twice, ...misplaced.query].map(({ exchange }) => exchange)

const refusals = (evidence: Requests): Exchange[] =>
  attempted(evidence).filter((exchange) => (statusOf(exchange) ?? 0) >= 400 && statusOf(exchange) !== 429)

const successes = ({ before, after }: Requests): Exchange[] =>
  [before.exchange, after.exchange].filter((exchange) => tokenOf(exchange) !== undefined)

const eachSuccess = (evidence: Requests, judge: (exchange: Exchange, body: Record<string, unknown>) => Judgement): Judgement =>
  each(successes(evidence), 'no token was issued', (exchange) => answered(exchange, () => judge(exchange, bodyOf(exchange)!)))

const permitted = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/
const internals =
  /\bat [\w$.<>]+ ?\([^)]*:\d+|\bat [\w$]+(\.[\w$<>]+)+\(|Traceback \(most recent|\b\w+(\.\w+)+Exception\b|ORA-\d{5}|SQLSTATE|\/(usr|home|var|opt|app)\/[\w./-]+\.\w+/

/** What the tokens of two clients say of their subjects. */
const subjects = probe('tokens of two machines', { requires: ['client', 'second client'] }, async (context) => {
  const { before: first, way, asked } = await context.use(requests)
  const { clients, users } = context.access()
  const { headers, form } = by(context, way, clients[1]!)
  const own = formOf({ ...asked, scope: asked.scope && (clients[1]!.scope ?? asked.scope) })
  const exchange = await postForm(context, endpointOf(context, 'token_endpoint'), [grant, ...own, ...form], headers)
  return { first, second: read(context, 'of another client', exchange), users: users.map(({ username }) => username) }
})

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc6749',
    page: '5.1',
    revisions: '2025-03-26..',
    requires: 'client',
    weakness: ['CWE-684', 'API8:2023'],
    threat: 'misread-answer',
  },
  [
    check('m2m/token-type', {
      title: 'A token comes with its type',
      must: 'return token_type with each token',
      needs: { requests },
      judge: (evidence) =>
        eachSuccess(evidence.requests, (exchange, { token_type: type }) =>
          holdsIf(typeof type === 'string' && type !== '', 'does not say of what type the token is', {
            expected: 'token_type',
            actual: type ?? 'no token_type',
            exchange,
          }),
        ),
      fix: 'Return `"token_type": "Bearer"`: clients throw away tokens of a type they do not know.',
    }),

    check('m2m/media-type', {
      title: 'Tokens come as JSON',
      must: 'answer in application/json',
      needs: { requests },
      judge: (evidence) =>
        eachSuccess(evidence.requests, (exchange) =>
          holdsIf(mediaTypeOf(exchange) === 'application/json', 'sends tokens as another media type', {
            expected: 'application/json',
            actual: mediaTypeOf(exchange),
            exchange,
          }),
        ),
      fix: 'Send `Content-Type: application/json`.',
    }),

    check('m2m/no-store', {
      title: 'Answers with tokens are not stored',
      must: 'send Cache-Control with no-store with each answer that holds a token',
      needs: { requests },
      judge: (evidence) =>
        eachSuccess(evidence.requests, (exchange) =>
          holdsIf(
            /(^|,)\s*no-store\s*(,|$)/i.test(headerOf(exchange, 'cache-control') ?? ''),
            'lets an answer that holds a token be stored',
            {
              expected: 'Cache-Control: no-store',
              actual: headerOf(exchange, 'cache-control') ?? 'no Cache-Control',
              exchange,
            },
          ),
        ),
      fix: 'Send `Cache-Control: no-store`.',
      weakness: ['CWE-524', 'CWE-525', 'API8:2023'],
      threat: 'token-theft',
    }),

    check('m2m/pragma', {
      title: 'Old caches are told not to store tokens',
      policy: 'send Pragma with no-cache beside Cache-Control, for caches that know nothing else',
      needs: { requests },
      judge: (evidence) =>
        eachSuccess(evidence.requests, (exchange) =>
          holdsIf(/no-cache/i.test(headerOf(exchange, 'pragma') ?? ''), 'does not tell old caches to leave a token alone', {
            expected: 'Pragma: no-cache',
            actual: headerOf(exchange, 'pragma') ?? 'no Pragma',
            exchange,
          }),
        ),
      fix: 'Send `Pragma: no-cache`; OAuth 2.1 asks for it no longer.',
      weakness: ['CWE-525', 'API8:2023'],
      threat: 'token-theft',
    }),

    check('m2m/expires-in', {
      title: 'A token comes with its lifetime',
      should: 'return expires_in with each token, in seconds as a number',
      needs: { requests },
      judge: (evidence) =>
        eachSuccess(evidence.requests, (exchange, { expires_in: seconds }) =>
          holdsIf(typeof seconds === 'number' && seconds > 0, 'does not say how long the token lives', {
            expected: 'expires_in in seconds',
            actual: seconds ?? 'no expires_in',
            exchange,
          }),
        ),
      fix: 'Return expires_in: clients that do not know it ask for a token on every call, or until they are refused.',
    }),

    check('m2m/lifetime', {
      spec: 'oauth-2.1',
      page: '7.1.3.5',
      title: 'Tokens of machines live for a day at most',
      policy: 'issue tokens to machines that live for a day at most',
      needs: { requests },
      judge: (evidence) => {
        const { before } = evidence.requests
        const { exp, iat } = before.claims ?? {}
        const inToken = typeof exp === 'number' && typeof iat === 'number' ? exp - iat : undefined
        const seconds = inToken ?? bodyOf(before.exchange)?.expires_in
        if (typeof seconds !== 'number') return notApplicable('the lifetime of the token is not told')
        return holdsIf(seconds <= day, 'issues tokens that live for more than a day', {
          expected: `${day} seconds or less`,
          actual: seconds,
          exchange: before.exchange,
        })
      },
      fix: 'Issue tokens for minutes or an hour: a machine can fetch another at any time.',
      weakness: ['CWE-613', 'API2:2023', 'MCP01:2025'],
      threat: 'stale-token',
    }),

    check('m2m/refresh-token', {
      page: '4.4.3',
      title: 'A machine gets no refresh token',
      should: 'include no refresh token in its answer to client credentials',
      needs: { requests },
      judge: (evidence) =>
        eachSuccess(evidence.requests, (exchange, { refresh_token: token }) =>
          holdsIf(token === undefined, 'gives a refresh token to a client that has credentials of its own', {
            expected: 'no refresh_token',
            actual: 'a refresh_token',
            exchange,
          }),
        ),
      fix: 'Leave it out: it is one more secret, and outlives the rotation of the client secret.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'refresh-theft',
    }),

    check('m2m/token-claims', {
      spec: 'rfc9068',
      page: '2.2',
      title: 'A JWT access token has the claims of its profile',
      must: 'include iss, exp, aud, sub, client_id, iat and jti in tokens of the type at+jwt',
      needs: { requests },
      judge: (evidence) => {
        const { before } = evidence.requests
        if (!/^(application\/)?at\+jwt$/i.test(String(before.header?.typ))) return notApplicable('the token is not of the type at+jwt')
        const missing = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'].filter((name) => before.claims?.[name] === undefined)
        return holdsIf(missing.length === 0, 'leaves out claims that tokens of this type have', {
          expected: 'iss, exp, aud, sub, client_id, iat, jti',
          actual: `without ${missing.join(', ')}`,
          exchange: before.exchange,
        })
      },
      fix: 'Add the claims, or do not name the type at+jwt.',
      weakness: ['CWE-345', 'API2:2023'],
      threat: 'misdirected-token',
    }),

    check('m2m/subject', {
      spec: 'rfc9068',
      page: '2.2',
      requires: 'second client',
      title: 'A machine has a subject of its own',
      should: 'name in sub of the token a client gets for itself that very client, and so neither another client nor a user',
      needs: { subjects },
      judge: ({ subjects: { first, second, users } }) => {
        const answers = [first, second]
        return between(
          answers.map(({ exchange }) => exchange),
          () => {
            if (!answers.every(({ header }) => /^(application\/)?at\+jwt$/i.test(String(header?.typ))))
              return notApplicable('the tokens are not of the type at+jwt')
            const [one, other] = answers.map(({ claims }) => claims?.sub)
            const { exchange } = second
            return holdsIf(one === undefined || one !== other, 'gives two clients one subject', {
              expected: 'two subjects',
              actual: one,
              exchange,
            }).and(
              holdsIf(!users.some((user) => user === one || user === other), 'gives a client the name of a user for its subject', {
                expected: 'the id of the client',
                actual: [one, other],
                exchange,
              }),
            )
          },
        )
      },
      fix: 'Set sub to the id of the client where nobody has signed in.',
      weakness: ['CWE-290', 'CWE-345', 'API2:2023'],
      threat: 'misdirected-token',
    }),

    check('m2m/error-response', {
      page: '5.2',
      title: 'A refusal names its reason',
      must: 'answer a refused request in JSON with an error of the characters that are allowed',
      needs: { requests },
      judge: (evidence) => each(refusals(evidence.requests), 'nothing was refused', isError),
      fix: 'Answer application/json with error, and with plain ASCII without quotes in error_description.',
    }),

    check('m2m/error-status', {
      page: '5.2',
      title: 'A refusal has the status 400 or 401',
      must: 'answer 400 to a refused request, or 401 when the client could not be authenticated',
      needs: { requests },
      judge: (evidence) =>
        each(refusals(evidence.requests), 'nothing was refused', (exchange) => {
          const code = codeOf(exchange)
          const allowed = code === 'invalid_client' || unauthenticated(evidence.requests).includes(exchange) ? [400, 401] : [400]
          // What is refused below OAuth has a status of HTTP, and no code.
          const below = code === undefined && [404, 405, 413, 414, 415].includes(statusOf(exchange)!)
          return holdsIf(below || allowed.includes(statusOf(exchange)!), `answers ${code ?? 'a refusal'} with ${statusOf(exchange)}`, {
            expected: `HTTP ${allowed.join(' or ')}`,
            actual: toldBy(exchange),
            exchange,
          })
        }),
      fix: 'Answer 400; 401 is for invalid_client alone, and tells a client to authenticate otherwise.',
    }),

    check('m2m/invalid-client', {
      page: '5.2',
      title: 'A failed authentication is called invalid_client',
      must: 'answer invalid_client when client authentication fails',
      needs: { requests },
      judge: (evidence) => {
        const { secrets, strangers, anonymous } = evidence.requests
        const failed = [...secrets, ...strangers, ...anonymous].filter(({ exchange }) => tokenOf(exchange) === undefined)
        return eachOf(failed, 'no authentication failed', (attempt) =>
          // No credentials, or empty ones, are a missing parameter as well.
          refusedAs(
            attempt,
            ...(/empty|without|no secret/.test(attempt.what) ? ['invalid_client', 'invalid_request'] : ['invalid_client']),
          ),
        )
      },
      fix: 'Answer invalid_client to unknown clients, wrong secrets and missing ones alike.',
      weakness: ['CWE-287', 'API2:2023'],
    }),

    check('m2m/invalid-client-status', {
      page: '5.2',
      title: 'A failed Basic authentication is answered with 401',
      must: 'answer 401 when a client that sent an Authorization field could not be authenticated',
      needs: { requests },
      judge: (evidence) =>
        each(failedBasic(evidence.requests), 'no client authenticated by Basic', (exchange) =>
          decided(exchange, (status) =>
            holdsIf(status === 401, `answers ${status}`, { expected: 'HTTP 401', actual: toldBy(exchange), exchange }),
          ),
        ),
      fix: 'Answer 401, which HTTP clients know without reading the body.',
      weakness: ['CWE-287', 'API2:2023'],
    }),

    check('m2m/invalid-client-challenge', {
      page: '5.2',
      title: 'A failed Basic authentication is answered with a challenge',
      must: 'send WWW-Authenticate with the scheme the client used, with the 401 that refuses its Authorization field',
      needs: { requests },
      judge: (evidence) => {
        const answers = failedBasic(evidence.requests).filter((exchange) => statusOf(exchange) === 401)
        return each(answers, 'no failed authentication was answered with 401', (exchange) => {
          const field = headerOf(exchange, 'www-authenticate')
          const challenges: Challenge[] = field === undefined ? [] : (parseChallenges(field) ?? [])
          return holdsIf(
            challenges.some(({ scheme }) => scheme === 'basic'),
            'does not say how to authenticate',
            { expected: 'WWW-Authenticate: Basic', actual: field ?? 'no WWW-Authenticate', exchange },
          )
        })
      },
      fix: 'Add `WWW-Authenticate: Basic realm="…"` to the 401.',
      weakness: ['CWE-287', 'API2:2023'],
    }),

    check('m2m/grant-missing', {
      page: '5.2',
      title: 'A request without a grant type is refused',
      must: 'answer invalid_request to a request that lacks a required parameter',
      needs: { requests },
      judge: ({ requests: { noGrant } }) => decided(noGrant.exchange, () => refusedAs(noGrant, 'invalid_request')),
      fix: 'Require grant_type; guess none.',
    }),

    check('m2m/grant-unknown', {
      page: '5.2',
      title: 'An unknown grant type is called unsupported',
      must: 'answer unsupported_grant_type to a grant type it does not know',
      needs: { requests },
      judge: ({ requests: { unknownGrant } }) => decided(unknownGrant.exchange, () => refusedAs(unknownGrant, 'unsupported_grant_type')),
      fix: 'Answer 400 with unsupported_grant_type.',
    }),

    check('m2m/grant-not-allowed', {
      page: '5.2',
      requires: 'registration',
      title: 'A client uses the grants it is registered for',
      must: 'answer 400 and unauthorized_client to a client that uses a grant it is not authorized for',
      needs: { ownClients },
      judge: ({ ownClients: { grant } }) =>
        grant === undefined
          ? notApplicable('no client could be registered without the client credentials grant')
          : codeOf(grant.exchange) === 'invalid_client'
            ? inconclusive('the client could not be authenticated', grant.exchange)
            : decided(grant.exchange, () => refusedAs(grant, 'unauthorized_client').and(hasStatus(grant.exchange, 400))),
      fix: 'Compare the grant type with those of the client before anything is issued.',
      weakness: ['CWE-285', 'API5:2023'],
      threat: 'rogue-registration',
    }),

    check('m2m/error-detail', {
      spec: 'policy',
      page: 'm2m',
      title: 'Refusals tell nothing of what is inside',
      policy: 'put no stack, class name, path or query into the answers of the token endpoint, and fail on no request',
      needs: { requests },
      judge: (evidence) =>
        all(
          attempted(evidence.requests).map((exchange) =>
            answered(exchange, () =>
              holdsIf(
                statusOf(exchange)! < 500 && !internals.test(exchange.response!.body),
                'fails on a request, or tells what is inside',
                {
                  expected: 'an error of OAuth',
                  actual: toldBy(exchange),
                  exchange,
                },
              ),
            ),
          ),
        ),
      fix: 'Answer what was not foreseen with a plain error, and write the rest to the log.',
      weakness: ['CWE-209', 'API8:2023'],
      threat: 'exposed-internals',
    }),
  ],
)

const failedBasic = ({ secrets, strangers }: Requests): Exchange[] =>
  [...secrets, ...strangers]
    .map(({ exchange }) => exchange)
    .filter((exchange) => tokenOf(exchange) === undefined && exchange.request.headers.some(([name]) => name === 'Authorization'))

function isError(exchange: Exchange): Judgement {
  // Some of what is sent is refused below OAuth, where errors have no form.
  const code = codeOf(exchange)
  const { error_description: description } = bodyOf(exchange) ?? {}
  const fits =
    code !== undefined &&
    permitted.test(code) &&
    (description === undefined || (typeof description === 'string' && permitted.test(description)))
  return holdsIf(fits && mediaTypeOf(exchange) === 'application/json', 'refuses a request without an error that clients can read', {
    expected: 'application/json with an error',
    actual: `${mediaTypeOf(exchange)}: ${toldBy(exchange)}`,
    exchange,
  })
}
