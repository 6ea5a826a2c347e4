/**
 * What the operator gives for the assessment of an authorization server. Secrets stand here by the names the recorder keeps them
 * under (`$CLIENT_SECRET_1`): a request that carries a name is sent with the secret in its place.
 */
export interface AuthorityAccess {
  readonly issuer: string
  /** Lets a client be registered where registration is not open to everyone. */
  readonly initialAccessToken?: string
  /** Confidential clients with the client credentials grant. Attacks of one client on another need two. */
  readonly clients: readonly ClientAccess[]
  /** People who can log in, for the authorization code grant. */
  readonly users: readonly UserAccess[]
  /** What the forging issuer says of somebody for whom it may vouch as an identity provider: the claims of a grant (ID-JAG). */
  readonly employee?: Readonly<Record<string, unknown>>
  /** The resource tokens are for (RFC 8707): the URL of the MCP endpoint. */
  readonly resource?: string
  /** A scope any agent may have. */
  readonly scope?: string
  /** A scope nobody may have without being approved. */
  readonly privilegedScope?: string
}

export interface ClientAccess {
  readonly clientId: string
  readonly clientSecret: string
  /** Scopes the client may have, separated by blanks. */
  readonly scope?: string
  readonly tenant?: string
  /** Registered for the authorization code grant, when it may use that too. */
  readonly redirectUri?: string
}

export interface UserAccess {
  readonly username: string
  readonly password: string
  readonly tenant?: string
}

/** What the operator does to the deployment while the harness watches, because it is asked to. */
export interface Operations {
  /**
   * Gives the target another secret for its own client at the issuer of machine-to-machine tokens, and then removes the
   * former one there.
   */
  rotateM2mSecret?(): Promise<void>
  /** An initial access token with which so many clients can be registered. */
  initialAccessToken?(uses: number): Promise<string>
  /** Replaces the secret of a client at the authorization server. */
  rotateClientSecret?(clientId: string): Promise<RotatedSecret>
  /** Takes in a tenant that is offboarded again before the run is over. */
  temporaryTenant?(): Promise<TemporaryTenant>
  /** Gives the target another certificate for the same names, as its renewal would. */
  renewCertificate?(): Promise<void>
  /** Replaces the running version of the target, as a deployment of it does; over when the former one is gone. */
  switchVersion?(): Promise<void>
}

/** A tenant for the occasion, with one client that has what the first client of `authority.clients` has. */
export interface TemporaryTenant {
  clientId: string
  clientSecret: string
  /** Ends the access of the tenant, as it would be ended for one that leaves. */
  offboard(): Promise<void>
}

export interface RotatedSecret {
  clientSecret: string
  /** Milliseconds for which the former secret is good beside it. */
  overlap: number
}

/** What the operator lets the harness look at, beside what the target answers. */
export interface Observations {
  /** Lines of the log of the target, oldest first, since the run began. */
  logs?(): Promise<string[]>
  /** Records of the audit trail, oldest first, since the run began. */
  audit?(): Promise<Record<string, unknown>[]>
  /** Metrics in the Prometheus exposition format. */
  metrics?(): Promise<string>
}

/**
 * Where the metadata of an issuer may be, in the order a client tries them: RFC 8414 §3.1, then OpenID Connect Discovery 1.0 §4.1
 * with the path before and after the well-known part.
 */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    ...(path === '' ? [] : [`${origin}${path}/.well-known/openid-configuration`]),
  ]
}
