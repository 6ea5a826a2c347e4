import { bucketStart, type FlowResult, type LoadResult, type Objective, type Second } from '../../src/model/index.ts'

/** Columns of a picture at most: more could be neither told apart nor pointed at. */
const most = 60
const widths = [1, 2, 5, 10, 15, 30, 60]

/** Some seconds in a row, as one column. Its percentiles are those of the worst second. */
export type Span = Second & { readonly lasts: number }

/** What the pictures of one series have in common. */
export interface Drawn {
  id: string
  spans: readonly Span[]
  /** Seconds that the traffic lasted. */
  end: number
  latencies: readonly [number, number]
  /** For latency, about this series. */
  objectives: readonly Objective[]
}

/** Seconds at which the last of what was sent was sent. */
export const endOf = ({ flows }: LoadResult): number => Math.max(1, ...Object.values(flows).map((flow) => phaseOf(flow)?.[1] ?? 0))

/** Seconds a column of a picture of so many is to hold. */
export const widthFor = (end: number): number => widths.find((each) => end / each <= most) ?? Math.ceil(end / most / 60) * 60

/** When the first and the last of a flow that count were sent, in seconds. */
export function phaseOf({ series }: FlowResult): [from: number, to: number] | undefined {
  const ends = Object.values(series).flatMap(({ seconds }) => (seconds.length === 0 ? [] : [seconds[0]!.at, seconds.at(-1)!.at]))
  return ends.length === 0 ? undefined : [Math.min(...ends), Math.max(...ends) + 1]
}

/** Seconds as columns of so many each; those without a request are left out. */
export function spansOf(seconds: readonly Second[], width: number): Span[] {
  return [...Map.groupBy(seconds, ({ at }) => Math.floor(at / width))].map(([number, those]) => ({
    at: number * width,
    lasts: width,
    count: sum(those.map(({ count }) => count)),
    good: sum(those.map(({ good }) => good)),
    bad: added(those.map(({ bad }) => bad)),
    p50: Math.max(...those.map(({ p50 }) => p50)),
    p99: Math.max(...those.map(({ p99 }) => p99)),
    spread: added(those.map(({ spread }) => spread)),
  }))
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

function added(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all: Record<string, number> = {}
  for (const each of counts) for (const [key, count] of Object.entries(each)) all[key] = (all[key] ?? 0) + count
  return all
}

/** How far above everything a plot reaches, so that there is room to name it. */
const headroom = 1.6

/** Latencies that all pictures of a traffic show, so that they can be compared: a decade at least. */
export function latenciesOf({ flows }: LoadResult, wanted: readonly number[]): [from: number, to: number] {
  const series = Object.values(flows).flatMap((flow) => Object.values(flow.series))
  // Of a long run there are many seconds, and few buckets.
  const buckets = new Set<number>()
  for (const { seconds } of series) for (const { spread } of seconds) for (const bucket of Object.keys(spread)) buckets.add(Number(bucket))
  if (buckets.size === 0) return [1, 1000]
  const highest = Math.max(...series.map(({ latency }) => latency.max), ...wanted)
  const to = Math.max(bucketStart(Math.max(...buckets) + 1), highest * headroom)
  return [Math.min(bucketStart(Math.min(...buckets)), to / 10), to]
}

/** `second 4`, `seconds 10 to 19`. */
export const spanText = ({ at, lasts }: Span): string => (lasts === 1 ? `second ${at}` : `seconds ${at} to ${at + lasts - 1}`)
