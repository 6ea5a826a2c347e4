import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AssayError, coded, type ErrorRecord, recordOf } from '../messages/index.ts'
import type { Finding, Probe, UnitFacts } from '../model/index.ts'
import { Activity, clientInfo, Pace } from '../wire/index.ts'
import { newest, openAuthority } from './authority.ts'
import { asksForToken, lineTo, openLines } from './connect.ts'
import { evidenceFile, type ProbeEvidence, writeEvidence } from './evidence.ts'
import { authorityFacts, factsOf, manifestFacts } from './facts.ts'
import { judgeUnit, withReplays } from './judge.ts'
import { TargetLock } from './lock.ts'
import { checksFor, probesFor } from './plan.ts'
import { TokenBudget } from './token-budget.ts'
import { type Measured, measuredOf, placeOf, type RunEvent, type RunOptions, type RunResult, type Target } from './types.ts'
import { type Shared, Unit } from './unit.ts'

/** Probes in a row that heard nothing before the target is asked whether it is still there. */
const strikesAllowed = 6

/** Targets assessed at the same time. */
const targetsAtOnce = 8

export const newRunId = (now = new Date()): string =>
  `${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`

/** Assesses targets with checks. Never rejects because of what a target does: that is an outcome. */
export async function assess(targets: Target[], options: RunOptions, emit: (event: RunEvent) => void): Promise<RunResult> {
  const run = options.run ?? newRunId()
  const started = new Date()
  const activity = new Activity()
  const at = () => new Date().toISOString()
  const loads: Measured[] = []
  emit({ type: 'run-started', at: at(), run, targets: targets.map(({ name }) => name), checks: options.checks.length })
  const outcomes: TargetOutcome[] = []
  const machine = new TargetLock(Number.POSITIVE_INFINITY)
  await eachOf(targets, targetsAtOnce, async (target, index) => {
    outcomes[index] = await assessTarget(target, options, activity, machine, (event) => {
      if (event.type === 'load-measured') loads.push(measuredOf(event))
      emit({ at: at(), ...event } as RunEvent)
    })
  })
  const findings = outcomes.flatMap((outcome) => outcome.findings)
  const took = Math.round(performance.now() - activity.epoch)
  emit({ type: 'run-finished', at: at(), run, took, counts: countsOf(findings) })
  return {
    record: {
      schema: 'assay/run/1',
      run,
      assay: clientInfo.version,
      started: started.toISOString(),
      took,
      checks: options.checks.map(({ id }) => id),
      targets: targets.map((target, index) => ({
        name: target.name,
        kind: target.kind,
        url: placeOf(target.reach),
        units: outcomes[index]!.units,
        error: outcomes[index]!.error,
      })),
      idle: Math.round(activity.idle),
      exchanges: activity.count,
    },
    findings,
    ...(loads.length > 0 && { loads }),
  }
}

interface TargetOutcome {
  findings: Finding[]
  units: UnitFacts[]
  error?: ErrorRecord
}

type Tell = (event: any) => void

async function assessTarget(
  target: Target,
  options: RunOptions,
  activity: Activity,
  machine: TargetLock,
  tell: Tell,
): Promise<TargetOutcome> {
  const pace = new Pace(target.limits.requestsPerSecond)
  const shared: Shared = {
    lock: new TargetLock(target.limits.probesAtOnce),
    machine,
    tokens: new TokenBudget(target.limits.tokens),
    told: (event) => tell({ target: target.name, ...event }),
    open: async (other, revision) =>
      (await unitsOf({ ...other, revisions: [revision] }, new Pace(other.limits.requestsPerSecond), activity, shared))[0]!,
    version: 0,
    signal: options.signal,
  }
  const began = performance.now()
  const stopped = stopperFor(target, options, began)
  try {
    const units = await unitsOf(target, pace, activity, shared)
    const findings = await Promise.all(units.map((unit) => assessUnit(unit, options, stopped, tell)))
    return { findings: findings.flat(), units: units.map(({ facts }) => facts) }
  } catch (error) {
    const known =
      error instanceof AssayError
        ? error
        : coded('E_TARGET_UNREACHABLE', { target: target.name }, { got: (error as Error).message, cause: error })
    tell({ type: 'target-failed', target: target.name, error: recordOf(known) })
    return { findings: [], units: [], error: recordOf(known) }
  }
}

/** The target, opened: an MCP endpoint at each revision it serves, anything else once. */
async function unitsOf(target: Target, pace: Pace, activity: Activity, shared: Shared): Promise<Unit[]> {
  const { reach } = target
  if ('issuer' in reach) {
    const { line, metadata } = await openAuthority({ ...target, reach }, pace, activity)
    const unit = new Unit(target, line, shared)
    unit.facts = authorityFacts(target, metadata)
    return [unit]
  }
  if ('files' in reach) {
    const unit = new Unit(target, lineTo(target, newest(target), undefined, pace, activity), shared)
    unit.facts = manifestFacts(target)
    return [unit]
  }
  const lines = await openLines(target, pace, activity)
  const authorization = 'url' in reach && target.identities.some(({ token }) => token) ? await asksForToken(lines[0]!.line) : false
  const served = lines.map(({ line }) => line.revision)
  return Promise.all(
    lines.map(async ({ line, session }) => {
      const unit = await Unit.open(target, line, session, shared)
      unit.facts = factsOf(target, session, served, unit.endpoint!.catalogue, authorization)
      return unit
    }),
  )
}

async function assessUnit(unit: Unit, options: RunOptions, stopped: Stopper, tell: Tell): Promise<Finding[]> {
  const { target, facts } = unit
  const { revision } = facts
  const checks = checksFor(options.checks, facts)
  const probes = probesFor(checks, facts)
  const began = performance.now()
  tell({ type: 'unit-started', target: target.name, revision, facts, checks: checks.length, probes: probes.length })
  await Promise.all(
    probes.map(async (probe) => {
      const evidence = await unit.gather(probe, () => withheld(probe, target, options, stopped))
      const problem = 'unfit' in evidence && evidence.unfit === 'inconclusive' ? evidence.reason : undefined
      await stopped.observe(unit, problem)
      tell({
        type: 'probe-finished',
        target: target.name,
        revision,
        probe: probe.name,
        took: unit.durationOf(probe),
        exchanges: unit.line.recorder.exchanges.length,
        problem,
      })
    }),
  )
  await unit.close()
  const file = options.directory === undefined ? undefined : evidenceFile(target.name, revision)
  const evidence = unit.evidence
  if (options.directory !== undefined && file !== undefined) await save(join(options.directory, file), writeEvidence(evidence))
  const findings = withReplays(judgeUnit(checks, evidence, file ?? 'memory'), evidence)
  for (const finding of findings) tell({ type: 'finding', finding })
  tell({ type: 'unit-finished', target: target.name, revision, took: Math.round(performance.now() - began) })
  return findings
}

interface Stopper {
  readonly reason: string | undefined
  observe(unit: Unit, problem: string | undefined): Promise<void>
}

/** Why no more probes are to be started: interrupted, out of time, or the target is gone. */
function stopperFor(target: Target, options: RunOptions, began: number): Stopper {
  let gone: string | undefined
  let strikes = 0
  return {
    get reason() {
      if (options.signal?.aborted) return 'the run was interrupted'
      if (performance.now() - began > target.limits.budget) return `the target's budget of ${target.limits.budget} ms is spent`
      return gone
    },
    async observe(unit, problem) {
      strikes = problem === undefined ? 0 : strikes + 1
      if (strikes < strikesAllowed || gone !== undefined) return
      strikes = 0
      const silence = await unit.silence()
      if (silence !== undefined) gone = `the target has stopped answering: ${silence}`
    },
  }
}

/** Why a probe whose turn has come is not run after all. */
function withheld(probe: Probe, target: Target, options: RunOptions, stopped: Stopper): ProbeEvidence | undefined {
  if (stopped.reason !== undefined) return { unfit: 'inconclusive', reason: stopped.reason }
  if (!probe.disruptive || (target.disruptive && options.allowDisruptive)) return undefined
  return { unfit: 'not-testable', reason: 'it disturbs the target: set `disruptive: true` on the target and pass --allow-disruptive' }
}

async function save(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

export function countsOf(findings: readonly Finding[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of findings) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index]!, index)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
