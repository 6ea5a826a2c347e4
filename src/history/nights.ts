import type { PastFlow, PastLoad } from '../model/index.ts'
import type { HistoryEntry } from './entry.ts'

/** Runs looked back on: a quarter of a year of nights. */
const lookedBackOn = 90

/** What is known of the traffic of earlier runs against a target, from the earliest on. */
export function pastLoadsOf(entries: readonly HistoryEntry[], target: string): PastLoad[] {
  const own = entries.filter((entry) => entry.target === target).toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  const runs = new Set([...new Set(own.map(({ run }) => run))].slice(-lookedBackOn))
  return own.filter(({ run }) => runs.has(run)).flatMap(loadsOf)
}

function loadsOf({ run, at, revision, machine, nominal, loads }: HistoryEntry): PastLoad[] {
  if (revision === undefined) return []
  // What was sent once more was sent because of what came of it the first time: only the first time is like every other night.
  const first = loads.filter(({ probe }, at) => loads.findIndex((load) => load.probe === probe) === at)
  return first.map(({ probe, conditions, flows }) => ({
    run,
    at,
    revision,
    probe,
    machine,
    rate: nominal.rate,
    conditions,
    flows: Object.fromEntries(Object.entries(flows).map(([name, flow]) => [name, withoutHistograms(flow)])),
  }))
}

const withoutHistograms = ({ arrivals, late, series }: PastFlow): PastFlow => ({
  arrivals,
  late,
  series: Object.fromEntries(Object.entries(series).map(([as, { count, good, latency }]) => [as, { count, good, latency }])),
})
