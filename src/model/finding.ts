import type { Keyword, Outcome } from './outcome.ts'
import type { Vendor } from './quirk.ts'
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
  /** What is wrong, or why nothing can be said; on a pass only what it rests on, where that is a number of trials. */
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
  /** Known of the product the target is: it annotates, as a waiver does. */
  quirk?: { vendor: Vendor; reason: string; link: string }
  /** Known from the baseline. */
  known?: boolean
}

/** Why a finding does not speak against the target any more, if so: somebody has accepted it, or its vendor explains it. */
export function acceptedAs({ waiver, known, quirk }: Finding): string | undefined {
  if (waiver) return `accepted by ${waiver.owner} until ${waiver.expires}: ${waiver.reason}`
  if (quirk) return `known of ${quirk.vendor}: ${quirk.reason} (${quirk.link})`
  return known ? 'known from the baseline' : undefined
}

export const isOpen = (finding: Finding): boolean => acceptedAs(finding) === undefined

/** The saved form of a run's findings. */
export interface Findings {
  schema: 'assay/findings/1'
  run: string
  findings: Finding[]
}
