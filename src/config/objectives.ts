import { modest, type Nominal, type Objective } from '../model/index.ts'
import type { LoadConfig, ObjectiveConfig } from './types.ts'

const percentiles = { p50: 0.5, p95: 0.95, p99: 0.99, 'p99.9': 0.999 } as const

const units = { ms: 1, s: 1_000, m: 60_000 } as const

/** Milliseconds, of a number or of a text such as `400ms`, `1.5s` or `2m`; the schema has seen that it is one. */
export function durationOf(value: number | string): number {
  if (typeof value === 'number') return value
  const [, number, unit] = /^([0-9.]+)(ms|s|m)$/.exec(value)!
  return Number(number) * units[unit as keyof typeof units]
}

/** The objectives that are about a target. A percentile is the share of requests that are within its time. */
export function objectivesFor(target: string, objectives: Record<string, ObjectiveConfig> = {}): Objective[] {
  return Object.entries(objectives)
    .filter(([, { targets }]) => targets === undefined || targets.includes(target))
    .flatMap(([name, objective]) => objectivesOf(name, objective))
}

function objectivesOf(name: string, { sli, method, target, within, ...rest }: ObjectiveConfig): Objective[] {
  if (sli === 'availability') return [{ name, sli, method, target: target! }]
  const named = Object.entries(percentiles).flatMap(([percentile, share]): Objective[] => {
    const value = rest[percentile as keyof typeof percentiles]
    return value === undefined ? [] : [{ name: `${name} ${percentile}`, sli, method, within: durationOf(value), target: share }]
  })
  return within === undefined ? named : [...named, { name, sli, method, within: durationOf(within), target: target! }]
}

export const nominalOf = ({ rate = modest.rate, duration, streams = modest.streams }: LoadConfig = {}): Nominal => ({
  rate,
  streams,
  seconds: duration === undefined ? modest.seconds : durationOf(duration) / 1_000,
})
