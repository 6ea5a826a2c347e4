import { isObject } from './exchange.ts'
import type { Latency } from './load.ts'
import type { Objective } from './objective.ts'

/**
 * Streams that are opened and read while they are open. What comes over one of them is told from what belongs to another, and each
 * event is known by a name, so that it can be missed, or be seen twice.
 */
export interface StreamPlan {
  readonly flows: readonly StreamFlow[]
  /** Milliseconds until a stream must have begun, and something that was announced have come; 10,000 if left out. */
  readonly timeout?: number
  /** Milliseconds after which all streams are ended, whatever has come; 60,000 if left out. */
  readonly lasts?: number
  /** Milliseconds within which times are counted. */
  readonly within?: readonly number[]
}

/** Streams of one kind. */
export interface StreamFlow {
  readonly name: string
  readonly count: number
  /** Streams opened a second; 20 if left out. */
  readonly rate?: number
  /**
   * With `resources`, streams a client listens on (GET, or `subscriptions/listen`) and that stay open; it has subscribed to these.
   * With `request`, answers: the server reports its progress, from 1 to `steps`, and then answers.
   */
  readonly opens: { readonly resources: readonly string[] } | { readonly request: StreamRequest; readonly steps: number }
  /** The identity of its clients; the unit's own if left out. */
  readonly identity?: string
  /** We cut each stream after so many of its events, and take it up again so many milliseconds later. */
  readonly cut?: { readonly after: number; readonly pause: number }
}

export interface StreamRequest {
  readonly method: string
  readonly params?: Record<string, unknown>
}

/** What objectives call the times of streams, as they call those of requests by their methods. */
export const streamTimes = { first: 'first event', gaps: 'event gap', delays: 'event delay' } as const

/** Whether an objective is about one of these times. */
export const isOfStreams = ({ method }: Objective): boolean => Object.values<string>(streamTimes).includes(method)

/** What happens while streams are open. */
export interface OpenStreams {
  /** Says that from now on each stream that listens is to get word of this resource, in the order of the calls. */
  announced(uri: string): void
}

/** What came of it. Plain data: judged when the streams are closed, and again later. */
export interface StreamsResult {
  readonly driver: { readonly name: 'undici'; readonly version: string }
  readonly flows: Readonly<Record<string, StreamFlowResult>>
  readonly conditions: StreamConditions
}

export interface StreamFlowResult {
  readonly streams: {
    readonly asked: number
    readonly opened: number
    /** How many never began, by how: `HTTP 503`, `timeout`, `no stream`, … */
    readonly refused: Readonly<Record<string, number>>
    /** How many ended before they should, by how: `ended`, `broken off`, … */
    readonly ended: Readonly<Record<string, number>>
    /** How often the target ended a stream that may be resumed, and it was; a client need not notice. */
    readonly renewed: number
  }
  /** Counted in streams that did not end early. */
  readonly events: {
    readonly due: number
    readonly received: number
    readonly lost: number
    readonly duplicated: number
    readonly disordered: number
    /** Events that belong to another stream, wherever they came. */
    readonly foreign: number
  }
  /** From the request to the first message. */
  readonly first: Spread
  /** Between a message and the one before it, in the stream of an answer that nobody has cut. */
  readonly gaps: Spread
  /** From when an event was announced to when it came. */
  readonly delays: Spread
  /** Only where we have cut streams. */
  readonly resumption?: {
    readonly cut: number
    /** Events carried no ids, so that nothing could be named to resume after. */
    readonly unnamed: number
    readonly resumed: number
    /** How many were not taken up again, by how. */
    readonly refused: Readonly<Record<string, number>>
    /** Events that came over resumed streams. */
    readonly brought: number
  }
}

/** Times of one kind. */
export interface Spread {
  readonly count: number
  /** Milliseconds. */
  readonly latency: Latency
  /** How many of them were within so many milliseconds. */
  readonly within: Readonly<Record<string, number>>
  /** In microseconds, as an HdrHistogram in its compressed form (V2), in base64. */
  readonly histogram: string
}

/** What the measurement rests on, beside its samples. */
export interface StreamConditions {
  /** Milliseconds for which the driver itself did not come to its work. */
  readonly held: { readonly p99: number; readonly max: number }
  /** Share of all processors of this machine that was in use, by anyone, while the streams were open. */
  readonly machine: number
  /** Share of the seconds in which this machine had next to nothing left. */
  readonly exhausted: number
  /** Milliseconds by which the clock of this machine was set meanwhile. */
  readonly clockSet: number
  /** Set when the streams were ended before their time. */
  readonly cutShort?: string
}

/** Streams with everything that goes over the wire. Times are in milliseconds. */
export interface StreamScript {
  readonly timeout: number
  readonly lasts: number
  readonly within: readonly number[]
  readonly flows: readonly ScriptStreams[]
}

export interface ScriptStreams {
  readonly name: string
  readonly url: string
  /** Milliseconds from the opening of a stream to that of the next. */
  readonly every: number
  /** Whether its streams stay open until we end them. */
  readonly listens: boolean
  /** Events each stream is to get, by their names and in order; those of streams that listen are announced meanwhile. */
  readonly due: readonly string[]
  readonly cut?: StreamFlow['cut']
  readonly streams: readonly ScriptStream[]
  /** In PEM: what the client trusts, and what it shows of itself. */
  readonly credentials: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

export interface ScriptStream {
  /** What tells its events from those of others: the id of its request, and its progress token. */
  readonly own: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Headers of a GET that takes it up again, without `Last-Event-ID`; absent where nothing can be resumed. */
  readonly resuming?: Readonly<Record<string, string>>
}

/** The name of the answer among the events of a stream. */
export const answerName = 'answer'

export const progressName = (step: number): string => `progress ${step}`

/** What a message is among the events of a stream, and whose it is, where it says so. */
export function eventOf(message: unknown): { name?: string; owner?: unknown } {
  if (!isObject(message)) return {}
  const params = isObject(message.params) ? message.params : {}
  const subscription = isObject(params._meta) ? params._meta['io.modelcontextprotocol/subscriptionId'] : undefined
  switch (message.method) {
    case undefined:
      return { name: answerName, owner: message.id }
    case 'notifications/progress':
      return { name: progressName(Number(params.progress)), owner: params.progressToken }
    case 'notifications/resources/updated':
      return { name: String(params.uri), owner: subscription }
    default:
      return { owner: subscription }
  }
}
