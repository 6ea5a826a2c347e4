import type { Finding } from '../model/index.ts'
import { type Accepted, type Applied, accept, isAcceptable, speaksOf } from './accepted.ts'

/** Marks what was known when the gate was introduced. */
export const applyBaseline = (findings: readonly Finding[], baseline: readonly unknown[], today: string, file = 'baseline.yaml'): Applied =>
  accept(findings, baseline, today, file, (finding) => ({ ...finding, known: true }))

/** The baseline with an entry more for each failure it does not know yet. */
export function updateBaseline(
  findings: readonly Finding[],
  baseline: readonly Accepted[],
  terms: Pick<Accepted, 'reason' | 'owner' | 'expires'>,
): Accepted[] {
  const unknown = findings.filter(
    (finding) => isAcceptable(finding) && !finding.waiver && !baseline.some((entry) => speaksOf(entry, finding)),
  )
  const added = unknown.map(({ check, target, revision }) => ({ check, target, revision, ...terms }))
  return [...baseline, ...added].sort((a, b) => keyOf(a).localeCompare(keyOf(b)))
}

/** The baseline without entries for what no longer fails. */
export const pruneBaseline = (findings: readonly Finding[], baseline: readonly Accepted[]): Accepted[] =>
  baseline.filter((entry) => findings.some((finding) => isAcceptable(finding) && speaksOf(entry, finding)))

const keyOf = ({ check, target = '', revision = '' }: Accepted): string => [check, target, revision].join(' ')
