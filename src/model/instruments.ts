/** An MCP server whose every behaviour a probe can set, registered behind the gateway under test. */
export interface ScriptedUpstream {
  /** Where it is reached. Any other path of its origin answers 404, and is recorded all the same. */
  readonly url: string
  /** Tool names as the upstream itself lists them; the gateway may prefix them. */
  readonly toolNames: { scripted: string; idempotent: string }
  /**
   * Registers what one call does; the call names it by passing the returned id as argument `script`. Calls with the same
   * id share the script, so that duplicates and retries can be counted.
   */
  script(behaviour: UpstreamBehaviour): Promise<string>
  /** What reached the upstream for a script, in order. */
  calls(script: string): Promise<UpstreamCall[]>
  /** Everything that reached the upstream since it was started or last cleared, bounded to the newest thousand. */
  traffic(): Promise<UpstreamCall[]>
  /** Changes the catalogue; emits `list_changed` unless `quietly`. */
  setTools(tools: Record<string, unknown>[] | null, options?: { quietly?: boolean }): Promise<void>
  /** Changes the listed resources, or with `null` lists the original ones; emits `list_changed`. */
  setResources(resources: Record<string, unknown>[] | null): Promise<void>
  /** Sends a notification to every client of the upstream. */
  notify(method: string, params?: Record<string, unknown>): Promise<void>
  /**
   * Behaviour of everything that is not a scripted call: `down` refuses connections, `hang` never answers, `ended-tokens` answers 401
   * to every token it has seen before, and others as ever; all that come within the first second at its end, so that many are refused at once.
   */
  condition(state: 'up' | 'down' | 'hang' | 'garbage' | 'unavailable' | 'lost-sessions' | 'ended-tokens'): Promise<void>
}

export interface UpstreamBehaviour {
  /** Milliseconds before the answer. */
  delay?: number
  /** Content text of the result; the default echoes argument `text`. */
  text?: string
  /** The whole result instead. */
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
  /** Progress values to emit before the answer, when a token was given; evenly spread over `delay`. */
  progress?: number[]
  /** Notifications to emit before the answer, as whole messages without `jsonrpc`. */
  notifications?: { method: string; params?: Record<string, unknown> }[]
  /** HTTP status without a JSON-RPC body. */
  status?: number
  /** Only the first so many attempts get `status` or `damage`; all of them when left out. */
  times?: number
  /** How the answer is damaged. */
  damage?: 'wrong-id' | 'no-answer' | 'reset' | 'reset-after-handling' | 'invalid-json' | 'duplicate-answer' | 'html'
  /** Size in bytes of the result text. */
  size?: number
}

export interface UpstreamCall {
  at: number
  /** HTTP verb. */
  verb: string
  /** Path and query, when it is not the endpoint that was asked for. */
  path?: string
  /** Tokens and other secrets stand here as `sha256:` and their digest, so that they can be compared and not used. */
  headers: Record<string, string>
  method?: string
  id?: unknown
  params?: Record<string, unknown>
  /** Set when the caller dropped the connection, or cancelled, before the answer. */
  cancelled?: 'disconnect' | 'notification'
  /** Set when the work was done, even if the answer was then lost. */
  completed?: boolean
}

/** An authorization server that also mints wrong tokens; the target trusts it as one of its issuers. */
export interface ForgingIssuer {
  readonly issuer: string
  /** The clients of this issuer whose tokens alone the target accepts, by the word of the operator; the right tokens are for the first. */
  readonly clients?: readonly [string, ...string[]]
  /** A scope that implies every other the right tokens have, by the word of the operator. */
  readonly broadScope?: string
  /** A token the target must accept: right audience, tenant and scopes. Claims and header members given here replace the right ones, `undefined` removes them. */
  mint(forgery?: Forgery): Promise<string>
  /** The public signing key as PEM and JWK, for key-confusion attacks. */
  publicKey(): Promise<{ pem: string; jwk: Record<string, unknown> }>
  /** New signing key. `publish: false` leaves it out of the JWKS; `withdraw` removes the old key from it; `back` undoes the last rotation. */
  rotate(options?: { publish?: boolean; withdraw?: boolean; back?: boolean }): Promise<void>
  /** Behaviour of the JWKS endpoint. */
  jwks(state: 'up' | 'down' | 'slow' | 'error' | 'wrong-type'): Promise<void>
  /** How often the JWKS was asked for. */
  jwksHits(): Promise<number>
  /** How often an address named in a forged `jku` or `x5u` was fetched. */
  strayHits(): Promise<number>
}

export interface Forgery {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  /** `own` the published key (default) · `unknown` a key that is not in the JWKS · `public-as-secret` HMAC with the public key · `none` no signature. */
  key?: 'own' | 'unknown' | 'public-as-secret-pem' | 'public-as-secret-jwk' | 'weak-secret' | 'none'
  alg?: string
  /** Replaces the encoded token after signing. */
  tamper?: 'signature' | 'payload' | 'strip-signature' | 'zero-signature'
  /** Payload text instead of JSON.stringify of the claims, for duplicate members. */
  payload?: string
  /** Header text instead of JSON.stringify of the header, for duplicate members. */
  head?: string
}

/** An address nobody has a reason to ask: whoever does was made to. */
export interface OutOfBandListener {
  /** A fresh URL, by which a hit can be told from those of other probes; `redirect` answers it with a redirect there. */
  url(options?: { redirect?: string }): Promise<string>
  /** What a URL is answered with from now on. */
  answer(url: string, answer: OutOfBandAnswer): Promise<void>
  /** What arrived for a URL, in order. */
  hits(url: string): Promise<OutOfBandHit[]>
}

export interface OutOfBandAnswer {
  /** 200 if left out. */
  status?: number
  /** JSON if no type is said. */
  headers?: Record<string, string>
  body?: string
}

export interface OutOfBandHit {
  at: number
  verb: string
  path: string
  headers: Record<string, string>
}

/** A real browser, for what only a browser decides. It gives back plain data in which no cookie value and no code stands. */
export interface Browser {
  /** Opens an address as a person would. Throws `Unfit` when there is no browser here. */
  open(url: string, options?: VisitOptions): Promise<PageVisit>
  /** Has a script of an empty page at this origin send requests, one after the other; nothing is sent to the origin itself. */
  fetchFrom(origin: string, requests: readonly PageRequest[]): Promise<PageAnswer[]>
}

export interface PageRequest {
  url: string
  method: string
  headers: Record<string, string>
  body?: string
}

/** What the script may see of the answer. */
export interface PageAnswer {
  /** Absent when the browser keeps the answer from the script, or there is none. */
  status?: number
  /** Lower-case names of the header fields it may read. */
  readable: string[]
}

export interface VisitOptions {
  /** Visits of one profile share their cookies; a visit without a name starts with none. */
  profile?: string
  /** Keeps of the cookies of the profile only those that a script of a page can read, as if it had carried them away. */
  asCarriedAway?: boolean
  /** Who signs in and allows what is asked for; without, the visit ends at the first page that asks for something. */
  person?: { username: string; password: string }
  /** The visit ends at the consent page, before anything is allowed. */
  untilConsent?: boolean
  /** Where the visit ends; nothing is sent there. */
  redirectUri?: string
  /** Also opens each page in a frame of an empty page of another origin of the same site. */
  inFrame?: boolean
  /** An expression whose value is wanted of every page. */
  evaluate?: string
  /** Milliseconds. */
  deadline?: number
}

export interface PageVisit {
  pages: VisitedPage[]
  /** Which parameters came back with the redirect URI, and those among them that are no secret. */
  arrived?: { names: string[]; error?: string; iss?: string }
  /** Where the visit did not get on, and why. */
  stuck?: string
  cookies: VisitCookie[]
}

export interface VisitedPage {
  /** Without query and fragment. */
  url: string
  asks: 'sign-in' | 'consent' | 'other'
  value?: unknown
  /** What a frame of another origin shows: as `asks`, or `refused`. */
  inFrame?: 'sign-in' | 'consent' | 'other' | 'refused'
}

export interface VisitCookie {
  name: string
  /** Readable for scripts unless set. */
  httpOnly: boolean
  secure: boolean
  sameSite: 'Strict' | 'Lax' | 'None'
}
