import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import {
  bucketOf,
  type FlowResult,
  good,
  type Latency,
  type LoadProgress,
  type LoadScript,
  type ScriptFlow,
  type Second,
  type Series,
  type SeriesProgress,
} from '../model/index.ts'

/** Microseconds: a histogram holds up to ten minutes, to four digits. */
const most = 600_000_000
const digits = 4
export const keptRetryAfter = 20

/** Empty histogram of latencies in microseconds. */
export const latencies = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: most, numberOfSignificantValueDigits: digits })

interface Kept {
  flow: ScriptFlow
  started: Set<number>
  late: number[]
  sessions: { opened: number; ids: Set<string> }
  tallies: Map<string, Tally>
}

interface Sample {
  as: string
  arrival: number
  /** Milliseconds since the flow began. */
  sent: number
  took: number
  ended: string
  note: string
}

interface Tally {
  count: number
  good: number
  bad: Record<string, number>
  latency: Histogram
  within: Record<string, number>
  retryAfter: string[]
  seconds: Map<number, SecondTally>
}

interface SecondTally {
  good: number
  bad: Record<string, number>
  took: number[]
}

/** Reads what virtual users write down, line by line, and sums it up. */
export class Samples {
  readonly #script: LoadScript
  readonly #flows: Map<string, Kept>
  /** Ids of sessions that were opened and not ended, with their flows. */
  readonly #sessions = new Map<string, ScriptFlow>()
  /** By the second in which they ended: how many were bad, and how long they took, by what they are counted under. */
  readonly #recent = new Map<number, { bad: number; took: Map<string, number[]> }>()
  #latest = Number.NEGATIVE_INFINITY
  /** Lines that have not come to their end, by where they come from. */
  readonly #rests: string[] = []

  constructor(script: LoadScript) {
    this.#script = script
    this.#flows = new Map(
      script.flows.map((flow) => [
        flow.name,
        { flow, started: new Set(), late: [], sessions: { opened: 0, ids: new Set() }, tallies: new Map() },
      ]),
    )
  }

  /** Takes the next piece of what was written, wherever it was cut, by one of several that write. */
  read(text: string, writer = 0): void {
    const lines = ((this.#rests[writer] ?? '') + text).split('\n')
    this.#rests[writer] = lines.pop()!
    for (const line of lines) this.#line(line.split('\t'))
  }

  #line(members: string[]): void {
    const [name, as, arrival, sent, took, ended, note = ''] = members as [string, string, string?, string?, string?, string?, string?]
    const kept = this.#flows.get(name)
    if (name === 'session') this.#opened(this.#flows.get(as), arrival!)
    else if (name === 'ended') this.#sessions.delete(arrival!)
    else if (kept !== undefined && ended !== undefined)
      this.#sample(kept, { as, arrival: Number(arrival), sent: Number(sent), took: Number(took), ended, note })
  }

  #opened(kept: Kept | undefined, id: string): void {
    if (kept === undefined) return
    kept.sessions.opened += 1
    kept.sessions.ids.add(id)
    this.#sessions.set(id, kept.flow)
  }

  #sample({ flow, started, late, tallies }: Kept, { as, arrival, sent, took, ended, note }: Sample): void {
    const since = flow.starts + sent
    const isGood = ended === good
    this.#latest = Math.max(this.#latest, since + took)
    const now = entry(this.#recent, Math.floor((since + took) / 1000), () => ({ bad: 0, took: new Map<string, number[]>() }))
    now.bad += isGood ? 0 : 1
    entry(now.took, as, () => [] as number[]).push(took)
    const isFirst = !started.has(arrival)
    started.add(arrival)
    if (since < this.#script.warmUp) return
    if (isFirst) late.push(sent - (arrival * 1000) / flow.rate)
    const { within } = this.#script
    const tally = entry(tallies, as, () => emptyTally(within))
    tally.count += 1
    record(tally.latency, took)
    const second = entry(tally.seconds, Math.floor(since / 1000), () => ({ good: 0, bad: {}, took: [] }) as SecondTally)
    second.took.push(took)
    if (isGood) {
      tally.good += 1
      second.good += 1
      for (const limit of within) tally.within[limit]! += took <= limit ? 1 : 0
    } else {
      tally.bad[ended] = (tally.bad[ended] ?? 0) + 1
      second.bad[ended] = (second.bad[ended] ?? 0) + 1
    }
    if (note !== '' && tally.retryAfter.length < keptRetryAfter) tally.retryAfter.push(note)
  }

  /** Sessions that clients have opened and not ended. */
  get open(): { flow: ScriptFlow; session: string }[] {
    return [...this.#sessions].map(([session, flow]) => ({ flow, session }))
  }

  /** Arrivals that something was written down of. */
  get arrivals(): number {
    return [...this.#flows.values()].reduce((sum, { started }) => sum + started.size, 0)
  }

  /** Milliseconds of the traffic at which a request last ended; `-Infinity` before the first. */
  get latest(): number {
    return this.#latest
  }

  /** Where the traffic is after so many seconds of so many. */
  progress(seconds: number, of: number): LoadProgress {
    const last = Math.floor(seconds) - 1
    const { bad, took } = this.#recent.get(last) ?? { bad: 0, took: new Map<string, number[]>() }
    const all = [...took.values()].flat()
    const { flows, warmUp } = this.#script
    const counted = (seconds * 1000 - warmUp) / (of * 1000 - warmUp)
    return {
      at: seconds,
      of,
      flows: flows.filter(({ starts, lasts }) => starts < (last + 1) * 1000 && last * 1000 < starts + lasts).map(({ name }) => name),
      count: all.length,
      bad,
      p99: quantile(all, 0.99),
      series: this.#seriesSoFar(took),
      counted: Math.min(1, Math.max(0, counted)),
    }
  }

  #seriesSoFar(took: ReadonlyMap<string, readonly number[]>): Record<string, SeriesProgress> {
    const series: Record<string, SeriesProgress> = {}
    for (const { tallies } of this.#flows.values())
      for (const [as, { count, good, within }] of tallies) {
        const before = series[as]
        series[as] = {
          count: count + (before?.count ?? 0),
          good: good + (before?.good ?? 0),
          within: Object.fromEntries(Object.entries(within).map(([limit, those]) => [limit, those + (before?.within[limit] ?? 0)])),
          p99: quantile(took.get(as) ?? [], 0.99),
        }
      }
    return series
  }

  /** Everything there is, by flow. */
  get flows(): Record<string, FlowResult> {
    return Object.fromEntries(
      [...this.#flows].map(([name, { flow, started, late, sessions, tallies }]) => {
        const due = Math.round((flow.rate * flow.lasts) / 1000)
        return [
          name,
          {
            arrivals: { due, dropped: Math.max(0, due - started.size) },
            late: { p50: quantile(late, 0.5), p99: quantile(late, 0.99) },
            sessions: { opened: sessions.opened, distinct: sessions.ids.size },
            series: Object.fromEntries([...tallies].map(([as, tally]) => [as, seriesOf(tally)])),
          },
        ]
      }),
    )
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

const emptyTally = (within: readonly number[]): Tally => ({
  within: Object.fromEntries(within.map((limit) => [limit, 0])),
  count: 0,
  good: 0,
  bad: {},
  latency: latencies(),
  retryAfter: [],
  seconds: new Map(),
})

const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000

/** A quantile of an unsorted list; 0 for an empty one. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0)
}

/** Milliseconds, of a histogram of microseconds. */
export function latencyOf(histogram: Histogram): Latency {
  const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000
  return { p50: at(50), p95: at(95), p99: at(99), 'p99.9': at(99.9), max: histogram.maxValue / 1000 }
}

/** Takes down a time in milliseconds, as far as a histogram goes. */
export const record = (histogram: Histogram, milliseconds: number): void =>
  histogram.recordValue(Math.min(most, Math.max(1, Math.round(milliseconds * 1000))))

function spreadOf(values: readonly number[]): Record<string, number> {
  const spread: Record<string, number> = {}
  for (const value of values) {
    const bucket = bucketOf(value)
    spread[bucket] = (spread[bucket] ?? 0) + 1
  }
  return spread
}

function seriesOf({ count, good, bad, latency, within, retryAfter, seconds }: Tally): Series {
  return {
    count,
    good,
    bad,
    latency: latencyOf(latency),
    within,
    retryAfter,
    seconds: [...seconds]
      .sort(([a], [b]) => a - b)
      .map(
        ([second, seen]): Second => ({
          at: second,
          count: seen.took.length,
          good: seen.good,
          bad: seen.bad,
          p50: quantile(seen.took, 0.5),
          p99: quantile(seen.took, 0.99),
          spread: spreadOf(seen.took),
        }),
      ),
    histogram: encodeIntoCompressedBase64(latency),
  }
}
