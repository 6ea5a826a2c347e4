import {
  all,
  bodyOf,
  broken,
  check,
  type Exchange,
  holds,
  holdsIf,
  inconclusive,
  type Judgement,
  notTestable,
  section,
} from '../../../src/model/index.ts'
import {
  type Attempt,
  audienceOf,
  between,
  codeOf,
  decided,
  eachOf,
  everyRefused,
  refused,
  scopesOf,
  tokenOf,
  toldBy,
} from '../m2m/machine.ts'
import { type Grants, grants } from './grants.ts'

type Part = Extract<{ [K in keyof Grants]: Grants[K] extends Attempt[] ? K : never }[keyof Grants], string>

const framed = ({ before, after }: Grants, judge: () => Judgement): Judgement => between([before.exchange, after.exchange], judge)

const refuses = (part: Part) => ({
  needs: { grants },
  judge: ({ grants }: { grants: Grants }): Judgement => framed(grants, () => everyRefused(grants[part])),
})

/** Grants that are not valid; that one was used before, or is for another resource, is said under other codes as well. */
const invalid = ({
  type,
  idToken,
  audience,
  alone,
  client,
  issuer,
  subject,
  expired,
  endless,
  early,
  signature,
  unsigned,
}: Grants): Attempt[] => [type, idToken, audience, alone, client, issuer, subject, expired, endless, early, signature, unsigned].flat()

/** What is said of the client, or of what it would have to prove beside the grant. */
const outside = ['invalid_client', 'unauthorized_client', 'invalid_dpop_proof', 'use_dpop_nonce']

const successes = ({ before, after }: Grants): Exchange[] => [before.exchange, after.exchange]

export default section(
  {
    of: 'authorization-server',
    spec: 'ema',
    page: '51-processing-rules',
    revisions: '2025-11-25..',
    requires: ['identity assertion grant', 'client', 'resource'],
    weakness: ['CWE-287', 'API2:2023', 'MCP07:2025'],
    threat: 'misdirected-token',
  },
  [
    check('enterprise/grant', {
      page: '52-access-token-response',
      title: 'A grant of the identity provider brings a token',
      must: 'answer a valid grant of an identity provider it trusts with a token',
      needs: { grants },
      judge: ({ grants: { before } }) =>
        decided(before.exchange, () => {
          const { exchange } = before
          if (outside.includes(codeOf(exchange) ?? ''))
            return inconclusive(`the client that was given may not present grants: ${toldBy(exchange)}`, exchange)
          return holdsIf(tokenOf(exchange) !== undefined, 'gives no token for a grant of the identity provider it trusts', {
            expected: 'HTTP 200 with a token',
            actual: toldBy(exchange),
            exchange,
          })
        }),
      fix: 'Take the grant type jwt-bearer from the clients of the organisation, and verify grants with the keys its identity provider publishes.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),

    check('enterprise/client-authentication', {
      ...refuses('anonymous'),
      spec: 'rfc6749',
      page: '3.2.1',
      title: 'A grant alone brings no token',
      must: 'require a client that was issued credentials to authenticate, also when it presents a grant',
      fix: 'Authenticate the client before the grant is looked at.',
      threat: 'client-takeover',
    }),

    check('enterprise/type', {
      ...refuses('type'),
      spec: 'id-jag',
      page: '4.4.1',
      title: 'A JWT of another type is no grant',
      must: 'validate that the type of the JWT is oauth-id-jag+jwt',
      fix: 'Compare typ before any claim is read: what is signed for another purpose is no grant.',
      weakness: ['CWE-843', 'API2:2023', 'MCP07:2025'],
    }),

    check('enterprise/id-token', {
      ...refuses('idToken'),
      spec: 'id-jag',
      page: '4.4.1',
      title: 'An ID token is no grant',
      must: 'take no ID token of the identity provider for a grant, since its type and its audience are others',
      fix: 'Compare typ and aud: an ID token tells a client who signed in, and lets nobody in elsewhere.',
      weakness: ['CWE-843', 'API2:2023', 'MCP07:2025'],
    }),

    check('enterprise/audience', {
      ...refuses('audience'),
      page: '762-mcp-authorization-server-validation',
      title: 'A grant for another authorization server is refused',
      must: 'reject a grant whose aud is not its own issuer',
      fix: 'Compare aud with the issuer in the metadata exactly.',
    }),

    check('enterprise/audience-alone', {
      ...refuses('alone'),
      spec: 'id-jag',
      page: '4.4.1',
      title: 'A grant is for one authorization server',
      must: 'reject a grant whose aud lists another server beside its own issuer',
      fix: 'Refuse an aud with more than one element: each of those it names could present the grant to the others.',
    }),

    check('enterprise/client', {
      ...refuses('client'),
      spec: 'id-jag',
      page: '4.4.1',
      title: 'A grant is good for the client it was given to',
      must: 'reject a grant whose client_id is not the client that has authenticated',
      fix: 'Compare client_id with the authenticated client, and refuse a grant without it.',
      threat: 'client-takeover',
    }),

    check('enterprise/issuer', {
      ...refuses('issuer'),
      page: '741-forged-assertions',
      title: 'A grant of an unknown issuer is refused',
      must: 'validate iss, and so reject grants of issuers it does not trust',
      fix: 'Look the identity provider up by iss in a list, and verify with its keys alone.',
      threat: 'forged-token',
    }),

    check('enterprise/subject', {
      ...refuses('subject'),
      page: '741-forged-assertions',
      title: 'A grant about nobody is refused',
      must: 'validate sub, and so reject a grant without it',
      fix: 'Require sub.',
      threat: 'forged-token',
    }),

    check('enterprise/expired', {
      ...refuses('expired'),
      page: '742-stolen-assertions-and-replay',
      title: 'An expired grant is refused',
      must: 'reject a grant whose time has passed',
      fix: 'Compare exp with the clock.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('enterprise/endless', {
      ...refuses('endless'),
      spec: 'rfc7523',
      page: '3',
      title: 'A grant without an end is refused',
      must: 'require exp, and so reject a grant without it',
      fix: 'Require exp.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('enterprise/early', {
      ...refuses('early'),
      spec: 'rfc7523',
      page: '3',
      title: 'A grant is not accepted before its time',
      must: 'accept no grant before the time in nbf',
      fix: 'Compare nbf with the clock.',
      weakness: ['CWE-345', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('enterprise/signature', {
      ...refuses('signature'),
      page: '741-forged-assertions',
      title: 'A grant under a wrong signature is refused',
      must: 'verify the signature with a trusted key of the identity provider',
      fix: 'Take keys from the JWKS of the identity provider alone, each with the algorithm it is for, and none that the grant brings or names.',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('enterprise/unsigned', {
      ...refuses('unsigned'),
      page: '741-forged-assertions',
      title: 'A grant without a signature is refused',
      must: 'accept a fixed list of algorithms, and never none',
      fix: 'Accept a fixed list of algorithms, and never none.',
      weakness: ['CWE-347', 'API2:2023'],
      threat: 'forged-token',
    }),

    check('enterprise/replay', {
      ...refuses('replayed'),
      page: '742-stolen-assertions-and-replay',
      title: 'A grant is used once',
      must: 'reject a grant whose jti it has seen before, for as long as the grant is valid',
      fix: 'Remember the jti of each grant until it expires.',
      weakness: ['CWE-294', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('enterprise/unnumbered', {
      ...refuses('unnumbered'),
      spec: 'policy',
      page: 'enterprise',
      title: 'A grant without a number is refused',
      policy: 'refuse a grant without jti, since nobody can tell when it is used again',
      fix: 'Require jti, which ID-JAG requires of identity providers.',
      weakness: ['CWE-294', 'API2:2023'],
      threat: 'stale-credential',
    }),

    check('enterprise/resource', {
      ...refuses('foreign'),
      page: '762-mcp-authorization-server-validation',
      title: 'A grant for the resource of somebody else is refused',
      must: 'reject a grant whose resource is none of those it issues tokens for',
      fix: 'Compare resource with the list of resources, exactly.',
    }),

    check('enterprise/token-audience', {
      title: 'The token is for the resource of the grant',
      must: 'restrict the audience of the token to the resource the grant names',
      needs: { grants },
      judge: ({ grants: evidence }) =>
        framed(evidence, () => {
          const { before, resource } = evidence
          if (before.claims === undefined) return notTestable('the token is opaque: its audience cannot be seen')
          return holdsIf(audienceOf(before).includes(resource), 'issues tokens that are not for the resource of the grant', {
            expected: resource,
            actual: before.claims.aud ?? 'no aud',
            exchange: before.exchange,
          })
        }),
      fix: 'Put the resource of the grant into aud; a token without an audience opens every door.',
      weakness: ['CWE-863', 'API2:2023', 'MCP07:2025'],
    }),

    check('enterprise/scope', {
      page: '721-scopes-validation',
      title: 'A token does no more than the grant says',
      must: 'issue tokens with those of the requested scopes alone that the grant has',
      needs: { grants },
      judge: ({ grants: evidence }) => framed(evidence, () => within(evidence)),
      fix: 'Grant the scopes that are in the request and in the grant.',
      weakness: ['CWE-863', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('enterprise/refresh-token', {
      spec: 'id-jag',
      page: '4.4.3',
      title: 'A grant brings no refresh token',
      should: 'return no refresh token for a grant',
      needs: { grants },
      judge: ({ grants: evidence }) =>
        framed(evidence, () =>
          all(
            successes(evidence).map((exchange) =>
              holdsIf(bodyOf(exchange)?.refresh_token === undefined, 'gives a refresh token for a grant', {
                expected: 'no refresh_token',
                actual: 'a refresh_token',
                exchange,
              }),
            ),
          ),
        ),
      fix: 'Leave it out: it outlives what the identity provider decides, and a new grant can be had at any time.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'refresh-theft',
    }),

    check('enterprise/error', {
      spec: 'rfc7523',
      page: '3.1',
      title: 'A wrong grant is called invalid_grant',
      must: 'answer invalid_grant to a grant that is not valid',
      needs: { grants },
      judge: ({ grants: evidence }) =>
        framed(evidence, () =>
          eachOf(
            invalid(evidence).filter(({ exchange }) => tokenOf(exchange) === undefined),
            'no grant was refused',
            named,
          ),
        ),
      fix: 'Answer invalid_grant, whatever is wrong with the grant.',
      weakness: ['CWE-684', 'API8:2023'],
      threat: 'misread-answer',
    }),
  ],
)

/** Refused, or answered with a token that has none of the scopes which are in the request alone. */
function within({ beyond }: Grants): Judgement {
  if (beyond === undefined) return notTestable('needs a client that may have more than `authority.scope`: see `authority.clients`')
  const { answer, scopes } = beyond
  return decided(answer.exchange, () => {
    if (tokenOf(answer.exchange) === undefined) return refused(answer)
    const granted = scopesOf(answer)
    if (granted === undefined) return inconclusive('neither the token nor the answer says which scopes were granted', answer.exchange)
    const more = granted.filter((scope) => scopes.includes(scope))
    return holdsIf(more.length === 0, `grants ${more.join(', ')}, which the grant does not have`, {
      expected: `no ${scopes.join(', ')}`,
      actual: granted,
      exchange: answer.exchange,
    })
  })
}

const named = ({ what, exchange }: Attempt): Judgement =>
  codeOf(exchange) === 'invalid_grant'
    ? holds
    : broken(`does not call a request ${what} invalid_grant`, {
        expected: 'error invalid_grant',
        actual: toldBy(exchange),
        exchange,
      })
