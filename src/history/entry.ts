import { availableParallelism, cpus } from 'node:os'
import type { Measured, RunResult, Target } from '../engine/types.ts'
import { countOutcomes, type Decision } from '../gate/index.ts'
import {
  type LoadResult,
  type Machine,
  modest,
  type Nominal,
  nominalTraffic,
  type Objective,
  type Outcome,
  type PastFlow,
  type PastSeries,
  type Revision,
  type Spending,
  spendingOf,
  type UnitFacts,
} from '../model/index.ts'

/** One line of the history: what a gate came to on one target at one revision. Latencies are milliseconds. */
export interface HistoryEntry {
  schema: 'assay/history/1'
  run: string
  /** When the run began, as ISO 8601. */
  at: string
  gate: string
  verdict: Decision['verdict']
  interrupted: boolean
  /** Version of Assay. */
  assay: string
  target: string
  /** Absent where the target could not be judged at all. */
  revision?: Revision
  /** Why it could not. */
  error?: string
  /** What the target says it is. */
  server?: { name?: string; version?: string }
  /** Findings on this target at this revision, by outcome. */
  counts: Record<Outcome, number>
  /** What sent the traffic, and how much the target was meant to carry. */
  machine: Machine
  nominal: Nominal
  loads: HistoryLoad[]
  objectives: ObjectiveEntry[]
}

/** What became of the traffic of a probe; a probe that sent it twice has two. */
export interface HistoryLoad extends Pick<LoadResult, 'generator' | 'conditions'> {
  probe: string
  flows: Record<string, PastFlow & { series: Record<string, PastSeries & { histogram?: string }> }>
}

/** An objective, and what the traffic it is about has spent of its budget. */
export interface ObjectiveEntry extends Objective, Spending {
  /** Missed of those that may miss; 1 when all is spent. Absent where none may. */
  spent?: number
}

/** Characters of a histogram that is kept: that of some thousand requests. */
const histogramKept = 4_000

export const thisMachine = (): Machine => ({ processors: availableParallelism(), model: cpus()[0]?.model.trim() ?? 'unknown' })

/** The entries of a run: one for each target and revision, and one for each target that could not be judged. */
export function entriesOf({ record, findings, loads = [] }: RunResult, decision: Decision, targets: readonly Target[]): HistoryEntry[] {
  const machine = thisMachine()
  return record.targets.flatMap(({ name, units, error }) => {
    const target = targets.find((each) => each.name === name)
    const entry = (revision: Revision | undefined, facts?: UnitFacts): HistoryEntry => {
      const own = loads.filter((load) => load.target === name && load.revision === revision)
      const version = versionOf(facts)
      return {
        schema: 'assay/history/1',
        run: record.run,
        at: record.started,
        gate: decision.policy.name,
        verdict: decision.verdict,
        interrupted: decision.beside.interrupted,
        assay: record.assay,
        target: name,
        ...(revision !== undefined && { revision }),
        ...(error && { error: `${error.code}: ${error.message}` }),
        ...(version && { server: version }),
        counts: countOutcomes(findings.filter((finding) => finding.target === name && finding.revision === revision)),
        machine,
        nominal: target?.nominal ?? modest,
        loads: own.map(loadOf),
        objectives: spentBy(own, target?.objectives),
      }
    }
    // A run that was interrupted may know of no unit, and have findings.
    const judged = units.length > 0 ? units.map(({ revision }) => revision) : revisionsOf(findings, name)
    return judged.length === 0
      ? [entry(undefined)]
      : judged.map((revision) =>
          entry(
            revision,
            units.find((facts) => facts.revision === revision),
          ),
        )
  })
}

const revisionsOf = (findings: RunResult['findings'], name: string): Revision[] => [
  ...new Set(findings.filter(({ target }) => target === name).map(({ revision }) => revision)),
]

function versionOf(facts: UnitFacts | undefined): HistoryEntry['server'] {
  const { name, version } = facts?.serverInfo ?? {}
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return facts?.serverInfo && { name: text(name), version: text(version) }
}

const loadOf = ({ probe, result: { generator, conditions, flows } }: Measured): HistoryLoad => ({
  probe,
  generator,
  conditions,
  flows: mapValues(flows, ({ arrivals, late, series }) => ({
    arrivals,
    late,
    series: mapValues(series, ({ count, good, latency, histogram }) => ({
      count,
      good,
      latency,
      ...(histogram.length <= histogramKept && { histogram }),
    })),
  })),
})

function spentBy(loads: readonly Measured[], objectives: readonly Objective[] = []): ObjectiveEntry[] {
  const flows = Object.values(loads.find(({ probe }) => probe === nominalTraffic)?.result.flows ?? {})
  return objectives.flatMap((objective) => {
    const series = flows.flatMap((flow) => flow.series[objective.method] ?? [])[0]
    if (series === undefined) return []
    const spending = spendingOf(objective, series)
    return [{ ...objective, ...spending, ...(spending.allowed > 0 && { spent: spending.missed / spending.allowed }) }]
  })
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
