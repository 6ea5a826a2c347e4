import {
  bodyOf,
  broken,
  check,
  each,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  notTestable,
  section,
  statusOf,
} from '../../../src/model/index.ts'
import { malformedScope, unknownScope } from './attempts.ts'
import { between, codeOf, decided, eachOf, everyRefused, refusedAs, scopesOf, type TokenAnswer, tokenOf, toldBy, words } from './machine.ts'
import { ownClients } from './registered.ts'
import { type Requests, requests } from './requests.ts'

const controlled = ({ before, after }: Requests, judge: () => Judgement): Judgement => between([before.exchange, after.exchange], judge)

/** The requests that brought a token, with the scopes they had asked for; undefined is none. */
const granted = ({ before, plain, scopes, asked }: Requests): { answer: TokenAnswer; asked: string[] | undefined }[] =>
  [
    { answer: before, asked: asked.scope?.split(' ') },
    { answer: plain, asked: undefined },
    ...scopes.map((answer) => ({ answer, asked: askedIn(answer) })),
  ].filter(({ answer }) => tokenOf(answer.exchange) !== undefined)

const askedIn = ({ exchange }: TokenAnswer): string[] => words(new URLSearchParams(exchange.request.body).get('scope'))

const sameWords = (one: readonly string[], other: readonly string[]): boolean =>
  new Set([...one, ...other]).size === new Set(one).size && new Set(one).size === new Set(other).size

export default section(
  {
    of: 'authorization-server',
    spec: 'rfc6749',
    page: '3.2',
    revisions: '2025-03-26..',
    requires: 'client',
    weakness: ['CWE-684', 'API8:2023'],
    threat: 'misread-answer',
  },
  [
    check('m2m/get', {
      title: 'Tokens are asked for by POST',
      must: 'give tokens in answer to POST only',
      needs: { requests },
      judge: (evidence) => controlled(evidence.requests, () => everyRefused([evidence.requests.misplaced.get])),
      fix: 'Answer 405 to other methods: parameters in a URL end up in logs.',
      weakness: ['CWE-598', 'API2:2023', 'MCP01:2025'],
      threat: 'token-theft',
    }),

    check('m2m/json', {
      page: '4.4.2',
      title: 'Parameters come as a form',
      policy: 'take the parameters of a token request in application/x-www-form-urlencoded only',
      needs: { requests },
      judge: (evidence) => controlled(evidence.requests, () => everyRefused([evidence.requests.misplaced.json])),
      fix: 'Refuse other media types: what filters requests on the way reads forms.',
      weakness: ['CWE-436', 'API8:2023'],
      threat: 'request-confusion',
    }),

    check('m2m/unknown-parameter', {
      title: 'Unknown parameters are ignored',
      must: 'ignore parameters it does not know',
      needs: { requests },
      judge: (evidence) => {
        const { exchange } = evidence.requests.unknownParameter
        return controlled(evidence.requests, () =>
          decided(exchange, () =>
            holdsIf(tokenOf(exchange) !== undefined, 'refuses a request for a parameter it does not know', {
              expected: 'HTTP 200 with a token',
              actual: toldBy(exchange),
              exchange,
            }),
          ),
        )
      },
      fix: 'Ignore what is not known: clients send parameters of extensions, such as resource.',
    }),

    check('m2m/empty-parameter', {
      title: 'A parameter without a value counts as left out',
      must: 'treat parameters sent without a value as if they were omitted',
      needs: { requests },
      judge: (evidence) => {
        const { emptyScope, plain } = evidence.requests
        const outcome = ({ exchange }: { exchange: TokenAnswer['exchange'] }) => [
          statusOf(exchange),
          codeOf(exchange),
          bodyOf(exchange)?.scope,
        ]
        return controlled(evidence.requests, () =>
          decided(plain.exchange, () =>
            decided(emptyScope.exchange, () =>
              holdsIf(String(outcome(emptyScope)) === String(outcome(plain)), 'answers an empty scope otherwise than none', {
                expected: toldBy(plain.exchange),
                actual: toldBy(emptyScope.exchange),
                exchange: emptyScope.exchange,
              }),
            ),
          ),
        )
      },
      fix: 'Drop empty parameters before the request is looked at.',
    }),

    check('m2m/repeated-parameter', {
      title: 'A parameter stands in a request once',
      must: 'refuse a request that repeats a parameter, as invalid_request',
      needs: { requests },
      judge: (evidence) =>
        controlled(evidence.requests, () =>
          eachOf(evidence.requests.repeated, 'it was not tried', (attempt) => refusedAs(attempt, 'invalid_request')),
        ),
      fix: 'Refuse it before one of the values is chosen: somebody else chooses the other.',
      weakness: ['CWE-235', 'CWE-436', 'API8:2023'],
      threat: 'request-confusion',
    }),

    check('m2m/scope-omitted', {
      page: '3.3',
      title: 'A request without a scope is decided',
      must: 'process a request without a scope with a default, or refuse it as invalid_scope',
      needs: { requests },
      judge: (evidence) => {
        const { plain } = evidence.requests
        return controlled(evidence.requests, () =>
          decided(plain.exchange, () =>
            // What is missing may be the resource instead (RFC 8707 §2.1).
            tokenOf(plain.exchange) !== undefined || codeOf(plain.exchange) === 'invalid_target'
              ? holds
              : refusedAs(plain, 'invalid_scope'),
          ),
        )
      },
      fix: 'Document the default scope, or answer 400 with invalid_scope.',
    }),

    check('m2m/scope-reported', {
      page: '3.3',
      title: 'A scope other than the one asked for is reported',
      must: 'include scope in its answer when the token has other scopes than were asked for',
      needs: { requests },
      judge: (evidence) =>
        controlled(evidence.requests, () =>
          each(granted(evidence.requests), 'no token was issued', ({ answer, asked }) => isReported(answer, asked)),
        ),
      fix: 'Return scope with every token: without it a client takes what it has asked for as granted.',
      weakness: ['CWE-863', 'API5:2023', 'MCP02:2025'],
    }),

    check('m2m/scope-default', {
      page: '3.3',
      title: 'Who asks for no scope does not get every scope',
      policy: 'grant a client that asks for no scope less than everything it may have',
      needs: { requests },
      judge: (evidence) => {
        const { plain, allowed } = evidence.requests
        if (tokenOf(plain.exchange) === undefined) return notApplicable('who asks for no scope gets no token')
        const every = allowed?.split(' ') ?? []
        if (every.length < 2) return notTestable('needs a client with more than one scope: see `authority.clients[].scope` of the target')
        const given = scopesOf(plain) ?? []
        return holdsIf(!every.every((scope) => given.includes(scope)), 'grants every scope to a client that asks for none', {
          expected: 'none, or a default that is less than everything',
          actual: given,
          exchange: plain.exchange,
        })
      },
      fix: 'Grant a small default, or none, and let clients ask for what they need.',
      weakness: ['CWE-250', 'API5:2023', 'MCP02:2025'],
      threat: 'over-privilege',
    }),

    check('m2m/scope-narrow', {
      page: '3.3',
      title: 'A token has no more scopes than were asked for',
      policy: 'grant no scope that was not asked for',
      needs: { requests },
      judge: (evidence) => {
        const { before, asked } = evidence.requests
        if (asked.scope === undefined) return notTestable('needs a scope to ask for: see `authority.scope` of the target')
        const more = (scopesOf(before) ?? []).filter((scope) => !asked.scope!.split(' ').includes(scope))
        return holdsIf(more.length === 0, 'grants more scopes than were asked for', {
          expected: asked.scope,
          actual: scopesOf(before),
          exchange: before.exchange,
        })
      },
      fix: 'Intersect what the client may have with what it asks for.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'over-privilege',
    }),

    check('m2m/scope-unknown', {
      page: '5.2',
      title: 'A scope that does not exist is not granted',
      must: 'refuse a scope that is unknown or malformed as invalid_scope, or leave it out',
      needs: { requests },
      judge: (evidence) =>
        controlled(evidence.requests, () =>
          eachOf(evidence.requests.scopes, 'it was not tried', (attempt) => notGranted(attempt as TokenAnswer)),
        ),
      fix: 'Compare each scope with those that are registered for the client.',
      weakness: ['CWE-863', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('m2m/scope-privileged', {
      page: '5.2',
      requires: 'privileged scope',
      title: 'A scope that the client was not given is not granted',
      must: 'refuse a scope that exceeds what was granted to the client, or leave it out',
      needs: { requests },
      judge: (evidence) => {
        const { privileged } = evidence.requests
        if (privileged === undefined)
          return notTestable('the client given may have the privileged scope, or its scopes are not known: see `authority.clients[].scope`')
        return controlled(evidence.requests, () => decided(privileged.exchange, () => notGranted(privileged)))
      },
      fix: 'Keep the scopes of each client, and grant no others.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('m2m/scope-registered', {
      page: '5.2',
      requires: ['registration', 'privileged scope'],
      title: 'A client gets no scope beyond its registration',
      must: 'refuse a scope that exceeds the one the client is registered with, or leave it out',
      needs: { ownClients },
      judge: ({ ownClients: { scope } }) => {
        if (scope === undefined) return notTestable('no client could be registered with one scope')
        return between([scope.control.exchange], () => decided(scope.beyond.exchange, () => notGranted(scope.beyond)))
      },
      fix: 'Keep the scope a client is registered with, and grant no others.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),
  ],
)

function isReported({ exchange, claims }: TokenAnswer, asked: string[] | undefined): Judgement {
  const told = bodyOf(exchange)?.scope
  const inToken = claims === undefined || (claims.scope ?? claims.scp) === undefined ? undefined : words(claims.scope ?? claims.scp)
  const detail = { expected: inToken ? `scope ${inToken.join(' ')}` : 'scope in the answer', actual: told ?? 'no scope', exchange }
  if (told !== undefined && inToken !== undefined)
    return holdsIf(sameWords(words(told), inToken), 'reports other scopes than the token has', detail)
  if (told !== undefined || (asked === undefined && inToken === undefined)) return holds
  // Without a scope in the answer the token has those that were asked for.
  const has = inToken ?? asked!.filter((scope) => scope !== unknownScope && scope !== malformedScope)
  return sameWords(has, asked ?? []) ? holds : broken('does not report that it grants other scopes than were asked for', detail)
}

/** Refused as it should be, or answered without the scope that cannot be had. */
function notGranted(attempt: TokenAnswer): Judgement {
  if (tokenOf(attempt.exchange) === undefined) return refusedAs(attempt, 'invalid_scope')
  const beyond = askedIn(attempt).at(-1)!
  return holdsIf(!(scopesOf(attempt) ?? []).includes(beyond), `grants ${beyond}`, {
    expected: 'invalid_scope, or a token without it',
    actual: scopesOf(attempt),
    exchange: attempt.exchange,
  })
}
