import type { Objective } from './objective.ts'
import type { Era } from './revision.ts'
import type { OpenStreams, StreamScript, StreamsResult } from './streams.ts'

/**
 * What is to be sent, and when. Requests arrive at their times whatever has become of those before them (an open model), so that a
 * target that stalls is not spared the requests that would have come meanwhile.
 */
export interface Traffic {
  readonly flows: readonly Flow[]
  /** Milliseconds at the start whose requests are sent and not counted; 2,000 if left out. */
  readonly warmUp?: number
  /** Milliseconds a request may take before it is given up; 10,000 if left out. */
  readonly timeout?: number
  /** What its requests are judged by: good answers within the times of these are counted. */
  readonly objectives?: readonly Objective[]
}

/** Another target, which the operator names beside the one that is assessed: a server behind it, or the release before it. */
export type Beside = 'direct' | 'previous'

/** One kind of client. */
export interface Flow {
  readonly name: string
  /** Arrivals a second. */
  readonly rate: number
  /** Seconds, the warm-up included. */
  readonly seconds: number
  /** Seconds after the start of the traffic at which it begins. */
  readonly after?: number
  /** `calls`: each arrival is one request, in one of a few sessions that are kept. `visits`: each is the whole life of a client. */
  readonly arrivals: 'calls' | 'visits'
  /** By weight; each visit sends every one of them, in this order. */
  readonly requests: readonly FlowRequest[]
  /** Where it is sent instead of to the target; the requests have to be of that one's tools. */
  readonly at?: Beside
  /** The identity of its clients; the unit's own if left out. */
  readonly identity?: string
  /** Sent instead of a token that the target accepts. */
  readonly token?: string
  /** Opens a connection for each request. */
  readonly unkept?: boolean
  /** Requests that may be under way at once; three seconds' worth of arrivals if left out. */
  readonly users?: number
}

export interface FlowRequest {
  readonly method: string
  readonly params?: Record<string, unknown>
  /** Argument of a tool whose text comes back: each request gets a text of its own, and must be answered with it. */
  readonly echoes?: string
  /** How many of all requests are this one, beside the weights of the others; 1 if left out. */
  readonly weight?: number
  /** What it is counted under; the method if left out. */
  readonly as?: string
}

/** What came of it. Plain data: judged when the traffic is over, and again later. */
export interface LoadResult {
  readonly generator: { name: 'k6'; version: string }
  readonly flows: Readonly<Record<string, FlowResult>>
  readonly conditions: Conditions
}

export interface FlowResult {
  /** Arrivals that were due, warm-up included, and those that found no virtual user free. */
  readonly arrivals: { due: number; dropped: number }
  /** Milliseconds between when arrivals were due and when their first requests were sent. */
  readonly late: { p50: number; p99: number }
  /** Sessions its clients were given, and how many of their ids differ. */
  readonly sessions: { opened: number; distinct: number }
  /** By method, or what the request is counted under. */
  readonly series: Readonly<Record<string, Series>>
}

/** Requests of one kind, without those of the warm-up. A request belongs to the second in which it was sent. */
export interface Series {
  readonly count: number
  /** Answered with a result that fits. */
  readonly good: number
  /** How many ended otherwise, by how: `HTTP 503`, `error -32603`, `timeout`, `wrong-id`, … */
  readonly bad: Readonly<Record<string, number>>
  readonly latency: Latency
  /** How many of the good ones were answered within so many milliseconds. */
  readonly within: Readonly<Record<string, number>>
  /** `Retry-After` of refusals, as it was sent; the first few. */
  readonly retryAfter: readonly string[]
  readonly seconds: readonly Second[]
  /** The latencies in microseconds, as an HdrHistogram in its compressed form (V2), in base64. */
  readonly histogram: string
}

/** Milliseconds, of every request that ended in some way, a timeout included. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly 'p99.9': number
  readonly max: number
}

export interface Second {
  /** Seconds since the traffic began. */
  readonly at: number
  readonly count: number
  readonly good: number
  /** How many ended otherwise, by how. */
  readonly bad: Readonly<Record<string, number>>
  /** Milliseconds, of every request that was sent in this second. */
  readonly p50: number
  readonly p99: number
  /** How many took how long, by the number of their bucket; those without any are left out. */
  readonly spread: Readonly<Record<string, number>>
}

/** Milliseconds below which latencies are not told apart. */
const shortest = 0.001

/** Two buckets an octave: number n holds latencies of 2^(n/2) milliseconds and more, up to those of the next. */
export const bucketOf = (milliseconds: number): number => Math.floor(2 * Math.log2(Math.max(milliseconds, shortest)))

/** Milliseconds at which a bucket begins. */
export const bucketStart = (bucket: number): number => 2 ** (bucket / 2)

/** What the measurement rests on, beside its samples. */
export interface Conditions {
  /** Arrivals that found no virtual user free, by the generator's own count. */
  readonly dropped: number
  /** Arrivals that the generator counts and of which no line was read. */
  readonly lost: number
  /** Parts of the traffic of which nothing is known, where several generators sent it. */
  readonly missing?: readonly string[]
  /** Lines in which the generator said that its script failed; the first few. */
  readonly scriptErrors: readonly string[]
  /** Largest share of one second of all processors of this machine that the generator used; absent where it cannot be learnt. */
  readonly processor?: number
  /** Share of all processors of this machine that was in use, by anyone, while the traffic went on; absent for another machine. */
  readonly machine?: number
  /** Share of the seconds in which this machine had next to nothing left; absent for another machine. */
  readonly exhausted?: number
  /** Milliseconds by which the clock of this machine was set during the traffic. */
  readonly clockSet: number
  /** Set when the traffic ended before its time. */
  readonly cutShort?: string
}

/** What sends traffic. Throws `Unfit` when it cannot. */
export interface LoadGenerator {
  run(script: LoadScript, options?: { signal?: AbortSignal; told?: (progress: LoadProgress) => void }): Promise<LoadResult>
  /** Opens streams, and reads them for as long as `meanwhile` takes; it begins when every stream has begun or been refused. */
  streams(
    script: StreamScript,
    options?: { signal?: AbortSignal; meanwhile?: (streams: OpenStreams) => Promise<void> },
  ): Promise<StreamsResult>
}

export interface LoadProgress {
  /** Seconds since the generator was started, which is a moment before the traffic begins. */
  readonly at: number
  readonly of: number
  /** Flows that were under way in the last second. */
  readonly flows: readonly string[]
  /** Requests that ended in the last second; milliseconds. */
  readonly count: number
  readonly bad: number
  readonly p99: number
  /** By method, or what the request is counted under. */
  readonly series: Readonly<Record<string, SeriesProgress>>
  /** The share that is over of the time whose requests count. */
  readonly counted: number
}

/** Of all flows: those that count so far, and how long those that ended in the last second took. */
export interface SeriesProgress extends Pick<Series, 'count' | 'good' | 'within'> {
  readonly p99: number
}

/** Traffic with everything that goes over the wire: what the virtual users read. Times are in milliseconds. */
export interface LoadScript {
  readonly warmUp: number
  readonly timeout: number
  readonly within: readonly number[]
  readonly flows: readonly ScriptFlow[]
}

export interface ScriptFlow {
  readonly name: string
  readonly url: string
  readonly era: Era
  readonly arrivals: Flow['arrivals']
  readonly rate: number
  readonly starts: number
  readonly lasts: number
  /** Virtual users: as many as requests may be under way at once. */
  readonly users: number
  readonly unkept: boolean
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers beside those, by the environment variable in which the virtual users find each. */
  readonly headersFrom?: Readonly<Record<string, string>>
  /** Sent beside them once a client has been let in. */
  readonly settled: Readonly<Record<string, string>>
  /** Ids of sessions that clients of `calls` share, opened before the traffic; the empty id where the target gives none. */
  readonly sessions: readonly string[]
  /** Opens a session; in the stateless era, asks who is there. */
  readonly opening: ScriptRequest
  readonly requests: readonly ScriptRequest[]
  /** Indices into `requests`, in the order in which arrivals take them. */
  readonly order: readonly number[]
}

export interface ScriptRequest {
  readonly as: string
  /** The text of the message, up to its id, from there to the text that comes back (if any), and from there on. */
  readonly text: readonly [head: string, rest: string] | readonly [head: string, middle: string, tail: string]
  readonly headers: Readonly<Record<string, string>>
}

/** How a virtual user writes down one request: the members of a line, separated by tabs. */
export const sampleMembers = ['flow', 'as', 'arrival', 'sent', 'took', 'ended', 'note'] as const

/** A request that was answered as it should be. */
export const good = 'ok'
