import type { Keyword, Outcome } from './outcome.ts'
import type { Revision } from './revision.ts'

/** The verdict of one check on one target at one revision. Passes are findings too: the fold decides what to show. */
export interface Finding {
  check: string
  suite: string
  title: string
  target: string
  revision: Revision
  identity: string | null
  outcome: Outcome
  keyword: Keyword
  /** What is wrong, or why nothing can be said; absent on a pass. */
  reason?: string
  sent?: string
  expected?: string
  actual?: string
  clause: { spec: string; page: string; says: string; url: string }
  fix: string
  /** Weaknesses by the numbers of others: `CWE-639`, `API1:2023`. */
  weakness?: readonly string[]
  /** Evidence file within the run directory and the exchange in it. */
  evidence?: { file: string; exchange?: number }
  /** Shell lines that show it again; `$TOKEN` stands for a bearer token. */
  replay?: string
  /** A waiver annotates; it never hides. */
  waiver?: { reason: string; owner: string; expires: string }
  /** Known from the baseline. */
  known?: boolean
}

/** The saved form of a run's findings. */
export interface Findings {
  schema: 'assay/findings/1'
  run: string
  findings: Finding[]
}
