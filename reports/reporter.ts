import type { Measured, RunRecord } from '../src/engine/types.ts'
import type { Decision } from '../src/gate/index.ts'
import type { Finding } from '../src/model/index.ts'

/** What a run came to, as reporters are given it. */
export interface Reported {
  record: RunRecord
  findings: Finding[]
  decision?: Decision
  /** What became of the traffic that was sent. */
  loads?: readonly Measured[]
}

export interface ReportContext {
  /** Columns of the terminal, or 100 where there is none. */
  width: number
  color: boolean
  /** The run directory, as the reader would name it. */
  directory?: string
}

/** A pure fold of a run into text. */
export type Reporter = (reported: Reported, context: ReportContext) => string
