import { join, relative, resolve } from 'node:path'
import { type ReportContext, type Reported, reporters } from '../../reports/index.ts'
import { type LoadedConfig, resolveTargets } from '../config/index.ts'
import { measuredOf, placeOf, type RegisteredCheck, type RunEvent, type RunResult, type Target } from '../engine/types.ts'
import { type Decision, decide, type Policy } from '../gate/index.ts'
import { entriesOf, pastLoadsOf, thisMachine } from '../history/index.ts'
import { coded, isErrorCode, nearest, orList, templates } from '../messages/index.ts'
import type { LoadGenerator, Revision } from '../model/index.ts'
import { type OpenRun, openRun, resultsDirectory } from '../store/index.ts'
import { type AcceptedFiles, applyAccepted } from './accepted.ts'
import type { Context, Engine } from './context.ts'
import { exit } from './exit.ts'
import { entriesIn, historyOf } from './history.ts'
import { showProgress } from './progress.ts'
import { knowArea } from './select.ts'

/** How long an interrupted run may take to come to its end. */
const graceMs = 10_000

/** Everything an assessment is to do. */
export interface Operation {
  loaded: LoadedConfig
  targets: string[]
  revisions?: Revision[]
  /** The checks, once it is known whether the targets want policies judged. */
  checks(all: readonly RegisteredCheck[], policies: boolean): RegisteredCheck[]
  policy: Policy
  accepted: AcceptedFiles
  allowDisruptive: boolean
  /** Adds an entry to the history. */
  remembered: boolean
  /** Directory for runs. */
  out?: string
  json: boolean
  reporters: string[]
  /** Sends load instead of the one the targets come with. */
  generator?: LoadGenerator
}

/** Assesses targets, decides, writes the run, and reports it. */
export async function perform(context: Context, operation: Operation): Promise<number> {
  checkReporters(operation.reporters)
  const all = await context.checks()
  const asked = operation.checks(all, true)
  const history = historyOf(context, operation.loaded, operation.out)
  // Months of nights take a while to read: only load looks back, and a gate that is to add to them sees first that it can.
  const looksBack = operation.remembered || asked.some(({ suite }) => suite === 'load')
  const entries = looksBack ? await entriesIn(context, history) : []
  const resolved = await resolveTargets(operation.loaded, operation.targets, context.env)
  try {
    const checks = operation.checks(all, resolved.policies)
    for (const target of resolved.targets) {
      if (operation.revisions) target.revisions = operation.revisions
      target.history = { machine: thisMachine(), loads: pastLoadsOf(entries, target.name) }
      if (operation.generator) target.instruments = { ...target.instruments, generator: operation.generator }
      for (const area of target.areas ?? []) knowArea(all, area)
    }
    const { assess, newRunId } = await context.engine()
    const run = await openRun(resolve(context.cwd, operation.out ?? resultsDirectory), newRunId())
    context.running(run.directory)
    const allowDisruptive = operation.allowDisruptive || resolved.own
    const result = await assessed(context, assess, allowDisruptive, run, resolved.targets, checks)
    const { reported, code } = await conclude(context, operation, run, result, all)
    if (operation.remembered) await history.append(entriesOf(reported, reported.decision, resolved.targets))
    return code
  } finally {
    await resolved.close()
  }
}

/** Decides, writes the run, and reports it. */
export async function conclude(
  context: Context,
  operation: Pick<Operation, 'loaded' | 'policy' | 'accepted' | 'json' | 'reporters'>,
  run: OpenRun,
  result: RunResult,
  all: readonly RegisteredCheck[],
): Promise<{ reported: RunResult & { decision: Decision }; code: number }> {
  const targets = result.record.targets.map(({ name }) => name)
  const scope = { all, checks: result.record.checks, targets, known: [...Object.keys(operation.loaded.config.targets), ...targets] }
  const { findings, problems } = applyAccepted(result.findings, operation.accepted, scope, new Date().toISOString().slice(0, 10))
  const decision = decide(findings, operation.policy, {
    problems,
    failedTargets: failedTargets(result),
    interrupted: context.signal.aborted,
  })
  const { record, loads } = result
  const reported = { record, findings, loads, decision }
  await run.finish(reported, decision)
  await present(context, operation, run, reported)
  return { reported, code: context.signal.aborted ? exit.interrupted : exitOf(decision) }
}

export const exitOf = ({ verdict }: Decision): number =>
  ({ passed: exit.passed, failed: exit.failed, inconclusive: exit.inconclusive })[verdict]

/** Targets that could not be judged, for the decision. */
export const failedTargets = ({ record }: RunResult) =>
  record.targets.flatMap(({ name, error }) =>
    error ? [{ name, message: error.message, breaks: isErrorCode(error.code) && templates[error.code].exit === 1 }] : [],
  )

async function assessed(
  context: Context,
  assess: Engine['assess'],
  allowDisruptive: boolean,
  run: OpenRun,
  targets: Target[],
  checks: RegisteredCheck[],
): Promise<RunResult> {
  const progress = showProgress(context)
  const partial = partialResult(run.id, targets, checks)
  const emit = (event: RunEvent) => {
    run.record(event)
    partial.take(event)
    progress.event(event)
  }
  const options = { run: run.id, checks, allowDisruptive, directory: run.directory, signal: context.signal }
  try {
    return await Promise.race([assess(targets, options, emit), lateAfter(context.signal, partial.result)])
  } finally {
    progress.close()
  }
}

/** What there is of a run at any moment, for when it is interrupted and does not end by itself. */
function partialResult(run: string, targets: readonly Target[], checks: readonly RegisteredCheck[]) {
  const started = new Date()
  const result: RunResult = {
    record: {
      schema: 'assay/run/1',
      run,
      assay: 'interrupted',
      started: started.toISOString(),
      took: 0,
      checks: checks.map(({ id }) => id),
      targets: targets.map(({ name, kind, reach }) => ({ name, kind, url: placeOf(reach), units: [] })),
      idle: 0,
      exchanges: 0,
    },
    findings: [],
  }
  const exchanged = new Map<string, number>()
  const take = (event: RunEvent) => {
    if (event.type === 'finding') result.findings.push(event.finding)
    if (event.type === 'load-measured') result.loads = [...(result.loads ?? []), measuredOf(event)]
    if (event.type === 'probe-finished') exchanged.set(`${event.target} ${event.revision}`, event.exchanges)
    result.record.exchanges = [...exchanged.values()].reduce((sum, each) => sum + each, 0)
    result.record.took = Date.now() - started.getTime()
  }
  return { take, result }
}

const lateAfter = <T>(signal: AbortSignal, value: T): Promise<T> =>
  new Promise((resolve) => {
    const late = () => setTimeout(() => resolve(value), graceMs).unref()
    if (signal.aborted) late()
    else signal.addEventListener('abort', late, { once: true })
  })

/** Throws for a reporter there is not. */
export function checkReporters(names: readonly string[]): void {
  for (const name of names) {
    if (Object.hasOwn(reporters, name)) continue
    const meant = orList(nearest(name, Object.keys(reporters)))
    throw coded(
      'E_USAGE',
      { command: 'report', problem: `there is no reporter "${name}"` },
      { try: meant ? `did you mean ${meant}?` : `reporters: ${Object.keys(reporters).join(', ')}` },
    )
  }
}

/** The result on stdout, the files beside the run. */
async function present(
  context: Context,
  { json, reporters: wanted }: Pick<Operation, 'json' | 'reporters'>,
  run: OpenRun,
  reported: Reported,
): Promise<void> {
  const where = relative(context.cwd, run.directory) || run.directory
  const reportContext: ReportContext = { width: context.terminal.width, color: context.color.out, directory: where }
  const onGitHub = context.env.GITHUB_ACTIONS === 'true'
  const names = new Set([...wanted, json ? 'json' : 'pretty', ...(onGitHub ? ['github'] : [])])
  for (const name of names) {
    const { file, load } = reporters[name]!
    const text = (await load())(reported, file ? { ...reportContext, color: false } : reportContext)
    if (file && !(json && name === 'json')) context.err(`${name}: ${relative(context.cwd, await run.report(file, text))}\n`)
    else if (!json || name === 'json') context.out(text)
  }
  if (onGitHub && context.env.GITHUB_STEP_SUMMARY) await summarise(context.env.GITHUB_STEP_SUMMARY, reported, reportContext)
  if (json) context.err(`run: ${join(where)}\n`)
}

async function summarise(file: string, reported: Reported, reportContext: ReportContext): Promise<void> {
  const [{ appendFile }, { stepSummary }] = await Promise.all([import('node:fs/promises'), import('../../reports/github/github.ts')])
  await appendFile(file, stepSummary(reported, reportContext))
}
