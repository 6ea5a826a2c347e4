import { encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import type { ScriptStreams, Spread, StreamFlowResult } from '../model/index.ts'
import { latencies, latencyOf } from './samples.ts'

/** What has come of the streams of one flow. */
export class StreamTally {
  readonly flow: ScriptStreams
  /** Histograms of times, and counts by how: written by the streams themselves. */
  readonly first = latencies()
  readonly gaps = latencies()
  readonly delays = latencies()
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

  constructor(flow: ScriptStreams) {
    this.flow = flow
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
      first: spreadOf(this.first),
      gaps: spreadOf(this.gaps),
      delays: spreadOf(this.delays),
      ...(this.flow.cut && { resumption: { cut, unnamed, resumed, refused: this.notResumed, brought } }),
    }
  }
}

/** Counts one more of a kind. */
export function count(kinds: Record<string, number>, kind: string): void {
  kinds[kind] = (kinds[kind] ?? 0) + 1
}

const spreadOf = (histogram: Histogram): Spread => ({
  count: histogram.totalCount,
  times: latencyOf(histogram),
  histogram: encodeIntoCompressedBase64(histogram),
})
