import {
  all,
  answered,
  check,
  controlled,
  type Forgery,
  hasStatus,
  holdsIf,
  mediaTypeOf,
  notApplicable,
  notTestable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { type Attempts, allRefused, forgeries, turnedAway } from './attempts.ts'

/** Seconds a token of these probes lives. */
const lifetime = 300

const now = () => Math.floor(Date.now() / 1_000)

const endedAgo = (seconds: number): Forgery => ({ claims: { exp: now() - seconds, iat: now() - seconds - lifetime } })

const expired = forgeries('tokens that have expired', () => ({ 'that expired an hour ago': endedAgo(3_600) }))

const leeway = forgeries('tokens that have just expired', () => ({
  'that expired 310 seconds ago': endedAgo(310),
  'that expired 600 seconds ago': endedAgo(600),
}))

const endless = forgeries('tokens without an end', () => ({
  'without exp': { claims: { exp: undefined } },
  'whose exp is a text': { claims: { exp: String(now() + lifetime) } },
  'whose exp is null': { claims: { exp: null } },
}))

const early = forgeries('tokens that are not valid yet', () => ({
  'that is valid from an hour on': { claims: { nbf: now() + 3_600, exp: now() + 7_200 } },
}))

const unborn = forgeries('tokens issued in the future', () => ({
  'issued in an hour': { claims: { iat: now() + 3_600, exp: now() + 7_200 } },
}))

const issuers = forgeries('tokens of another issuer', () => ({
  'of another issuer': { claims: { iss: 'https://assay-issuer.example' } },
  'without an issuer': { claims: { iss: undefined } },
}))

const nearIssuers = forgeries('tokens of issuers of similar names', ({ iss }) => ({
  'whose issuer has a slash more': { claims: { iss: `${iss}/` } },
  'whose issuer is in other letters': { claims: { iss: String(iss).toUpperCase() } },
  'whose issuer goes on': { claims: { iss: `${iss}.assay-issuer.example` } },
}))

const audiences = forgeries('tokens for another audience', () => ({
  'for another server': { claims: { aud: 'https://assay-audience.example/mcp' } },
  'for two other servers': { claims: { aud: ['https://assay-audience.example/mcp', 'https://assay-other.example/mcp'] } },
}))

const noAudience = forgeries('tokens for nobody in particular', () => ({
  'without an audience, for an unknown client': { claims: { aud: undefined, client_id: 'assay-stranger', azp: 'assay-stranger' } },
  'for an empty list of audiences': { claims: { aud: [], client_id: 'assay-stranger', azp: 'assay-stranger' } },
}))

const nearAudiences = forgeries('tokens for audiences of similar names', ({ aud }) => {
  const own = String([aud].flat()[0])
  const { protocol, host, pathname } = URL.parse(own) ?? { protocol: 'urn:', host: own, pathname: '' }
  return {
    'whose audience goes on': { claims: { aud: `${own}-assay` } },
    'whose audience is a path below': { claims: { aud: `${own}/assay/tenant` } },
    'whose audience holds the right one': { claims: { aud: `https://assay-audience.example/?${own}` } },
    'whose audience is cut short': { claims: { aud: own.slice(0, -1) } },
    'for a host that begins alike': { claims: { aud: `${protocol}//${host}.assay-audience.example${pathname}` } },
  }
})

const manyAudiences = forgeries('tokens for the target among others', ({ aud }) => ({
  'for the target among others': { claims: { aud: ['https://assay-audience.example/mcp', ...[aud].flat()] } },
}))

const idTokens = forgeries('ID tokens', () => ({
  'that is an ID token': {
    header: { typ: 'JWT' },
    claims: {
      aud: 'assay-client',
      nonce: 'assay',
      at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng',
      token_use: 'id',
      scope: undefined,
      client_id: undefined,
    },
  },
}))

const year = 31_536_000

const longLived = forgeries('tokens that live for years', () => ({
  'that is valid for ten years': { claims: { exp: now() + 10 * year } },
}))

/** Seconds a token has left when it is first used, and how long after its end it is used again. */
const remaining = 2
const overdue = 2.5

/** Milliseconds more in which an open stream has been ended. */
const patience = 1_000

/** A token that was let in when it was good, and is used again; beside it one of the same end that nobody has seen before. */
const outlived = probe(
  'a token that ends while it is in use',
  { over: 'http', requires: ['authorization', 'forging issuer'], waits: true },
  async (context) => {
    const issuer = context.instruments.issuer!
    const exp = Math.ceil(Date.now() / 1_000) + remaining
    const times = { claims: { exp, iat: exp - lifetime } }
    const open = async (token: string, forged = false) => (await context.connect({ token, forged, hold: true })).opening
    const [used, unused] = await Promise.all([issuer.mint(times), issuer.mint(times)])
    const connection = await context.connect({ token: used })
    const early = [connection.opening, await connection.send('tools/list'), await open(used)]
    const stream = await connection.listen()
    const opened = mediaTypeOf(stream.exchange) === 'text/event-stream'
    await context.pause(exp * 1_000 + overdue * 1_000 - Date.now())
    const ended = opened && (await stream.ended(patience))
    await stream.close()
    const [late, inUse, fresh] = await Promise.all([open(used, true), connection.send('tools/list'), open(unused, true)])
    return {
      early,
      late: [late, inUse],
      fresh,
      stream: { exchange: stream.exchange, opened, ended },
      after: await open(await issuer.mint()),
    }
  },
)

const bound = forgeries('tokens bound to a key, without proof of it', () => ({
  'bound to a DPoP key': { claims: { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } } },
  'bound to a client certificate': { claims: { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } } },
}))

/** As Keycloak makes them: signed like access tokens, for the authorization server itself. */
const refreshTokens = forgeries('refresh tokens', ({ iss }) => ({
  'that is a refresh token': { header: { typ: 'JWT' }, claims: { typ: 'Refresh', aud: iss } },
  'that is an offline token': { header: { typ: 'JWT' }, claims: { typ: 'Offline', aud: iss } },
}))

const registrationTokens = forgeries('registration tokens', ({ iss }) => ({
  'that is an initial access token': { header: { typ: 'JWT' }, claims: { typ: 'InitialAccessToken', aud: iss } },
  'that is a registration access token': { header: { typ: 'JWT' }, claims: { typ: 'RegistrationAccessToken', aud: iss } },
}))

const otherTypes = forgeries('tokens of other types', () =>
  Object.fromEntries(
    ['oauth-id-jag+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JWE'].map((typ): [string, Forgery] => [
      `of the type ${typ}`,
      { header: { typ } },
    ]),
  ),
)

const with401 = ({ before, tried, after }: Attempts) =>
  controlled([before, after], () => all(tried.map((each) => turnedAway(each).and(hasStatus(each.opening, 401)))))

const refuses = (attempts: typeof expired) => ({
  needs: { attempts },
  judge: ({ attempts }: { attempts: Attempts }) => allRefused(attempts),
})

export default section(
  {
    threat: 'misdirected-token',
    weakness: ['CWE-287', 'CWE-863', 'API2:2023', 'MCP07:2025'],
    spec: 'mcp',
    page: 'basic/authorization#token-handling',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'forging issuer'],
  },
  [
    check('tokens/expired', {
      title: 'An expired token is answered with 401',
      must: 'answer 401 to an expired token',
      needs: { expired },
      judge: ({ expired }) => with401(expired),
      fix: 'Compare exp with the clock on every request, also for tokens that are cached as valid.',
      weakness: ['CWE-613', 'API2:2023', 'MCP01:2025', 'MCP07:2025'],
      threat: 'stale-token',
      covers: 'auth.rs.401',
    }),

    check('tokens/leeway', {
      ...refuses(leeway),
      spec: 'rfc7519',
      page: '4.1.4',
      title: 'The leeway on expiry is a few minutes at most',
      policy: 'refuse a token that expired more than five minutes ago',
      fix: 'Allow for clock skew of a minute or two; synchronise the clocks instead of widening it.',
      weakness: ['CWE-613', 'API2:2023'],
      threat: 'stale-token',
    }),

    check('tokens/expiry-required', {
      ...refuses(endless),
      spec: 'rfc9068',
      page: '2.2',
      title: 'A token without an end is refused',
      policy: 'refuse a token whose exp is missing or no number',
      fix: 'Require exp, as a number.',
      weakness: ['CWE-613', 'API2:2023', 'MCP01:2025'],
      threat: 'stale-token',
    }),

    check('tokens/not-before', {
      ...refuses(early),
      spec: 'rfc7519',
      page: '4.1.5',
      title: 'A token is refused before its time',
      must: 'not accept a token before the time in its nbf claim',
      fix: 'Compare nbf with the clock, with the same leeway as exp.',
      weakness: ['CWE-345', 'API2:2023'],
      threat: 'stale-token',
      covers: 'auth.rs.401',
    }),

    check('tokens/issued-later', {
      ...refuses(unborn),
      spec: 'policy',
      page: 'tokens',
      title: 'A token issued in the future is refused',
      policy: 'refuse a token whose iat lies an hour ahead',
      fix: 'Refuse an iat later than now and the leeway.',
      weakness: ['CWE-345', 'API2:2023'],
      threat: 'stale-token',
    }),

    check('tokens/issuer', {
      ...refuses(issuers),
      title: 'A token of another issuer is refused',
      must: 'validate tokens, and so refuse one that does not come from an issuer of the target',
      fix: 'Compare iss with the configured issuers, and take the keys of that very issuer.',
      weakness: ['CWE-346', 'CWE-345', 'API2:2023', 'MCP07:2025'],
      covers: ['auth.rs.401', 'auth.rs.issuer'],
    }),

    check('tokens/issuer-exact', {
      ...refuses(nearIssuers),
      spec: 'rfc9068',
      page: '4',
      title: 'The issuer is compared character by character',
      policy: 'refuse a token whose issuer differs from the configured one by as much as a slash',
      fix: 'Compare iss as a string, without normalising it.',
      weakness: ['CWE-346', 'CWE-178', 'API2:2023', 'MCP07:2025'],
    }),

    check('tokens/audience', {
      ...refuses(audiences),
      revisions: '2025-06-18..',
      title: 'A token for another server is refused',
      must: 'accept only tokens issued for the target itself as the audience',
      fix: 'Configure the canonical URI of the endpoint as the audience, and compare aud with it.',
      weakness: ['CWE-863', 'CWE-441', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.audience',
    }),

    check('tokens/audience-missing', {
      ...refuses(noAudience),
      page: 'basic/authorization#access-token-privilege-restriction',
      movedTo: 'basic/authorization/security-considerations#access-token-privilege-restriction',
      revisions: '2025-06-18..',
      title: 'A token for nobody in particular is refused',
      must: 'reject tokens that do not name it in the audience, or otherwise verify that they are meant for it',
      fix: 'Require aud; where the authorization server sets none, accept only the clients and scopes of this server.',
      weakness: ['CWE-863', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.audience',
    }),

    check('tokens/audience-exact', {
      ...refuses(nearAudiences),
      revisions: '2025-06-18..',
      title: 'Audiences of similar names are refused',
      must: 'accept only tokens issued for the target itself, not for one whose URI resembles its own',
      fix: 'Compare aud with the canonical URI as a whole; not by prefix, suffix or part.',
      weakness: ['CWE-187', 'CWE-178', 'CWE-863', 'API2:2023', 'MCP07:2025'],
      covers: 'auth.rs.audience',
    }),

    check('tokens/audience-list', {
      spec: 'rfc7519',
      page: '4.1.3',
      title: 'A token for several audiences is accepted by each',
      policy: 'accept a token that names it among other audiences',
      needs: { manyAudiences },
      judge: ({ manyAudiences: { before, tried, after } }) =>
        controlled([before, after], () =>
          all(
            tried.map(({ opening }) =>
              answered(opening, () =>
                holdsIf(resultOf(opening) !== undefined, 'refuses a token for several audiences', {
                  expected: 'a result',
                  actual: summaryOf(opening),
                  exchange: opening,
                }),
              ),
            ),
          ),
        ),
      fix: 'Accept aud as a string and as a list.',
      weakness: ['CWE-863', 'API2:2023'],
    }),

    check('tokens/id-token', {
      ...refuses(idTokens),
      revisions: '2025-06-18..',
      title: 'An ID token is no access token',
      must: 'accept only tokens issued for the target as the audience, which an ID token is not',
      fix: 'Check the audience and the type: an ID token is for the client alone.',
      covers: 'auth.rs.audience',
    }),

    check('tokens/type', {
      ...refuses(otherTypes),
      spec: 'rfc8725',
      page: '3.12',
      title: 'Tokens of other types are refused',
      policy: 'refuse a token whose typ says that it is for another use',
      fix: 'Accept typ at+jwt, and JWT or none where the authorization server does not set it; refuse everything else.',
      weakness: ['CWE-287', 'CWE-345', 'API2:2023', 'MCP07:2025'],
    }),

    check('tokens/expired-in-use', {
      spec: 'rfc7519',
      page: '4.1.4',
      title: 'A token ends for those who use it as well',
      must: 'accept a token no longer than its end, however often it was let in before',
      needs: { outlived },
      judge: ({ outlived: { early, late, fresh, after } }) =>
        controlled([...early, after], () =>
          resultOf(fresh) !== undefined
            ? notTestable(`the target accepts tokens for longer than ${overdue} seconds after their end`)
            : all(late.map((exchange) => turnedAway({ what: 'that has ended while it was in use', opening: exchange }))),
        ),
      fix: 'Keep what is known of a token no longer than until its exp, in caches and sessions alike.',
      weakness: ['CWE-613', 'CWE-672', 'API2:2023', 'MCP01:2025'],
      threat: 'stale-token',
    }),

    check('tokens/stream-expiry', {
      spec: 'policy',
      page: 'tokens',
      title: 'No stream outlives its token',
      policy: 'end the streams of a token with the token',
      needs: { outlived },
      judge: ({ outlived: { early, fresh, stream, after } }) =>
        controlled([...early, after], () => {
          if (!stream.opened) return notApplicable('the target opens no stream that it could send on by itself')
          if (resultOf(fresh) !== undefined)
            return notTestable(`the target accepts tokens for longer than ${overdue} seconds after their end`)
          return holdsIf(stream.ended, 'keeps a stream open whose token has ended', {
            expected: 'the end of the stream',
            actual: 'an open stream',
            exchange: stream.exchange,
          })
        }),
      fix: 'End open streams when their token ends; the client comes back with a fresh one.',
      weakness: ['CWE-613', 'CWE-672', 'API2:2023', 'MCP01:2025'],
      covers: 'auth.rs.stream-expiry',
    }),

    check('tokens/lifetime', {
      ...refuses(longLived),
      spec: 'policy',
      page: 'tokens',
      title: 'A token that lives for years is refused',
      policy: 'refuse a token that is valid for ten years, which nobody will revoke',
      fix: 'Bound the time between iat and exp, to a day at most.',
      weakness: ['CWE-613', 'API2:2023', 'MCP01:2025'],
      threat: 'stale-token',
    }),

    check('tokens/bound', {
      ...refuses(bound),
      spec: 'rfc9449',
      page: '7.1',
      title: 'A token bound to a key is refused without proof of the key',
      policy: 'refuse a bearer of a token that is bound to a key or certificate which nobody has shown',
      fix: 'Refuse tokens with cnf, unless the proof it asks for is verified.',
      weakness: ['CWE-294', 'CWE-345', 'API2:2023'],
      threat: 'token-theft',
    }),

    check('tokens/refresh-token', {
      ...refuses(refreshTokens),
      revisions: '2025-06-18..',
      title: 'A refresh token is no access token',
      must: 'accept only tokens issued for the target as the audience, which a refresh token is not',
      fix: 'Check the audience and the type: a refresh token is for the authorization server alone.',
    }),

    check('tokens/registration-token', {
      ...refuses(registrationTokens),
      revisions: '2025-06-18..',
      title: 'A token for registration is no access token',
      must: 'accept only tokens issued for the target as the audience, which tokens for registration are not',
      fix: 'Check the audience and the type: tokens for registration are for the authorization server alone.',
    }),
  ],
)
