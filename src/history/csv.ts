import { nominalTraffic } from '../model/index.ts'
import type { HistoryEntry } from './entry.ts'

const percentiles = ['p50', 'p95', 'p99', 'p99.9'] as const

/**
 * The latencies, in milliseconds, of the traffic a target is meant to carry, as Apache Otava reads them (its test type `csv`): a column
 * `time`, attributes, and a column a metric, such as `tools/call p50`. Of the entries of one target at one revision, those that are
 * conclusive and have every metric of the last one: Otava reads no empty cell.
 */
export function otavaCsv(entries: readonly HistoryEntry[]): string {
  const rows = entries.filter(({ verdict, interrupted }) => verdict !== 'inconclusive' && !interrupted).map((entry) => rowOf(entry))
  const metrics = Object.keys(rows.findLast(({ metrics }) => Object.keys(metrics).length > 0)?.metrics ?? {})
  const whole = rows.filter(({ metrics: own }) => metrics.every((metric) => own[metric] !== undefined))
  const lines = [
    ['time', 'run', 'version', 'machine', 'rate', ...metrics],
    ...(metrics.length === 0 ? [] : whole.map(({ attributes, metrics: own }) => [...attributes, ...metrics.map((metric) => own[metric]!)])),
  ]
  return lines.map((cells) => `${cells.map(quoted).join(',')}\n`).join('')
}

function rowOf({ at, run, server, machine, nominal, loads }: HistoryEntry) {
  const flows = Object.values(loads.find(({ probe }) => probe === nominalTraffic)?.flows ?? {})
  const series = flows.flatMap((flow) => Object.entries(flow.series))
  return {
    attributes: [at, run, server?.version ?? '', `${machine.processors} x ${machine.model}`, nominal.rate],
    metrics: Object.fromEntries(
      series.flatMap(([method, { latency }]) => percentiles.map((each) => [`${method} ${each}`, latency[each]] as const)),
    ) as Record<string, number | undefined>,
  }
}

const quoted = (cell: string | number): string => (/[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell))
