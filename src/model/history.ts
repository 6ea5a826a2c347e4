import type { Conditions, FlowResult, Series } from './load.ts'
import type { Revision } from './revision.ts'

/** What traffic was sent from: milliseconds of one machine say nothing of those of another. */
export interface Machine {
  readonly processors: number
  readonly model: string
}

/** What is known of earlier runs against a target. Plain data. */
export interface History {
  /** That of this run. */
  readonly machine: Machine
  /** From the earliest on. */
  readonly loads: readonly PastLoad[]
}

export const noHistory: History = { machine: { processors: 0, model: 'unknown' }, loads: [] }

/** Traffic of one probe in an earlier run. */
export interface PastLoad {
  readonly run: string
  /** When the run began, as ISO 8601. */
  readonly at: string
  readonly revision: Revision
  readonly probe: string
  readonly machine: Machine
  /** Requests a second that the target was meant to carry. */
  readonly rate: number
  readonly conditions: Conditions
  readonly flows: Readonly<Record<string, PastFlow>>
}

export interface PastFlow extends Pick<FlowResult, 'arrivals' | 'late'> {
  readonly series: Readonly<Record<string, PastSeries>>
}

export type PastSeries = Pick<Series, 'count' | 'good' | 'latency'>
