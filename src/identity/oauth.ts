import type * as oauth4webapi from 'oauth4webapi'
import { type AssayError, coded } from '../messages/index.ts'
import type { IssuedToken } from './cache.ts'

export type AuthorizationServer = oauth4webapi.AuthorizationServer

/** Whom a token is for; said in errors. */
export interface Purpose {
  target: string
  identity: string
}

export interface Grant {
  clientId: string
  clientSecret: string
  scope?: string
  resource?: string
  authenticate?: 'basic' | 'post'
}

const patience = 10_000

// Only those who need a token pay for the library.
export const library = () => import('oauth4webapi')

const isLoopback = (url: URL) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)

/** Plain HTTP is accepted on loopback and nowhere else. */
export async function request(url: URL) {
  const { allowInsecureRequests } = await library()
  return { [allowInsecureRequests]: isLoopback(url), signal: () => AbortSignal.timeout(patience) }
}

/** Metadata of an issuer, by RFC 8414 and then by OpenID Connect discovery. */
export async function discover(issuer: string, purpose: Purpose): Promise<AuthorizationServer> {
  const oauth = await library()
  const url = new URL(issuer)
  const failures: string[] = []
  for (const algorithm of ['oauth2', 'oidc'] as const) {
    try {
      const response = await oauth.discoveryRequest(url, { ...(await request(url)), algorithm })
      return await oauth.processDiscoveryResponse(url, response)
    } catch (error) {
      failures.push(`${algorithm === 'oauth2' ? 'RFC 8414' : 'OpenID Connect'}: ${reasonOf(error)}`)
    }
  }
  throw refused(purpose, `GET the metadata of ${issuer}`, failures.join('; '), {
    likely: 'the issuer is not the exact value the server states in its metadata, or cannot be reached',
  })
}

/** One token by the client credentials grant. */
export async function grantToken(server: AuthorizationServer, grant: Grant, purpose: Purpose): Promise<IssuedToken> {
  const oauth = await library()
  const client = { client_id: grant.clientId }
  const authentication = grant.authenticate === 'post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic
  const parameters = new URLSearchParams({
    ...(grant.scope && { scope: grant.scope }),
    ...(grant.resource && { resource: grant.resource }),
  })
  const sent = `POST ${server.token_endpoint}  client_credentials for ${grant.clientId}${parameters.size ? ` with ${parameters}` : ''}`
  try {
    const url = new URL(server.token_endpoint!)
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication(grant.clientSecret),
      parameters,
      await request(url),
    )
    const { access_token, expires_in } = await oauth.processClientCredentialsResponse(server, client, response)
    return { token: access_token, lives: expires_in }
  } catch (error) {
    throw refused(purpose, sent, reasonOf(error))
  }
}

export interface RegisteredClient {
  clientId: string
  clientSecret: string
  /** Removes the client again, where the server offers it (RFC 7592). */
  remove(): Promise<void>
}

/** Registers a client for the client credentials grant. */
export async function register(
  server: AuthorizationServer,
  metadata: Record<string, unknown>,
  initialAccessToken: string | undefined,
  purpose: Purpose,
): Promise<RegisteredClient> {
  const oauth = await library()
  const sent = `POST ${server.registration_endpoint ?? `a registration endpoint, which ${server.issuer} does not name`}`
  try {
    const url = new URL(server.registration_endpoint!)
    const response = await oauth.dynamicClientRegistrationRequest(server, metadata as Partial<oauth4webapi.Client>, {
      ...(await request(url)),
      initialAccessToken,
    })
    const client = await oauth.processDynamicClientRegistrationResponse(response)
    return {
      clientId: client.client_id,
      clientSecret: String(client.client_secret ?? ''),
      remove: () => unregister(client.registration_client_uri, client.registration_access_token),
    }
  } catch (error) {
    throw refused(purpose, sent, reasonOf(error), {
      likely: 'the server does not offer registration, or asks for an initial access token that is missing or used up',
    })
  }
}

async function unregister(uri: unknown, token: unknown): Promise<void> {
  if (typeof uri !== 'string' || typeof token !== 'string') return
  await fetch(uri, { method: 'DELETE', headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(patience) }).catch(
    () => undefined,
  )
}

/** The coded error of a token that was not given. */
export const refused = (purpose: Purpose, sent: string, got: string, detail: { likely?: string } = {}): AssayError =>
  coded('E_TOKEN_REFUSED', { ...purpose }, { sent, got, ...detail })

/** What came back, as far down as the cause says. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { error: code, error_description: text, status } = error as { error?: string; error_description?: string; status?: number }
  if (typeof code === 'string') return `HTTP ${status} ${code}${text ? `: ${text}` : ''}`
  const cause = error.cause
  if (cause instanceof Response) return `HTTP ${cause.status}`
  if (cause instanceof Error) return `${error.message}: ${(cause as NodeJS.ErrnoException).code ?? cause.message}`
  return error.message
}
