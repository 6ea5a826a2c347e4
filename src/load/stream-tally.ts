import { encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import type { ScriptStreams, Spread, StreamFlowResult } from '../model/index.ts'
import { latencies, latencyOf, record } from './samples.ts'

/** What has come of the streams of one flow. */
export class StreamTally {
  readonly flow: ScriptStreams
  /** Times, and counts by how: written by the streams themselves. */
  readonly first: Times
  readonly gaps: Times
  readonly delays: Times
  readonly refused: Record<string, number> = {}
  readonly ended: Record<string, number> = {}
  readonly notResumed: Record<string, number> = {}
  readonly counts = {
    opened: 0,
    renewed: 0,
    due: 0,
    received: 0,
    lost: 0,
    duplicated: 0,
    disordered: 0,
    foreign: 0,
    cut: 0,
    unnamed: 0,
    resumed: 0,
    brought: 0,
  }
  readonly #places: Map<string, number>
  readonly #announced: number[] = []

  constructor(flow: ScriptStreams, within: readonly number[]) {
    this.flow = flow
    this.first = new Times(within)
    this.gaps = new Times(within)
    this.delays = new Times(within)
    this.#places = new Map(flow.due.map((name, place) => [name, place]))
  }

  /** How many events each stream is to get. */
  get due(): number {
    return this.#places.size
  }

  /** Where an event stands among those that are due; undefined for one that is not. */
  placeOf(name: string): number | undefined {
    return this.#places.get(name)
  }

  /** Streams that listen are to get this event from now on. */
  announce(name: string, now: number): void {
    this.#announced[this.#places.size] = now
    this.#places.set(name, this.#places.size)
  }

  announcedAt(place: number): number | undefined {
    return this.#announced[place]
  }

  /** What the streams that are over have brought. */
  get result(): StreamFlowResult {
    const { opened, renewed, due, received, lost, duplicated, disordered, foreign, cut, unnamed, resumed, brought } = this.counts
    return {
      streams: { asked: this.flow.streams.length, opened, refused: this.refused, ended: this.ended, renewed },
      events: { due, received, lost, duplicated, disordered, foreign },
      first: this.first.spread,
      gaps: this.gaps.spread,
      delays: this.delays.spread,
      ...(this.flow.cut && { resumption: { cut, unnamed, resumed, refused: this.notResumed, brought } }),
    }
  }
}

/** Counts one more of a kind. */
export function count(kinds: Record<string, number>, kind: string): void {
  kinds[kind] = (kinds[kind] ?? 0) + 1
}

/** Times of one kind as they are taken. */
class Times {
  readonly #histogram = latencies()
  readonly #within: Record<string, number>

  constructor(within: readonly number[]) {
    this.#within = Object.fromEntries(within.map((limit) => [limit, 0]))
  }

  take(milliseconds: number): void {
    record(this.#histogram, milliseconds)
    for (const limit of Object.keys(this.#within)) if (milliseconds <= Number(limit)) count(this.#within, limit)
  }

  get spread(): Spread {
    return {
      count: this.#histogram.totalCount,
      latency: latencyOf(this.#histogram),
      within: this.#within,
      histogram: encodeIntoCompressedBase64(this.#histogram),
    }
  }
}
