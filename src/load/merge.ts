import { createReadStream } from 'node:fs'
import { decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import { coded } from '../messages/index.ts'
import type { Conditions, FlowResult, LoadResult, Second, Series } from '../model/index.ts'
import type { LoadPlan, ShardSummary } from './plan.ts'
import { keptRetryAfter, latencies, latencyOf, Samples } from './samples.ts'
import { segmentOf } from './segments.ts'

/**
 * What the shards of a plan have written, as one result: the same as one process would have given.
 * @param files lines of samples
 * @param within milliseconds within which good answers are counted
 * @throws E_LOAD_MERGE for files of different plans, and for the same lines twice
 */
export async function resultOfShards(
  plan: LoadPlan,
  summaries: readonly ShardSummary[],
  files: readonly string[],
  within: readonly number[] = plan.script.within,
): Promise<LoadResult> {
  checkSummaries(plan, summaries)
  const script = { ...plan.script, within }
  const samples = new Samples(script)
  for (const [writer, file] of files.entries()) {
    const own = new Samples(script)
    const before = samples.arrivals
    for await (const text of createReadStream(file, 'utf8')) {
      samples.read(text as string, writer)
      own.read(text as string)
    }
    if (samples.arrivals < before + own.arrivals)
      throw unfit(`arrivals of ${file} are in another file too`, 'give each file once, and those of one test alone')
  }
  const { flows } = samples
  const absent = segmentsWithout(plan, summaries)
  const [due, dropped, iterations] = [
    sum(Object.values(flows).map(({ arrivals }) => arrivals.due)),
    sum(summaries.map((summary) => summary.dropped)),
    sum(summaries.map((summary) => summary.iterations)),
  ]
  if (absent.length === 0 && samples.arrivals > iterations)
    throw unfit(`the lines are of ${samples.arrivals} arrivals, and k6 counted ${iterations}`, 'give the files of one test alone')
  const lost = Math.max(0, iterations - samples.arrivals)
  const unknown = due - samples.arrivals - dropped - lost
  return {
    generator: { name: 'k6', version: plan.k6 },
    flows,
    conditions: {
      dropped,
      lost,
      missing: [...absent.map((segment) => `the summary of segment ${segment}`), ...(unknown > 0 ? [`${unknown} of ${due} arrivals`] : [])],
      scriptErrors: [],
      clockSet: 0,
    },
  }
}

function checkSummaries(plan: LoadPlan, summaries: readonly ShardSummary[]): void {
  if (summaries.some((summary) => summary.plan !== plan.id))
    throw unfit('a summary is of another plan', 'give the plan that was applied, and what came of it')
  const starts = summaries.map(startOf)
  const twice = starts.findIndex((start, at) => starts.indexOf(start) !== at)
  if (twice >= 0)
    throw unfit(`segment ${summaries[twice]!.segment ?? '0:1'} is there twice`, 'give each file once, and those of one test alone')
}

/** Where a segment begins, between 0 and 1; k6 writes `2/4` as `1/2`. */
function startOf({ segment }: ShardSummary): number {
  const [above, below = 1] = (segment ?? '0:1').split(':')[0]!.split('/').map(Number)
  return above! / below
}

const segmentsWithout = ({ shards }: LoadPlan, summaries: readonly ShardSummary[]): string[] =>
  Array.from({ length: shards }, (_, index) => index)
    .filter((index) => !summaries.some((summary) => startOf(summary) === index / shards))
    .map((index) => segmentOf(index, shards))

/**
 * Results of several generators as one: counts are added, histograms joined, seconds put together. What cannot be added is the
 * worst of them: how late requests were sent, the 99th percentile of a second.
 * @throws E_LOAD_MERGE for results of different traffic, and for one that is there twice
 */
export function mergeResults(results: readonly [LoadResult, ...LoadResult[]]): LoadResult {
  const texts = results.map((result) => JSON.stringify(result.flows))
  if (new Set(texts).size < texts.length) throw unfit('one result is there twice', 'give each file once')
  const names = Object.keys(results[0].flows)
  const other = results.find(({ flows }) => Object.keys(flows).sort().join() !== names.toSorted().join())
  if (other !== undefined)
    throw unfit(
      `one result is of the traffic ${names.join(', ')}, another of ${Object.keys(other.flows).join(', ')}`,
      'join what was sent alike',
    )
  return {
    generator: { name: 'k6', version: [...new Set(results.map(({ generator }) => generator.version))].join(', ') },
    flows: Object.fromEntries(names.map((name) => [name, mergeFlows(results.map(({ flows }) => flows[name]!))])),
    conditions: mergeConditions(results.map(({ conditions }) => conditions)),
  }
}

function mergeFlows(flows: readonly FlowResult[]): FlowResult {
  const methods = new Set(flows.flatMap(({ series }) => Object.keys(series)))
  return {
    arrivals: { due: sum(flows.map(({ arrivals }) => arrivals.due)), dropped: sum(flows.map(({ arrivals }) => arrivals.dropped)) },
    late: { p50: Math.max(...flows.map(({ late }) => late.p50)), p99: Math.max(...flows.map(({ late }) => late.p99)) },
    sessions: {
      opened: sum(flows.map(({ sessions }) => sessions.opened)),
      distinct: sum(flows.map(({ sessions }) => sessions.distinct)),
    },
    series: Object.fromEntries([...methods].map((method) => [method, mergeSeries(flows.flatMap(({ series }) => series[method] ?? []))])),
  }
}

function mergeSeries(series: readonly Series[]): Series {
  const latency = latencies()
  for (const { histogram } of series) latency.add(decodeFromCompressedBase64(histogram))
  return {
    count: sum(series.map(({ count }) => count)),
    good: sum(series.map(({ good }) => good)),
    bad: sumByName(series.map(({ bad }) => bad)),
    latency: { ...latencyOf(latency), max: Math.max(...series.map(({ latency: { max } }) => max)) },
    within: sumByName(series.map(({ within }) => within)),
    retryAfter: series.flatMap(({ retryAfter }) => retryAfter).slice(0, keptRetryAfter),
    seconds: mergeSeconds(series.flatMap(({ seconds }) => seconds)),
    histogram: encodeIntoCompressedBase64(latency),
  }
}

function mergeSeconds(seconds: readonly Second[]): Second[] {
  const merged = new Map<number, Second>()
  for (const { at, count, good, bad, spread, p50, p99 } of seconds) {
    const known = merged.get(at) ?? { at, count: 0, good: 0, bad: {}, spread: {}, p50: 0, p99: 0 }
    const all = known.count + count
    // Quantiles do not add up: the middle of middles is close, and the largest is on the safe side.
    const middle = all === 0 ? 0 : (known.p50 * known.count + p50 * count) / all
    merged.set(at, {
      at,
      count: all,
      good: known.good + good,
      bad: sumByName([known.bad, bad]),
      spread: sumByName([known.spread, spread]),
      p50: middle,
      p99: Math.max(known.p99, p99),
    })
  }
  return [...merged.values()].sort((a, b) => a.at - b.at)
}

function mergeConditions(conditions: readonly Conditions[]): Conditions {
  const processors = conditions.flatMap(({ processor }) => processor ?? [])
  const machines = conditions.flatMap(({ machine }) => machine ?? [])
  const exhausted = conditions.flatMap((each) => each.exhausted ?? [])
  const cutShort = conditions.find((each) => each.cutShort !== undefined)?.cutShort
  return {
    dropped: sum(conditions.map(({ dropped }) => dropped)),
    lost: sum(conditions.map(({ lost }) => lost)),
    missing: conditions.flatMap(({ missing = [] }) => missing),
    scriptErrors: conditions.flatMap(({ scriptErrors }) => scriptErrors),
    ...(processors.length > 0 && { processor: Math.max(...processors) }),
    // What is unknown of one is unknown of all.
    ...(machines.length === conditions.length && { machine: Math.max(...machines) }),
    ...(exhausted.length === conditions.length && { exhausted: Math.max(...exhausted) }),
    clockSet: Math.max(...conditions.map(({ clockSet }) => clockSet)),
    ...(cutShort !== undefined && { cutShort }),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

function sumByName(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all: Record<string, number> = {}
  for (const each of counts) for (const [name, count] of Object.entries(each)) all[name] = (all[name] ?? 0) + count
  return all
}

const unfit = (problem: string, attempt: string) => coded('E_LOAD_MERGE', { problem }, { try: attempt })
