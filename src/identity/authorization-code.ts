import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as oauth4webapi from 'oauth4webapi'
import type { Page } from 'playwright-core'
import { type Arrival, launchChromium, type Person, type Step, walk } from '../browser/index.ts'
import type { IssuedToken } from './cache.ts'
import { type AuthorizationServer, library, type Purpose, reasonOf, refused, request } from './oauth.ts'

export interface CodeGrant {
  clientId: string
  clientSecret?: string
  authenticate?: 'basic' | 'post'
  redirectUri: string
  scope?: string
  resource?: string
  person: Person
  steps?: readonly Step[]
}

/** Tokens by the authorization code grant: a person signs in, in a real browser, and the refresh token serves from then on. */
export function byPerson(server: () => Promise<AuthorizationServer>, grant: CodeGrant, purpose: Purpose): () => Promise<IssuedToken> {
  let refreshToken: string | undefined
  return async () => {
    const at = await server()
    const tokens = (refreshToken && (await refreshed(at, grant, refreshToken))) || (await signedIn(at, grant, purpose))
    refreshToken = tokens.refresh_token ?? refreshToken
    return { token: tokens.access_token, lives: tokens.expires_in }
  }
}

type Tokens = oauth4webapi.TokenEndpointResponse

async function authentication({ clientSecret, authenticate }: CodeGrant): Promise<oauth4webapi.ClientAuth> {
  const oauth = await library()
  if (clientSecret === undefined) return oauth.None()
  return authenticate === 'post' ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret)
}

const additional = ({ resource }: CodeGrant) => new URLSearchParams({ ...(resource && { resource }) })

/** Nothing when the refresh token is good no longer: the person signs in again then. */
async function refreshed(server: AuthorizationServer, grant: CodeGrant, refreshToken: string): Promise<Tokens | undefined> {
  const oauth = await library()
  const client = { client_id: grant.clientId }
  try {
    const options = { ...(await request(new URL(server.token_endpoint!))), additionalParameters: additional(grant) }
    const response = await oauth.refreshTokenGrantRequest(server, client, await authentication(grant), refreshToken, options)
    return await oauth.processRefreshTokenResponse(server, client, response)
  } catch {
    return undefined
  }
}

async function signedIn(server: AuthorizationServer, grant: CodeGrant, purpose: Purpose): Promise<Tokens> {
  const oauth = await library()
  const client = { client_id: grant.clientId }
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const url = authorizationUrl(server, grant, state, await oauth.calculatePKCECodeChallenge(verifier))
  const sent = `GET ${server.authorization_endpoint} for ${grant.clientId}, signed in as ${grant.person.username}`
  try {
    const answer = await answerTo(url, grant)
    // Compares state and iss (RFC 9207) with what they must be.
    const parameters = oauth.validateAuthResponse(server, client, answer, state)
    const options = { ...(await request(new URL(server.token_endpoint!))), additionalParameters: additional(grant) }
    const client_ = await authentication(grant)
    const response = await oauth.authorizationCodeGrantRequest(server, client, client_, parameters, grant.redirectUri, verifier, options)
    return await oauth.processAuthorizationCodeResponse(server, client, response)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'E_TOOL_MISSING') throw error
    throw refused(purpose, sent, reasonOf(error), {
      likely: 'the password is wrong, a page asks for something else (give `steps`), or the redirect URI is not registered',
    })
  }
}

function authorizationUrl(server: AuthorizationServer, grant: CodeGrant, state: string, challenge: string): string {
  if (server.authorization_endpoint === undefined) throw new Error(`the metadata of ${server.issuer} names no authorization endpoint`)
  const url = new URL(server.authorization_endpoint)
  const parameters = {
    response_type: 'code',
    client_id: grant.clientId,
    redirect_uri: grant.redirectUri,
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...(grant.scope && { scope: grant.scope }),
    ...(grant.resource && { resource: grant.resource }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** The parameters of the authorization response, after the person has signed in and allowed what was asked for. */
async function answerTo(url: string, { redirectUri, person, steps }: CodeGrant): Promise<URLSearchParams> {
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    const arrival = await walk(page, { url, redirectUri, person, steps }).catch((error: Error): Arrival => ({ stuck: error.message }))
    if ('parameters' in arrival) return arrival.parameters
    throw new Error(`${'stuck' in arrival ? arrival.stuck : arrival.stopped}; ${await pictureOf(page)}`)
  } finally {
    await browser.close()
  }
}

async function pictureOf(page: Page): Promise<string> {
  const path = join(tmpdir(), `assay-sign-in-${randomUUID()}.png`)
  const taken = await page.screenshot({ path, fullPage: true, timeout: 10_000 }).then(
    () => true,
    () => false,
  )
  return taken ? `a picture of it is at ${path}` : 'no picture could be taken of it'
}
