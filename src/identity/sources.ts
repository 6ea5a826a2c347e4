/** A value that is read from the environment when its target is assessed. */
export interface FromEnvironment {
  env: string
}

/** Text that may come from the environment. */
export type Text = string | FromEnvironment

/** A secret: never written out. */
export type Secret = FromEnvironment | (() => string | Promise<string>)

export interface ClientCredentialsOptions {
  /** Found by RFC 8414 or OpenID Connect discovery; one of `issuer` and `tokenEndpoint` is needed. */
  issuer?: Text
  tokenEndpoint?: Text
  clientId: Text
  clientSecret: Secret
  scope?: Text
  /** The resource indicator (RFC 8707): the URL of the target if left out, none with `false`. */
  resource?: Text | false
  /** How the client authenticates; `basic` if left out. */
  authenticate?: 'basic' | 'post'
}

export interface DynamicRegistrationOptions {
  /** Its metadata names the registration and the token endpoint. */
  issuer: Text
  /** For authorization servers that do not let everyone register. */
  initialAccessToken?: Secret
  scope?: Text
  resource?: Text | false
  /** Further client metadata, such as a tenant. */
  metadata?: Record<string, unknown>
}

export interface AuthorizationCodeOptions {
  /** Its metadata names the authorization and the token endpoint. */
  issuer: Text
  clientId: Text
  /** Left out for a public client. */
  clientSecret?: Secret
  /** How a confidential client authenticates; `basic` if left out. */
  authenticate?: 'basic' | 'post'
  username: Text
  password: Secret
  scope?: Text
  resource?: Text | false
  /** As registered for the client; `http://127.0.0.1/callback` if left out. Nothing needs to listen there. */
  redirectUri?: Text
  /** What is done on pages that are neither sign-in nor consent, one after the other, with the `Page` of Playwright. */
  steps?: ((page: any, person: { username: string; password: string }) => Promise<void>)[]
}

/** Where the bearer token of an identity comes from. */
export type TokenSource =
  | FromEnvironment
  | { bearer: Secret }
  | { clientCredentials: ClientCredentialsOptions }
  | { dynamicRegistration: DynamicRegistrationOptions }
  | { authorizationCode: AuthorizationCodeOptions }
  | (() => string | Promise<string>)

/** The value of an environment variable, read when its target is assessed. */
export const env = (name: string): FromEnvironment => ({ env: name })

/** A token that is ready for use. */
export const bearer = (token: Secret): TokenSource => ({ bearer: token })

/** Tokens by the client credentials grant (RFC 6749, section 4.4). */
export const clientCredentials = (options: ClientCredentialsOptions): TokenSource => ({ clientCredentials: options })

/** Registers a client of its own (RFC 7591), takes tokens by the client credentials grant, and removes the client at the end. */
export const dynamicRegistration = (options: DynamicRegistrationOptions): TokenSource => ({ dynamicRegistration: options })

/** Signs a person in with Chromium and takes tokens by the authorization code grant with PKCE (OAuth 2.1, section 4.1). Needs `playwright-core`. */
export const authorizationCode = (options: AuthorizationCodeOptions): TokenSource => ({ authorizationCode: options })
