import type { AuthorityAccess, Observations, Operations } from './authority.ts'
import type { Contracts } from './contract.ts'
import type { DeploymentDocument } from './documents.ts'
import type { Exchange } from './exchange.ts'
import type { History } from './history.ts'
import type { Beside, LoadProgress, LoadResult, Traffic } from './load.ts'
import type { Nominal } from './objective.ts'
import type { Era, Revision } from './revision.ts'
import type { OpenStreams, StreamPlan, StreamsResult } from './streams.ts'
import type { Catalogue, Connection, Facility, Instruments, RawRequest, SendOptions, ToolCall, UnitFacts } from './target.ts'

/** One scripted exchange with a target. Its return value is evidence: plain data, exchanges included. */
export interface Probe<E = unknown> extends ProbeOptions {
  readonly name: string
  readonly run: (context: ProbeContext) => Promise<E>
}

export interface ProbeOptions {
  /** What the target must offer, or the operator must have given; otherwise the probe is not run. */
  readonly requires?: Facility | readonly Facility[]
  /**
   * Runs alone on its target, because it measures time or uses up a shared limit; or alone on this machine, because what it measures
   * would be slowed by anything else the harness does.
   */
  readonly alone?: boolean | 'on this machine'
  /** Spends its time waiting: it is begun first, so that others fill the wait. */
  readonly waits?: boolean
  /** Changes or burdens the target beyond a tool call: needs `disruptive: true` and `--allow-disruptive`. */
  readonly disruptive?: boolean
  /** Only over this transport. */
  readonly over?: 'http' | 'stdio'
  /** Bound on the whole probe in milliseconds. */
  readonly deadline?: number
}

export interface ProbeContext {
  readonly revision: Revision
  readonly era: Era
  readonly facts: UnitFacts
  readonly instruments: Instruments
  /** What the operator gave for the authorization server; throws `Unfit` when it is nothing. */
  access(): AuthorityAccess
  readonly observe: Observations
  readonly operate: Operations
  /** What somebody has approved of the target at this revision; absent when nothing has been. */
  readonly approved?: Contracts
  /** Addresses of the servers behind the target, which nobody but the target should reach. */
  readonly behind: readonly string[]
  /** The identities there are tokens for; `connect({ identity })` takes a name. `canaries` are texts only the tenant may see. */
  readonly identities: readonly { name: string; tenant?: string; canaries?: readonly string[] }[]
  /**
   * Client certificates that may be shown, and those that must be refused, by the names `request({ tls: { client } })` takes.
   * The thumbprint is the `x5t#S256` of RFC 8705.
   */
  readonly certificates: { clients: readonly { name: string; tenant?: string; thumbprint: string }[]; refused: readonly string[] }
  /** The secret behind a name the recorder has given it, such as `$ACCESS_TOKEN_1`; texts may hold several. */
  reveal(text: string): string
  /** The text with every secret that is known by its name. */
  redact(text: string): string
  /** Has a value written down by a name of this kind from now on; returns the name, which stands for the value in requests. */
  conceal(value: string, kind: string): string
  /** The connection all well-behaved probes of this unit share, or the one of another identity that they share. */
  session(identity?: string): Promise<Connection>
  /** A connection of the probe's own, closed when the probe ends. */
  connect(options?: ConnectOptions): Promise<Connection>
  /**
   * An HTTP request outside any connection: everything as given, nothing added but `Host` and the token. Credentials that come
   * back (tokens, client secrets, codes, cookies) are written down by name, and a request may carry the names.
   */
  request(raw: RawRequest): Promise<Exchange>
  /** The lists of the target, read to their ends once per unit. */
  catalogue(): Promise<Catalogue>
  /**
   * A call the target's owner allows: by role (`echo`, `slow`, `failing`, `personal`), any read-only tool, or one of those that has an
   * output schema (`structured`), an argument given again in a header (`mirrored`) or one that takes a URL (`addressed`). Throws
   * `Unfit`. With `at`, of the target beside this one.
   */
  tool(role: 'echo' | 'slow' | 'failing' | 'personal' | 'any' | 'structured' | 'mirrored' | 'addressed', at?: Beside): Promise<ToolCall>
  /** The documents of a deployment's description; of a target of kind `manifests` only. */
  documents(): Promise<DeploymentDocument[]>
  /**
   * Many requests over connections of the probe's own, of which only the first few and the remarkable ones are written down.
   * It keeps to the target's limit on requests a second, and ends early when `look` says so.
   */
  storm(plan: StormPlan): Promise<Storm>
  /** How much traffic the target is meant to carry. */
  readonly nominal: Nominal
  /** Requests a second that it may be sent at most. */
  readonly most: number
  /**
   * Sends traffic, and waits for its end; `told` once a second how far it is. Throws `Unfit` when the target allows less, or there is
   * nothing to send it with.
   */
  load(traffic: Traffic, told?: (progress: LoadProgress) => void): Promise<LoadResult>
  /** What this probe's traffic came to in earlier runs, each time it was first sent; nothing where no history is kept. */
  history(): History
  /**
   * Opens streams and reads them: until those that listen have been open for as long as `meanwhile` takes, which begins when every
   * stream has begun, and until those of answers have ended. Throws `Unfit` as `load` does.
   */
  streams(plan: StreamPlan, meanwhile?: (streams: OpenStreams) => Promise<void>): Promise<StreamsResult>
  /** Another probe's evidence, gathered once. */
  use<E>(probe: Probe<E>): Promise<E>
  /** Waits this long, or until the probe's deadline. */
  pause(milliseconds: number): Promise<void>
}

export interface ConnectOptions {
  /** A revision other than the unit's, to compare the two. What is said over it is left out of the transcript. */
  revision?: Revision
  /** The identity to connect as; the unit's own if left out, none with `null`. */
  identity?: string | null
  /** Bearer token instead of the identity's. */
  token?: string | null
  /** The token is a wrong one: it is written down as `$TOKEN_FORGED`, so that a replay does not send the right one. */
  forged?: boolean
  /** Sent in `initialize` or `_meta` instead of the era's default, empty, set. */
  capabilities?: Record<string, unknown>
  /** Keeps back `notifications/initialized`. */
  hold?: boolean
  headers?: Record<string, string>
}

export interface StormPlan {
  /** Requests at most; the target may be set to fewer. */
  calls: number
  atOnce: number
  /** Milliseconds after which nothing more is sent. */
  within: number
  /** Sends the request of this number with the options given, to which it may add. */
  send: (number: number, options: SendOptions) => Promise<Exchange>
  /** Whether an answer is as expected, is to be written down, or is that and ends the storm. */
  look: (exchange: Exchange, number: number) => 'fine' | 'keep' | 'stop'
}

export interface Storm {
  /** How many requests were sent. */
  sent: number
  /** Milliseconds. */
  took: number
  /** The first few, and all that were to be kept, up to a bound. */
  kept: Exchange[]
  /** Set when `look` ended it. */
  stopped: boolean
}

/** Thrown by a probe that cannot be run here: every check that needs it gets this outcome. */
export class Unfit extends Error {
  readonly kind: 'not-applicable' | 'not-testable' | 'inconclusive'

  constructor(kind: 'not-applicable' | 'not-testable' | 'inconclusive', reason: string) {
    super(reason)
    this.kind = kind
  }
}

type Run<E> = (context: ProbeContext) => Promise<E>

/** Declares a probe. The name says what is exchanged; it is unique in the registry and names the evidence file. */
export function probe<E>(name: string, run: Run<E>): Probe<E>
export function probe<E>(name: string, options: ProbeOptions, run: Run<E>): Probe<E>
export function probe<E>(name: string, ...rest: [Run<E>] | [ProbeOptions, Run<E>]): Probe<E> {
  const [options, run] = rest.length === 1 ? [{}, rest[0]] : rest
  return { ...options, name, run }
}

/**
 * Not a probe of its own: every exchange the other probes of the unit had, for checks that judge what they were not
 * looking for. A check that needs it names, beside it, the probes it wants to have been run.
 */
export const transcript: Probe<Exchange[]> = probe('the whole transcript', async () => [])
