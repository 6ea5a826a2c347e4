import { type Finding, isOpen, type Outcome, outcomes, type Revision } from '../model/index.ts'

/** What decides about an outcome. */
export interface Policy {
  name: string
  /** Outcomes that do not pass. */
  failOn: Outcome[]
  maxWarnings?: number
  /** Checks that must be judged. */
  require: string[]
  /** Only findings at this revision decide. */
  requirements?: Revision
}

export const defaultPolicy: Policy = { name: 'default', failOn: ['fail', 'inconclusive'], require: [] }

export interface Decision {
  schema: 'assay/decision/1'
  verdict: 'passed' | 'failed' | 'inconclusive'
  /** Why, in one sentence. */
  sentence: string
  reasons: string[]
  policy: Policy
  /** What was held against the run beside its findings; kept so that it can be decided again. */
  beside: { problems: string[]; interrupted: boolean }
}

/** What is known beside the findings. */
export interface Circumstances {
  /** Entries of waiver and baseline files that cannot stand. */
  problems?: readonly { message: string }[]
  /** Targets on which nothing could be judged. */
  failedTargets?: readonly FailedTarget[]
  interrupted?: boolean
}

export interface FailedTarget {
  name: string
  message: string
  /** Whether this is the target breaking what its owner promises, rather than nothing being known of it. */
  breaks?: boolean
}

/** Decides whether findings pass. Nothing judged is never green. */
export function decide(findings: readonly Finding[], policy: Policy = defaultPolicy, circumstances: Circumstances = {}): Decision {
  const counted = findings.filter(({ revision }) => policy.requirements === undefined || revision === policy.requirements)
  const failures = reasonsToFail(counted, policy, circumstances)
  const doubts = reasonsToDoubt(counted, policy, circumstances)
  const verdict = failures.length > 0 ? 'failed' : doubts.length > 0 ? 'inconclusive' : 'passed'
  const reasons = [...failures, ...doubts]
  return {
    schema: 'assay/decision/1',
    verdict,
    sentence: sentenceFor(verdict, reasons, counted, policy),
    reasons,
    policy,
    beside: besideOf(circumstances),
  }
}

const besideOf = ({ problems = [], interrupted = false }: Circumstances): Decision['beside'] => ({
  problems: problems.map(({ message }) => message),
  interrupted,
})

function reasonsToFail(findings: readonly Finding[], policy: Policy, { problems = [], failedTargets = [] }: Circumstances): string[] {
  const open = findings.filter(isOpen)
  const reasons: string[] = []
  for (const [outcome, verb] of [
    ['fail', 'fails'],
    ['warn', 'warns'],
    ['not-testable', 'cannot be tested'],
  ] as const) {
    const found = open.filter((finding) => finding.outcome === outcome)
    if (policy.failOn.includes(outcome) && found.length > 0) reasons.push(about(found, verb))
  }
  const warnings = open.filter(({ outcome }) => outcome === 'warn').length
  if (policy.maxWarnings !== undefined && warnings > policy.maxWarnings)
    reasons.push(`${count(warnings, 'warning')}, and ${policy.maxWarnings} allowed`)
  for (const id of policy.require) {
    const of = findings.filter(({ check }) => check === id)
    const unjudged = of.find(({ outcome }) => outcome === 'not-testable' || outcome === 'inconclusive')
    if (of.length === 0) reasons.push(`${id} is required and was not judged`)
    else if (unjudged) reasons.push(`${id} is required and is ${unjudged.outcome} on ${unjudged.target}: ${unjudged.reason}`)
  }
  reasons.push(...failedTargets.filter(({ breaks }) => breaks).map(({ message }) => message))
  return [...reasons, ...problems.map(({ message }) => message)]
}

function reasonsToDoubt(findings: readonly Finding[], policy: Policy, { failedTargets = [], interrupted }: Circumstances): string[] {
  const reasons = failedTargets.filter(({ breaks }) => !breaks).map(({ name, message }) => `nothing was judged on ${name}: ${message}`)
  if (interrupted) reasons.push('the run was interrupted')
  const unsure = findings.filter(({ outcome }) => outcome === 'inconclusive')
  if (policy.failOn.includes('inconclusive') && unsure.length > 0) reasons.push(about(unsure, 'is inconclusive'))
  if (!findings.some(({ outcome }) => outcome === 'pass'))
    reasons.push(policy.requirements && findings.length === 0 ? `nothing was judged at ${policy.requirements}` : 'no check passed')
  return reasons
}

/** `2 checks fail on gw: a/b, c/d`. */
function about(findings: readonly Finding[], verb: string): string {
  const ids = [...new Set(findings.map(({ check }) => check))]
  const targets = [...new Set(findings.map(({ target }) => target))]
  const shown = ids.slice(0, 3).join(', ')
  const verbs: Record<string, string> = { fails: 'fail', warns: 'warn', 'is inconclusive': 'are inconclusive' }
  return `${count(ids.length, 'check')} ${ids.length === 1 ? verb : (verbs[verb] ?? verb)} on ${targets.join(', ')}: ${shown}${ids.length > 3 ? ` and ${ids.length - 3} more` : ''}`
}

function sentenceFor(verdict: Decision['verdict'], reasons: string[], findings: readonly Finding[], policy: Policy): string {
  const subject = policy === defaultPolicy || policy.name === defaultPolicy.name ? 'The run' : `Gate "${policy.name}"`
  if (verdict === 'passed') return `${subject} passed: ${praise(findings)}.`
  const more = reasons.length > 1 ? `; ${count(reasons.length - 1, 'further reason')}` : ''
  return `${subject} ${verdict === 'failed' ? 'failed' : 'is inconclusive'}: ${reasons[0]}${more}.`
}

function praise(findings: readonly Finding[]): string {
  const counts = countOutcomes(findings)
  const accepted = findings.filter((finding) => !isOpen(finding)).length
  const targets = [...new Set(findings.map(({ target }) => target))]
  const rest = [
    counts.warn > 0 && count(counts.warn, 'warning'),
    accepted > 0 && `${accepted} accepted`,
    counts.inconclusive > 0 && `${counts.inconclusive} inconclusive`,
    counts['not-testable'] > 0 && `${counts['not-testable']} not testable`,
  ].filter(Boolean)
  return `${count(counts.pass, 'finding')} ${counts.pass === 1 ? 'passes' : 'pass'} on ${targets.join(', ')}${rest.length > 0 ? `, ${rest.join(', ')}` : ''}`
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

/** How many findings there are of each outcome, zero included. */
export function countOutcomes(findings: readonly Finding[]): Record<Outcome, number> {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>
  for (const { outcome } of findings) counts[outcome] += 1
  return counts
}
