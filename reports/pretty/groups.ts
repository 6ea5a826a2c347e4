import type { Finding } from '../../src/model/index.ts'

/** Findings of one check on one target that say the same: shown once, with all their revisions. */
export interface Group {
  finding: Finding
  revisions: string[]
}

const sameness = ({ check, target, outcome, reason, waiver, known, quirk }: Finding): string =>
  JSON.stringify([check, target, outcome, reason, waiver, known, quirk])

export const grouped = (findings: readonly Finding[]): Group[] =>
  [...Map.groupBy(findings, sameness).values()].map((of) => ({ finding: of[0]!, revisions: of.map(({ revision }) => revision) }))

export const byClause = (groups: readonly Group[]): Map<string, Group[]> =>
  Map.groupBy(groups, ({ finding: { clause } }) => `${clause.spec} ${clause.page}`)

/** Why things could not be judged, with the checks each reason stops. */
export const byReason = (findings: readonly Finding[]): Map<string, string[]> => {
  const reasons = Map.groupBy(findings, ({ target, reason }) => `${reason ?? 'no reason was given'} (${target})`)
  return new Map([...reasons].map(([reason, of]) => [reason, [...new Set(of.map(({ check }) => check))]]))
}
