import { createHash, randomBytes } from 'node:crypto'
import {
  bodyOf,
  type Exchange,
  type Facility,
  type Probe,
  type ProbeContext,
  type ProbeOptions,
  probe,
  statusOf,
  summaryOf,
  Unfit,
  type UserAccess,
} from '../../../src/model/index.ts'
import { basicCredentials, formBody } from '../forms.ts'
import { application, type Desk, type Json, registering } from '../registration/desk.ts'
import { type Browser, browserOf, type SignInOptions, signIn } from '../sign-in.ts'
import { decodeJwt } from '../tokens/jwt.ts'

/** A client that acts for people, and one of them; the secret stands by its name. */
export interface App {
  clientId: string
  secret?: string
  way: string
  redirectUri: string
  user: UserAccess
}

/** Parameters that replace the usual ones; `null` leaves one out, a list sends it as often. */
export type Change = Record<string, string | readonly string[] | null>

/** What came of an authorization request, after sign-in and consent where they were asked for. */
export interface Answer {
  /** What the client keeps back until it redeems the code. */
  verifier: string
  redirectUri: string
  redirect?: string
  /** What came with the redirect, wherever that leads. */
  parameters: Record<string, string>
  /** Only where it came to the redirect URI that was asked for. */
  code?: string
  login?: Exchange
  consent?: Exchange
  last: Exchange
}

/** A code and what it was redeemed for. */
export interface Grant {
  answer: Answer
  exchange: Exchange
  tokens: Tokens
}

/** Credentials by their names. */
export interface Tokens {
  access_token: string
  refresh_token?: string
  scope?: string
  token_type?: string
}

/** One client's way through the authorization code grant, as often as a probe needs it. */
export interface Flow {
  readonly context: ProbeContext
  /** A client of the probe's own, public unless said otherwise; where none can be registered, the next one the operator gave. */
  app(metadata?: Json): Promise<App>
  browser(): Browser
  /** The address of an authorization request whose code is not meant to be redeemed. */
  address(app: App, change?: Change): string
  authorize(app: App, change?: Change, options?: SignInOptions): Promise<Answer>
  redeem(app: App, answer: Answer, change?: Change): Promise<Exchange>
  refresh(app: App, token: string, change?: Change): Promise<Exchange>
  /** A grant that must be had for the probe to go on. */
  grant(app: App, options?: SignInOptions & { change?: Change; token?: Change }): Promise<Grant>
}

const redirectUri = 'http://127.0.0.1:8917/callback'

const needsApp = 'needs a client for the authorization code grant: `authority.clients[].redirectUri` of the target, or open registration'

/** A probe that signs a person in to clients of its own. */
export function asPerson<E>(name: string, run: (flow: Flow) => Promise<E>, options: ProbeOptions = {}): Probe<E> {
  return probe(name, personal(options), async (context) => {
    if (context.facts.facilities.registration !== true) return run(flowOf(context))
    return registering(name, (desk) => run(flowOf(context, desk))).run(context)
  })
}

/** A probe that signs a person in to clients nobody registers. */
export const asGuest = <E>(name: string, run: (flow: Flow) => Promise<E>, options: ProbeOptions = {}): Probe<E> =>
  probe(name, personal(options), (context) => run(flowOf(context)))

function personal(options: ProbeOptions): ProbeOptions {
  const requires: Facility[] = ['authorization code', 'user', ...[options.requires ?? []].flat()]
  return { deadline: 60_000, ...options, requires, disruptive: true }
}

function flowOf(context: ProbeContext, desk?: Desk): Flow {
  const { users, initialAccessToken } = context.access()
  const given = context.access().clients.filter((client) => client.redirectUri !== undefined)
  const browser = () => browserOf(context, new URL(endpoint(context, 'authorization_endpoint')).origin)

  const app = async (metadata: Json = {}): Promise<App> => {
    if (desk === undefined) {
      const next = given.shift()
      if (next === undefined) throw new Unfit('not-testable', needsApp)
      const user = users.find(({ tenant }) => tenant === next.tenant) ?? users[0]!
      return { clientId: next.clientId, secret: next.clientSecret, way: 'client_secret_basic', redirectUri: next.redirectUri!, user }
    }
    const wanted = {
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }
    const about = { ...application, ...wanted, ...metadata }
    const { clientId, secret, said } = await desk.client(about).catch((error: unknown) => {
      // What is closed to strangers may be open to those who were invited.
      if (!(error instanceof Unfit) || initialAccessToken === undefined) throw error
      return desk.client(about, { token: initialAccessToken })
    })
    const way = String(said.token_endpoint_auth_method ?? metadata.token_endpoint_auth_method ?? (secret ? 'client_secret_basic' : 'none'))
    const [own = redirectUri] = (metadata.redirect_uris as string[] | undefined) ?? [redirectUri]
    return { clientId, ...(way === 'none' ? {} : { secret }), way, redirectUri: own, user: users[0]! }
  }

  const authorize = async (of: App, change: Change = {}, options: SignInOptions = {}): Promise<Answer> => {
    const verifier = randomBytes(32).toString('base64url')
    const url = authorizationUrl(context, of, verifier, change)
    const { exchanges, login, consent, redirect } = await signIn(context, url, of.user, { browser: browser(), ...options })
    const asked = typeof change.redirect_uri === 'string' ? change.redirect_uri : of.redirectUri
    const parameters = redirect === undefined ? {} : parametersOf(redirect)
    return {
      verifier,
      redirectUri: asked,
      parameters,
      last: exchanges.at(-1)!,
      ...(redirect === undefined ? {} : { redirect }),
      ...(redirect !== undefined && parameters.code && goesTo(redirect, asked) ? { code: parameters.code } : {}),
      ...(login && { login }),
      ...(consent && { consent }),
    }
  }

  const redeem = (of: App, { code = '', verifier, redirectUri: asked }: Answer, change: Change = {}): Promise<Exchange> =>
    tokenRequest(context, of, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: asked,
      ...resource(context),
      ...change,
    })

  const grant: Flow['grant'] = async (of, { change, token, ...options } = {}) => {
    const answer = await authorize(of, change, options)
    if (answer.code === undefined) throw new Unfit('inconclusive', `signing in brings no code: ${endOf(answer)}`)
    const exchange = await redeem(of, answer, token)
    const tokens = tokensIn(exchange)
    if (tokens === undefined) throw new Unfit('inconclusive', `a good code brings no token: ${summaryOf(exchange)}`)
    return { answer, exchange, tokens }
  }

  return {
    context,
    app,
    browser,
    address: (of, change = {}) => authorizationUrl(context, of, randomBytes(32).toString('base64url'), change),
    authorize,
    redeem,
    grant,
    refresh: (of, token, change = {}) =>
      tokenRequest(context, of, { grant_type: 'refresh_token', refresh_token: token, ...resource(context), ...change }),
  }
}

const endpoint = ({ facts }: ProbeContext, name: string): string => {
  const url = facts.metadata?.[name]
  if (typeof url !== 'string' || URL.parse(url) === null) throw new Unfit('not-applicable', `its metadata names no ${name}`)
  return url
}

const resource = (context: ProbeContext): Change => (context.access().resource ? { resource: context.access().resource! } : {})

function authorizationUrl(context: ProbeContext, app: App, verifier: string, change: Change): string {
  const url = new URL(endpoint(context, 'authorization_endpoint'))
  const { scope } = context.access()
  const parameters: Change = {
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    ...(scope && { scope }),
    state: randomBytes(12).toString('base64url'),
    code_challenge: s256(verifier),
    code_challenge_method: 'S256',
    ...resource(context),
    ...change,
  }
  for (const [name, value] of Object.entries(parameters)) for (const each of [value ?? []].flat()) url.searchParams.append(name, each)
  return url.href
}

export const s256 = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** A request to the token endpoint, the client presented as it is registered unless the change says otherwise. */
function tokenRequest(context: ProbeContext, app: App, change: Change): Promise<Exchange> {
  const form = { ...presented(app), ...change }
  const headers: [string, string][] = [
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Accept', 'application/json'],
  ]
  if (app.secret !== undefined && app.way === 'client_secret_basic' && !('client_id' in change))
    headers.push(['Authorization', basicCredentials(context, app.clientId, app.secret)])
  const body = Object.entries(form)
    .flatMap(([name, value]) => [value ?? []].flat().map((each) => field(context, name, each)))
    .join('&')
  return context.request({ url: endpoint(context, 'token_endpoint'), headers, body, authorize: false })
}

// A code stands in an address, and was written down as encoded there.
const field = (context: ProbeContext, name: string, value: string): string =>
  name === 'code' ? `code=${value}` : formBody(context, { [name]: value })

function presented({ clientId, secret, way }: App): Change {
  if (secret === undefined) return { client_id: clientId }
  return way === 'client_secret_post' ? { client_id: clientId, client_secret: secret } : {}
}

/** The parameters of a redirect, from its query and its fragment. */
export function parametersOf(redirect: string): Record<string, string> {
  const [, query = '', fragment = ''] = /^[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(redirect) ?? []
  return Object.fromEntries([...new URLSearchParams(query), ...new URLSearchParams(fragment)])
}

/** Whether a redirect leads to this very address, whatever was added to its query. */
export const goesTo = (redirect: string, uri: string): boolean => redirect.startsWith(uri) && /^([?&#]|$)/.test(redirect.slice(uri.length))

/** What a token response hands out, or undefined when it is none. */
export function tokensIn(exchange: Exchange): Tokens | undefined {
  const said = statusOf(exchange) === 200 ? bodyOf(exchange) : undefined
  return typeof said?.access_token === 'string' ? (said as unknown as Tokens) : undefined
}

/** What a token says of itself, or undefined where it cannot be read. */
export function claimsOf({ reveal }: ProbeContext, token: string): { audience: string[]; scope: string[] } | undefined {
  const claims = decodeJwt(reveal(token))?.claims
  if (claims === undefined) return undefined
  const scope = Array.isArray(claims.scp) ? claims.scp : String(claims.scope ?? claims.scp ?? '').split(' ')
  return { audience: [claims.aud ?? []].flat().map(String), scope: scope.map(String).filter(Boolean) }
}

/** Where an authorization request ended, in a few words. */
export function endOf({ redirect, parameters, last }: Answer): string {
  if (redirect === undefined) return `it ends at ${last.request.url.split('?')[0]} with ${summaryOf(last)}`
  const { error, error_description: text } = parameters
  return error ? `it comes back with ${error}${text ? ` (${text})` : ''}` : `it ends with a redirect to ${redirect.split('?')[0]}`
}
