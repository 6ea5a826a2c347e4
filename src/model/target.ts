import type { Exchange } from './exchange.ts'
import type { Browser, ForgingIssuer, OutOfBandListener, ScriptedUpstream } from './instruments.ts'
import type { LoadGenerator } from './load.ts'
import type { Objective } from './objective.ts'
import type { Vendor } from './quirk.ts'
import type { Era, Revision } from './revision.ts'

/**
 * What a probe or check may ask for. Capabilities are the target's claims (unclaimed: not applicable); tools, identities and
 * instruments are the operator's to give (missing: not testable).
 */
export type Facility =
  | 'tools'
  | 'tools.listChanged'
  | 'resources'
  | 'resources.subscribe'
  | 'resources.listChanged'
  | 'prompts'
  | 'prompts.listChanged'
  | 'completions'
  | 'logging'
  | 'sessions'
  | 'authorization'
  | 'newest revision'
  | 'newest of its era'
  | 'load'
  | 'callable tool'
  | 'echo tool'
  | 'slow tool'
  | 'failing tool'
  | 'personal tool'
  | 'second tenant'
  | 'scripted upstream'
  | 'forging issuer'
  | 'out-of-band listener'
  | 'browser'
  | 'authority'
  | 'audit log'
  | 'logs'
  | 'metrics'
  | 'addresses behind'
  | 'approved contracts'
  | 'tls'
  | 'client certificates'
  | 'certificates to refuse'
  | 'registration'
  | 'initial access token'
  | 'client'
  | 'second client'
  | 'user'
  | 'authorization code'
  | 'introspection'
  | 'revocation'
  | 'resource'
  | 'identity assertion grant'
  | 'privileged scope'
  | 'direct server'
  | 'previous release'
  | 'M2M secret rotation'
  | 'client secret rotation'
  | 'certificate renewal'
  | 'version switch'
  | 'tenant offboarding'
  | 'limited initial access token'
  | 'client documents'

/** What kind of thing a unit is; a check speaks about one of them. */
export type Subject = 'endpoint' | 'authorization-server' | 'manifests'

/** What was learnt on connecting to a target at one revision: the ground on which checks apply. Plain data. */
export interface UnitFacts {
  target: string
  kind: string
  of: Subject
  /** Where only checks of these areas are wanted. */
  areas?: readonly string[]
  /** The product it is, when the operator says so. */
  vendor?: Vendor
  via: 'http' | 'stdio' | 'files'
  url: string
  revision: Revision
  era: Era
  identity: string | null
  /** Every revision the target was found to serve. */
  served: Revision[]
  capabilities: Record<string, unknown>
  serverInfo?: Record<string, unknown>
  sessions: boolean
  authorization: boolean
  /** What its operator wants of it under load. */
  objectives?: readonly Objective[]
  /** Reached on a loopback or private address. */
  local: boolean
  facilities: Partial<Record<Facility, true | Lack>>
  /** The metadata of an authorization server, as it was found on connecting. */
  metadata?: Record<string, unknown>
}

/** Why a facility is not there. */
export interface Lack {
  kind: 'not-applicable' | 'not-testable'
  reason: string
}

/** A list of the target, read page by page to its end or to the bound on pages. */
export interface Listing<T> {
  items: T[]
  pages: Exchange[]
  /** Set when the walk did not end by itself. */
  stopped?: string
}

export interface Catalogue {
  tools: Listing<ToolDefinition>
  resources: Listing<{ uri: string; name?: string; mimeType?: string; [member: string]: unknown }>
  templates: Listing<{ uriTemplate: string; name?: string; [member: string]: unknown }>
  prompts: Listing<{ name: string; arguments?: { name: string; required?: boolean }[]; [member: string]: unknown }>
}

export interface ToolDefinition {
  name: string
  inputSchema?: Record<string, unknown>
  outputSchema?: Record<string, unknown>
  annotations?: { readOnlyHint?: boolean; idempotentHint?: boolean; destructiveHint?: boolean; [hint: string]: unknown }
  [member: string]: unknown
}

/** A call that may be made: the tool, and arguments that fit its schema. */
export interface ToolCall {
  definition: ToolDefinition
  name: string
  arguments: Record<string, unknown>
  /** For the echo role: the argument whose text comes back. */
  echoes?: string
  /** For the addressed role: the argument that takes a URL. */
  takesUrl?: string
}

export interface SendOptions {
  /** Header fields to add or, with `null`, to leave out. */
  headers?: Record<string, string | string[] | null>
  /** Members merged into `params._meta`; `null` leaves the whole `_meta` out. */
  meta?: Record<string, unknown> | null
  /** JSON-RPC id instead of the next number. `undefined` is not sent. */
  id?: unknown
  /** Milliseconds until the exchange is given up. */
  deadline?: number
  /** Ends the exchange from our side when it says so of a message. */
  until?: (message: unknown) => boolean
  /** Wait for the stream to end, rather than for the response only. */
  wholeStream?: boolean
  /** Drops the connection when this settles. */
  abort?: AbortSignal
  /** Not written down by itself: for the many exchanges of a storm, which keeps those that matter. */
  passing?: boolean
  /** Called with each message as it arrives. */
  onMessage?: (message: unknown) => void
}

/** One client's relation to a target, the same in both eras and over both transports. */
export interface Connection {
  readonly number: number
  readonly revision: Revision
  readonly era: Era
  readonly via: 'http' | 'stdio'
  /** The `Mcp-Session-Id` issued, if any. */
  readonly sessionId?: string
  /** The `initialize` or `server/discover` exchange. */
  readonly opening: Exchange
  readonly capabilities: Record<string, unknown>
  readonly serverInfo?: Record<string, unknown>
  /** The token sent, `undefined` without one. */
  readonly token?: string
  /** A well-formed request of the era; resolves when the response is there, or the deadline passes. Never rejects. */
  send(method: string, params?: Record<string, unknown>, options?: SendOptions): Promise<Exchange>
  notify(method: string, params?: Record<string, unknown>, options?: SendOptions): Promise<Exchange>
  /** Any message or text as the body of a POST, or a line on stdin, with the connection's own headers. */
  post(body: unknown, options?: SendOptions): Promise<Exchange>
  /** An HTTP request with the connection's own headers. */
  http(verb: string, options?: SendOptions & { body?: string }): Promise<Exchange>
  /** A stream the server sends on by itself: GET in the session era, `subscriptions/listen` in the stateless one. */
  listen(options?: ListenOptions): Promise<Stream>
  /** Ends the session where there is one. */
  close(): Promise<Exchange | undefined>
}

export interface ListenOptions extends SendOptions {
  /** `Last-Event-ID` to resume after. */
  after?: string
  /** Parameters of `subscriptions/listen`. */
  filter?: Record<string, unknown>
}

/** An open stream; `exchange` grows until it is closed. */
export interface Stream {
  readonly exchange: Exchange
  /** Resolves once a message fits, or with undefined after so many milliseconds. */
  next(fits: (message: unknown) => boolean, milliseconds: number): Promise<unknown>
  /** Resolves true when the peer ends the stream within so many milliseconds. */
  ended(milliseconds: number): Promise<boolean>
  close(): Promise<void>
}

/** Everything as the caller wants it, however wrong. */
export interface RawRequest {
  method?: string
  /** Path and query relative to the target's origin, or a whole URL; the target's URL if left out. */
  url?: string
  /** The request target as it stands in the request line, however it is spelt; `url` says where it is sent. */
  target?: string
  /**
   * A whole message, head and all, that goes over a socket of its own as it is. What comes back until the peer closes or falls
   * silent is the answer: the first head, and everything after it as the body. `ended` is set when the peer has closed.
   */
  bytes?: string
  /** With `bytes`: ends with the first answer, where nothing can follow it. */
  untilAnswered?: boolean
  /** How the connection is secured; it is one of its own then. */
  tls?: TlsChoice
  /** Sent in this order, duplicates kept; replaces the defaults altogether. */
  headers?: [name: string, value: string][]
  /** Adds the identity's token; default true. */
  authorize?: boolean
  body?: string | Uint8Array
  /** Sends only the head and this part of the body, then waits. */
  halfOpen?: number
  /** Sends one byte of the body each so many milliseconds. */
  drip?: number
  deadline?: number
  wholeStream?: boolean
  /** Drops the connection when this settles. */
  abort?: AbortSignal
}

/** What the client of a TLS connection offers. */
export interface TlsChoice {
  /** The only version; those of the target's choice if left out. */
  version?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** Cipher suites by the names of OpenSSL. */
  ciphers?: string
  /**
   * The client certificate: none with `null`, one the operator gave by its name, or one made for the attempt: `self-signed`, or of
   * `another authority`. That of the unit's identity if left out.
   */
  client?: string | null
}

export interface Instruments {
  readonly upstream?: ScriptedUpstream
  readonly issuer?: ForgingIssuer
  readonly listener?: OutOfBandListener
  /** Where clients that are documents are published: on the web, with TLS before it. */
  readonly documents?: OutOfBandListener
  readonly browser?: Browser
  readonly generator?: LoadGenerator
}
