import { type AssayError, coded } from '../messages/index.ts'
import { modest, type Nominal, type Objective } from '../model/index.ts'
import type { LoadedConfig } from './load.ts'
import type { LoadConfig, ObjectiveConfig } from './types.ts'

/** An objective as its operator gives it, for one share of requests. */
export interface DeclaredObjective {
  name: string
  /** Names of the targets it is about. */
  targets: readonly string[]
  /** What it belongs to: the service of an SLO, or the targets. */
  service: string
  /** The share of requests that is to be good, between 0 and 1. */
  target: number
  /** What a run measures; absent for an objective that only Prometheus measures. */
  measures?: Pick<Objective, 'sli' | 'method' | 'within'>
  /** The time its error budget is for; `calendar` where that begins on a date. */
  window: { days: number; calendar?: true }
  queries?: Queries
  /** The file it stands in, with the line where that is known. */
  from: string
}

/** PromQL of the number of requests; `{{window}}` or `{{.window}}` stands for the range. */
export type Queries = { total: string } & ({ good: string } | { bad: string })

/** The range in a query. */
export const windowPlace = /\{\{\s*\.?window\s*\}\}/g

export const hasWindow = (query: string): boolean => query.search(windowPlace) >= 0

export const windowAdvice = 'a query with its range as {{window}}, such as sum(rate(requests_total[{{window}}]))'

const percentiles = { p50: 0.5, p95: 0.95, p99: 0.99, 'p99.9': 0.999 } as const

export const percentileNames = Object.keys(percentiles) as (keyof typeof percentiles)[]

const units = { ms: 1, s: 1_000, m: 60_000 } as const

export const duration = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)$/

/** Milliseconds, of a number or of a text such as `400ms`, `1.5s` or `2m`; it has been seen that it is one. */
export function durationOf(value: number | string): number {
  if (typeof value === 'number') return value
  const [, number, unit] = duration.exec(value)!
  return Number(number) * units[unit as keyof typeof units]
}

/** Every objective of a configuration and of the files it names, and what is wrong in those files. */
export async function readObjectives(loaded: LoadedConfig): Promise<{ objectives: DeclaredObjective[]; problems: AssayError[] }> {
  const { config, directory } = loaded
  const own = Object.entries(config.objectives ?? {}).flatMap(([name, objective]) => declared(name, objective, loaded))
  if (config.openslo === undefined) return { objectives: own, problems: [] }
  const { readOpenSlo } = await import('./openslo.ts')
  const taken = own.map(({ name }) => name)
  const { objectives, problems } = await readOpenSlo(config.openslo, { directory, targets: Object.keys(config.targets), taken })
  if (objectives.length === 0 && problems.length === 0)
    problems.push(coded('E_CONFIG_INVALID', { path: 'openslo', file: loaded.file }, { got: 'files without an SLO' }))
  return { objectives: [...own, ...objectives], problems }
}

/** Every objective; throws the first thing that is wrong. */
export async function allObjectives(loaded: LoadedConfig): Promise<DeclaredObjective[]> {
  const { objectives, problems } = await readObjectives(loaded)
  const [problem] = problems
  if (problem) throw problem
  return objectives
}

/** What a run judges a target by. */
export const objectivesFor = (target: string, objectives: readonly DeclaredObjective[]): Objective[] =>
  objectives.flatMap(({ name, targets, measures, target: share }) =>
    measures && targets.includes(target) ? [{ name, ...measures, target: share }] : [],
  )

/** A percentile is the share of requests that are within its time. */
function declared(name: string, given: ObjectiveConfig, { config, file }: LoadedConfig): DeclaredObjective[] {
  const { sli, method, target, within, targets = Object.keys(config.targets), window = '30d', prometheus } = given
  const rest = {
    targets,
    service: targets.join(', '),
    window: { days: Number.parseInt(window, 10) * (window.endsWith('w') ? 7 : 1) },
    // It has been seen that there is either good or bad.
    ...(prometheus && { queries: prometheus as Queries }),
    from: file,
  }
  if (sli === 'availability') return [{ name, target: target!, measures: { sli, method }, ...rest }]
  const named = percentileNames.flatMap((percentile): DeclaredObjective[] => {
    const value = given[percentile]
    if (value === undefined) return []
    return [
      { name: `${name} ${percentile}`, target: percentiles[percentile], measures: { sli, method, within: durationOf(value) }, ...rest },
    ]
  })
  return within === undefined
    ? named
    : [...named, { name, target: target!, measures: { sli, method, within: durationOf(within) }, ...rest }]
}

export const nominalOf = ({ rate = modest.rate, duration, streams = modest.streams, overhead }: LoadConfig = {}): Nominal => ({
  rate,
  streams,
  seconds: duration === undefined ? modest.seconds : durationOf(duration) / 1_000,
  overhead: overhead === undefined ? modest.overhead : durationOf(overhead),
})
