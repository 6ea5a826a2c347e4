import {
  type Exchange,
  type Finding,
  inconclusive,
  type Judgement,
  linkOf,
  outcomeOf,
  pageOf,
  replayOf,
  transcript,
} from '../model/index.ts'
import type { UnitEvidence } from './evidence.ts'
import { withQuirk } from './quirks.ts'
import type { RegisteredCheck } from './types.ts'

/** The verdicts of these checks on the evidence of one unit: the same function live and offline. */
export function judgeUnit(checks: readonly RegisteredCheck[], evidence: UnitEvidence, file: string | undefined): Finding[] {
  // One array for all checks: what they work out from the whole transcript is worked out once.
  const exchanges = evidence.exchanges.filter(({ revision }) => revision === undefined)
  const { vendor } = evidence.facts
  return checks.map((check) => withQuirk(findingOf(check, judgementOf(check, evidence, exchanges), evidence, file), vendor))
}

function judgementOf(check: RegisteredCheck, evidence: UnitEvidence, exchanges: readonly Exchange[]): Judgement {
  const { facts } = evidence
  for (const facility of check.requires) {
    const state = facts.facilities[facility]
    if (state !== true) return { ...inconclusive(state?.reason ?? `nothing is known of: ${facility}`), kind: state?.kind ?? 'not-testable' }
  }
  const values: Record<string, unknown> = {}
  for (const [name, probe] of Object.entries(check.needs)) {
    if (probe === transcript) {
      values[name] = exchanges
      continue
    }
    const gathered = evidence.probes[probe.name]
    if (gathered === undefined) return inconclusive(`the probe "${probe.name}" left no evidence`)
    if ('unfit' in gathered) return { ...inconclusive(gathered.reason), kind: gathered.unfit }
    values[name] = gathered.value
  }
  try {
    return check.judge(values as never, facts)
  } catch (error) {
    // Evidence no judgement foresaw says nothing about the target; it must not pass for a verdict either way.
    return inconclusive(`the judgement could not read the evidence: ${(error as Error).message}`)
  }
}

function findingOf(check: RegisteredCheck, judgement: Judgement, { facts }: UnitEvidence, file: string | undefined): Finding {
  const { exchange } = judgement
  const outcome = outcomeOf(judgement, check.keyword)
  return {
    check: check.id,
    suite: check.suite,
    title: check.title,
    target: facts.target,
    revision: facts.revision,
    identity: facts.identity,
    outcome,
    keyword: check.keyword,
    ...(judgement.reason === undefined ? {} : { reason: judgement.reason }),
    ...(exchange === undefined ? {} : { sent: sentBy(exchange) }),
    ...(judgement.expected === undefined ? {} : { expected: textOf(judgement.expected) }),
    ...(judgement.actual === undefined ? {} : { actual: textOf(judgement.actual) }),
    clause: {
      spec: check.cites.spec,
      page: pageOf(check.cites, facts.revision),
      says: check.says,
      url: linkOf(check.cites, facts.revision),
    },
    fix: check.fix,
    ...(check.weakness.length === 0 ? {} : { weakness: check.weakness }),
    ...(file === undefined ? {} : { evidence: { file, ...(exchange === undefined ? {} : { exchange: exchange.id }) } }),
  }
}

/** Adds the lines that show each failing finding again. */
export function withReplays(findings: Finding[], evidence: UnitEvidence): Finding[] {
  return findings.map((finding) => {
    const exchange = evidence.exchanges.find(({ id }) => id === finding.evidence?.exchange)
    const worth = finding.outcome === 'fail' || finding.outcome === 'warn' || finding.outcome === 'inconclusive'
    return exchange && worth ? { ...finding, replay: replayOf(exchange, evidence.exchanges) } : finding
  })
}

function sentBy({ request }: Exchange): string {
  const method = request.rpc?.method ?? request.body?.slice(0, 120)
  return [request.method, request.url, method].filter(Boolean).join('  ')
}

const textOf = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 600 ? `${text.slice(0, 600)}…` : text
}
