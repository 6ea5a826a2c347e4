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
  notApplicable,
  notTestable,
  type ProbeContext,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { basicCredentials, formBody } from '../forms.ts'
import { wordsOf } from '../registration/desk.ts'
import { type App, asPerson, claimsOf, type Flow, type Grant, tokensIn } from './flow.ts'
import { bringsNoToken, controlledByTokens, noRefreshToken } from './verdicts.ts'

/** A grant with a refresh token, asked for by its scope where it does not come by itself. */
async function grantToRefresh(flow: Flow, app: App): Promise<(Grant & { refreshToken: string }) | null> {
  const browser = flow.browser()
  const plain = await flow.grant(app, { browser })
  if (plain.tokens.refresh_token !== undefined) return { ...plain, refreshToken: plain.tokens.refresh_token }
  const { scope = '' } = flow.context.access()
  if (!wordsOf((flow.context.facts.metadata?.scopes_supported as string[] | undefined)?.join(' ')).includes('offline_access')) return null
  const change = { scope: `${scope} openid offline_access`.trim(), prompt: 'consent' }
  const offline = await flow.grant(app, { browser, change }).catch(() => undefined)
  return offline?.tokens.refresh_token === undefined ? null : { ...offline, refreshToken: offline.tokens.refresh_token }
}

/** Milliseconds in which a server that counts in seconds can tell the older of two tokens. */
const aSecond = 1_100

/** Two refreshes one after the other, then the first token again, then the newest. */
const rotations = asPerson(
  'refresh tokens used and used again',
  async (flow) => {
    const app = await flow.app()
    const grant = await grantToRefresh(flow, app)
    if (grant === null) return null
    await flow.context.pause(aSecond)
    const first = await flow.refresh(app, grant.refreshToken)
    const second = tokensIn(first)?.refresh_token
    const rotated = second !== undefined && second !== grant.refreshToken
    if (!rotated) return { public: app.secret === undefined, type: grant.tokens.token_type, first, rotated }
    const next = await flow.refresh(app, second)
    const newest = tokensIn(next)?.refresh_token ?? second
    const reused = await flow.refresh(app, grant.refreshToken)
    const family = await flow.refresh(app, newest)
    return { public: app.secret === undefined, type: grant.tokens.token_type, first, rotated, next, reused, family }
  },
  { waits: true },
)

const borrowed = asPerson('a refresh token in the hands of another client', async (flow) => {
  const [app, other] = [await flow.app(), await flow.app()]
  const grant = await grantToRefresh(flow, app)
  if (grant === null) return null
  const stolen = await flow.refresh(other, grant.refreshToken)
  // A server may end the grant when somebody else comes with its token: a grant of its own shows that refreshing works.
  const own = await flow.grant(app)
  return { stolen, control: await flow.refresh(app, own.tokens.refresh_token ?? grant.refreshToken) }
})

const widened = asPerson(
  'a refresh with a wider scope',
  async (flow) => {
    const { scope = '', privilegedScope } = flow.context.access()
    const app = await flow.app()
    const grant = await grantToRefresh(flow, app)
    if (grant === null) return null
    const control = await flow.refresh(app, grant.refreshToken)
    const token = tokensIn(control)?.refresh_token ?? grant.refreshToken
    const wider = await flow.refresh(app, token, { scope: `${scope} ${privilegedScope}`.trim() })
    return { privilegedScope: privilegedScope!, control, wider, granted: grantedScope(flow.context, wider) }
  },
  { requires: 'privileged scope' },
)

const elsewhere = 'https://assay-resource.example/mcp'

const redirected = asPerson(
  'a refresh for another resource',
  async (flow) => {
    const app = await flow.app()
    const grant = await grantToRefresh(flow, app)
    if (grant === null) return null
    const control = await flow.refresh(app, grant.refreshToken)
    const other = await flow.refresh(app, tokensIn(control)?.refresh_token ?? grant.refreshToken, { resource: elsewhere })
    const token = tokensIn(other)?.access_token
    return { control, other, claims: token === undefined ? null : (claimsOf(flow.context, token) ?? null) }
  },
  { requires: 'resource' },
)

/** A refresh token is revoked; the access token of its grant is asked about before and after. */
const revocations = asPerson(
  'a refresh token that is revoked',
  async (flow) => {
    const app = await flow.app({ token_endpoint_auth_method: 'client_secret_basic' })
    const grant = await grantToRefresh(flow, app)
    if (grant === null) return null
    const ask = (name: string, token: string) => post(flow, app, name, token)
    const introspects = flow.context.facts.facilities.introspection === true && app.secret !== undefined
    const before = introspects ? await ask('introspection_endpoint', grant.tokens.access_token) : null
    const revoked = await ask('revocation_endpoint', grant.refreshToken)
    const refreshed = await flow.refresh(app, grant.refreshToken)
    const after = introspects ? await ask('introspection_endpoint', grant.tokens.access_token) : null
    return { before, revoked, refreshed, after }
  },
  { requires: 'revocation' },
)

function post({ context }: Flow, { clientId, secret }: App, name: string, token: string): Promise<Exchange> {
  const body = formBody(context, { token, client_id: clientId, ...(secret === undefined ? {} : { client_secret: secret }) })
  const headers: [string, string][] = [['Content-Type', 'application/x-www-form-urlencoded']]
  if (secret !== undefined) headers.push(['Authorization', basicCredentials(context, clientId, secret)])
  const form = secret === undefined ? body : formBody(context, { token })
  return context.request({ url: String(context.facts.metadata![name]), headers, body: form, authorize: false })
}

/** The scope a token response grants: as it says, or as its token says; nothing where neither does. */
export function grantedScope(context: ProbeContext, exchange: Exchange): string[] | null {
  const tokens = tokensIn(exchange)
  if (tokens === undefined) return null
  const inToken = claimsOf(context, tokens.access_token)?.scope
  const said = tokens.scope === undefined ? undefined : wordsOf(tokens.scope)
  return inToken === undefined && said === undefined ? null : [...(said ?? []), ...(inToken ?? [])]
}

const activeIn = (exchange: Exchange): unknown => (statusOf(exchange) === 200 ? bodyOf(exchange)?.active : undefined)

type Rotation = { first: Exchange; rotated: boolean; next?: Exchange; reused?: Exchange; family?: Exchange }

/** What was seen after a rotation; a server that does not rotate is left to the check for that. */
function afterRotation(rotations: Rotation | null, judge: (seen: Required<Rotation>) => Judgement): Judgement {
  if (rotations === null) return noRefreshToken
  if (!rotations.rotated) return notApplicable('the server does not rotate refresh tokens')
  return controlledByTokens([rotations.first, rotations.next!], () => judge(rotations as Required<Rotation>))
}

export default section(
  {
    of: 'authorization-server',
    spec: 'oauth-2.1',
    page: '4.3.1',
    revisions: '2025-03-26..',
    requires: ['authorization code', 'user'],
    weakness: ['CWE-294', 'CWE-613', 'API2:2023', 'MCP01:2025'],
    threat: 'refresh-theft',
  },
  [
    check('authorization-code/refresh-rotation', {
      spec: 'mcp',
      page: 'basic/authorization#token-theft',
      movedTo: 'basic/authorization/security-considerations#token-theft',
      revisions: '2025-06-18..',
      title: 'A refresh token is replaced by its use',
      must: 'rotate the refresh tokens of public clients',
      needs: { rotations },
      judge: ({ rotations }) => {
        if (rotations === null) return noRefreshToken
        if (!rotations.public) return notApplicable('the client is confidential: its refresh tokens are bound to its secret')
        if (/^dpop$/i.test(rotations.type ?? '')) return notApplicable('its tokens are bound to a key of the client')
        return controlledByTokens([rotations.first], () =>
          holdsIf(rotations.rotated, 'gives a public client no new refresh token when it refreshes', {
            expected: 'another refresh_token',
            actual: Object.keys(bodyOf(rotations.first) ?? {}),
            exchange: rotations.first,
          }),
        )
      },
      fix: 'Issue a new refresh token with every refresh of a public client, and invalidate the one that was used.',
    }),

    check('authorization-code/refresh-reuse', {
      title: 'A refresh token that was replaced is refused',
      must: 'detect that a refresh token is used again after it was replaced',
      needs: { rotations },
      judge: ({ rotations }) => afterRotation(rotations, ({ reused }) => bringsNoToken(reused, 'accepts a refresh token it has replaced')),
      fix: 'Invalidate a refresh token as soon as its successor is used.',
    }),

    check('authorization-code/refresh-family', {
      title: 'A refresh token used again ends its successors',
      policy: 'revoke the active refresh token when one that it has replaced is used again',
      needs: { rotations },
      judge: ({ rotations }) =>
        afterRotation(rotations, ({ reused, family }) =>
          tokensIn(reused) === undefined
            ? bringsNoToken(family, 'keeps the newest refresh token alive after a replaced one was used again')
            : notApplicable('the server does not notice that the token was replaced'),
        ),
      fix: 'Keep the family of a refresh token, and end it as a whole: one of the two who use it has stolen it.',
    }),

    check('authorization-code/refresh-client', {
      spec: 'rfc6749',
      page: '6',
      title: 'A refresh token is for the client it was issued to',
      must: 'ensure that the refresh token was issued to the client that presents it',
      needs: { borrowed },
      judge: ({ borrowed }) => {
        if (borrowed === null) return noRefreshToken
        return controlledByTokens([borrowed.control], () => bringsNoToken(borrowed.stolen, 'refreshes the token of another client'))
      },
      fix: 'Keep the client with the refresh token and compare it on every use.',
      weakness: ['CWE-287', 'API2:2023'],
    }),

    check('authorization-code/refresh-scope', {
      spec: 'rfc6749',
      page: '6',
      title: 'A refresh grants no more than was granted',
      must: 'not include in a refresh a scope the person has not granted',
      needs: { widened },
      judge: ({ widened }) => {
        if (widened === null) return noRefreshToken
        const { privilegedScope, control, wider, granted } = widened
        return controlledByTokens([control], () => {
          if (tokensIn(wider) === undefined) return bringsNoToken(wider, '')
          if (granted === null) return inconclusive('the response does not say which scope it grants', wider)
          return holdsIf(!granted.includes(privilegedScope), 'widens the scope of a grant when it is refreshed', {
            expected: 'invalid_scope, or the scope of the grant',
            actual: granted,
            exchange: wider,
          })
        })
      },
      fix: 'Answer invalid_scope when the scope asked for is not within that of the grant.',
      weakness: ['CWE-269', 'API5:2023', 'MCP02:2025'],
      threat: 'scope-bypass',
    }),

    check('authorization-code/refresh-resource', {
      spec: 'rfc8707',
      page: '2.2',
      title: 'A refresh is for the resource of the grant',
      policy: 'issue no token for a resource that was not part of the grant',
      needs: { redirected },
      judge: ({ redirected }) => {
        if (redirected === null) return noRefreshToken
        const { control, other, claims } = redirected
        return controlledByTokens([control], () => {
          if (tokensIn(other) === undefined) return bringsNoToken(other, '')
          if (claims === null) return notTestable('the token is opaque: nobody here can tell whom it is for')
          return holdsIf(!claims.audience.includes(elsewhere), 'refreshes into a token for a resource nobody has granted', {
            expected: 'invalid_target',
            actual: claims.audience,
            exchange: other,
          })
        })
      },
      fix: 'Keep the resources with the grant, and answer invalid_target for any other.',
      weakness: ['CWE-863', 'API2:2023'],
      threat: 'misdirected-token',
    }),

    check('authorization-code/refresh-revoked', {
      spec: 'rfc7009',
      page: '2',
      title: 'A revoked refresh token is refused',
      must: 'support the revocation of refresh tokens, so that one that is revoked is not accepted any more',
      needs: { revocations },
      judge: ({ revocations }) => {
        if (revocations === null) return noRefreshToken
        const { revoked, refreshed } = revocations
        if (statusOf(revoked) !== 200) return inconclusive(`the token is not revoked: ${summaryOf(revoked)}`, revoked)
        return bringsNoToken(refreshed, 'accepts a refresh token that its client has revoked')
      },
      fix: 'Delete the refresh token, or mark its grant as ended, before the revocation is answered.',
      weakness: ['CWE-613', 'API2:2023', 'MCP01:2025'],
    }),

    check('authorization-code/revocation-of-grant', {
      spec: 'rfc7009',
      page: '2.1',
      title: 'With the refresh token go its access tokens',
      should: 'invalidate the access tokens of a grant whose refresh token is revoked',
      needs: { revocations },
      requires: ['revocation', 'introspection'],
      judge: ({ revocations }) => {
        if (revocations === null) return noRefreshToken
        const { before, revoked, after } = revocations
        if (before === null || after === null) return notTestable('the server registers no client that may introspect its tokens')
        if (activeIn(before) !== true) return notTestable('the server tells the client nothing of its own access token')
        if (statusOf(revoked) !== 200) return inconclusive(`the token is not revoked: ${summaryOf(revoked)}`, revoked)
        return activeIn(after) === true
          ? broken('calls an access token active whose grant is revoked', {
              expected: 'active: false',
              actual: summaryOf(after),
              exchange: after,
            })
          : all([holds])
      },
      fix: 'End the grant as a whole, and answer active: false for every token of it.',
      weakness: ['CWE-613', 'API2:2023', 'MCP01:2025'],
      threat: 'stale-token',
    }),
  ],
)
