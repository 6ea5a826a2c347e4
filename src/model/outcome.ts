import type { Judgement } from './judgement.ts'

/**
 * `fail` a MUST is broken · `warn` a SHOULD · `not-applicable` the rule does not bind this target · `not-testable` it binds,
 * but the operator has not given what the check needs · `inconclusive` the probe could not finish.
 */
export const outcomes = ['fail', 'warn', 'inconclusive', 'not-testable', 'not-applicable', 'pass'] as const

export type Outcome = (typeof outcomes)[number]

/**
 * `POLICY` marks a rule of this product that no clause backs; it is opt-in and warns. `OBJECTIVE` marks what an operator wants of a
 * target under load, by its own objectives or by running the suite at all; a target that misses it fails.
 */
export type Keyword = 'MUST' | 'SHOULD' | 'MAY' | 'POLICY' | 'OBJECTIVE'

/** The one place where a keyword becomes a severity. */
export function outcomeOf(judgement: Judgement, keyword: Keyword): Outcome {
  if (judgement.kind === 'holds') return 'pass'
  if (judgement.kind === 'broken') return keyword === 'MUST' || keyword === 'OBJECTIVE' ? 'fail' : 'warn'
  return judgement.kind
}
