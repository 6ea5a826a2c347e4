import { open, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { allObjectives, type DeclaredObjective, type LoadedConfig, loadConfig, objectivesFor, targetNames } from '../config/index.ts'
import type { RegisteredCheck } from '../engine/types.ts'
import { defaultPolicy } from '../gate/index.ts'
import { type LoadPlan, mergeResults, resultOfShards, type ShardSummary } from '../load/index.ts'
import { coded } from '../messages/index.ts'
import type { LoadResult, Objective, UnitFacts } from '../model/index.ts'
import { openRun, resultsDirectory } from '../store/index.ts'
import { usage } from './command.ts'
import type { Context, Engine } from './context.ts'
import { conclude } from './operation.ts'

/** What `assay load merge` is told. */
export interface Merge {
  files: readonly string[]
  target: string
  config?: string
  /** Directory for runs. */
  out?: string
  json: boolean
  reporters: readonly string[]
}

/** The checks of steady traffic, which is what is sent from many machines. */
export const steadyChecks = (all: readonly RegisteredCheck[]): RegisteredCheck[] =>
  all.filter(({ suite, cites }) => suite === 'load' && cites.page === 'steady')

/** Joins what shards wrote, and judges it by the objectives of the target as they are now. Returns the exit code. */
export async function mergeLoad(context: Context, { files, target, config, out, json, reporters }: Merge): Promise<number> {
  const loaded = await loadConfig(config, context.cwd)
  targetNames(loaded, [target])
  if (files.length === 0) throw usage('load', 'merge needs files', 'assay load merge plan.json results/* --target NAME')
  const { judgeGiven, newRunId, readEvidence } = await context.engine()
  const all = await context.checks()
  const checks = steadyChecks(all)
  const [probe] = Object.values(checks[0]!.needs)
  const written = await readAll(files, context.cwd, readEvidence, probe!.name)
  const facts = factsOf(written, target, loaded, await allObjectives(loaded))
  const within = facts.objectives?.flatMap((objective) => objective.within ?? []) ?? []
  const results = [...written.results]
  if (written.samples.length > 0 || written.summaries.length > 0) {
    if (written.plan === undefined)
      throw unfit('there are lines of shards and no plan', 'give the plan.json that was written with the manifests')
    results.push(await resultOfShards(written.plan, written.summaries, written.samples, within))
  }
  const [first, ...more] = results
  if (first === undefined) throw unfit('there is no result of steady traffic in them', 'give what shards wrote, or the evidence of runs')
  const result = mergeResults([first, ...more])
  checkWithin(result, facts.objectives ?? [])
  const run = await openRun(resolve(context.cwd, out ?? resultsDirectory), newRunId())
  context.running(run.directory)
  const evidence = { facts, exchanges: [], probes: { [probe!.name]: { value: { sent: result } satisfies Steady } } }
  const judged = await judgeGiven(evidence, checks, run.id, run.directory)
  return (await conclude(context, { loaded, policy: defaultPolicy, accepted: {}, json, reporters: [...reporters] }, run, judged, all)).code
}

/** Of what the probe of steady traffic leaves, what its checks look at. */
interface Steady {
  sent: LoadResult
}

interface Written {
  plan?: LoadPlan
  facts: UnitFacts[]
  summaries: ShardSummary[]
  /** Files with lines of samples. */
  samples: string[]
  results: LoadResult[]
}

async function readAll(files: readonly string[], cwd: string, readEvidence: Engine['readEvidence'], probe: string): Promise<Written> {
  const written: Written = { facts: [], summaries: [], samples: [], results: [] }
  for (const file of files) {
    const path = resolve(cwd, file)
    if (!(await isJson(path, file))) {
      written.samples.push(path)
      continue
    }
    const text = await readFile(path, 'utf8')
    const value = parsed(text, file)
    if (value.schema === 'assay/load-plan/1') {
      if (written.plan !== undefined) throw unfit('there are two plans', 'give the one that was applied')
      written.plan = value as unknown as LoadPlan
      written.facts.push(written.plan.facts)
    } else if (value.schema === 'assay/load-shard/1') written.summaries.push(value as unknown as ShardSummary)
    else if (value.schema === 'assay/evidence/1') {
      const evidence = readEvidence(text)
      const gathered = evidence.probes[probe]
      if (gathered === undefined || 'unfit' in gathered)
        throw unfit(`${file} has no result of steady traffic: ${gathered?.reason ?? 'none was sent'}`, 'leave it out, or run it again')
      written.facts.push(evidence.facts)
      written.results.push((gathered.value as Steady).sent)
    } else throw unfit(`nothing is known of the form of ${file}`, 'give plan.json, what shards wrote, or evidence of runs')
  }
  return written
}

/** Lines of samples begin with the name of a flow. */
async function isJson(path: string, file: string): Promise<boolean> {
  const handle = await open(path).catch((cause) => {
    throw usage('load', `${file} cannot be read: ${(cause as Error).message}`, 'check the path')
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, 0)
    return bytesRead === 1 && buffer.toString() === '{'
  } finally {
    await handle.close()
  }
}

function parsed(text: string, file: string): { schema?: string } {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unfit(`${file} is cut off or damaged: ${(cause as Error).message}`, 'copy it again')
  }
}

/** What is known of the target, with its objectives as they are now; everything must be of this target, at one revision. */
function factsOf({ facts }: Written, target: string, { config }: LoadedConfig, objectives: readonly DeclaredObjective[]): UnitFacts {
  const [first] = facts
  if (first === undefined) throw unfit('nothing in them says what they are of', 'give plan.json, or evidence of runs')
  const other = facts.find((each) => each.target !== first.target || each.revision !== first.revision)
  if (other !== undefined)
    throw unfit(
      `one is of ${first.target} at ${first.revision}, another of ${other.target} at ${other.revision}`,
      'join what is of one target at one revision',
    )
  const isPart = config.targets[target]!.kind === 'reference' && first.target.startsWith(target)
  if (first.target !== target && !isPart) throw unfit(`they are of ${first.target}, not of ${target}`, `give --target ${first.target}`)
  return { ...first, objectives: config.objectives || config.openslo ? objectivesFor(target, objectives) : (first.objectives ?? []) }
}

/** Good answers within a time are counted while the traffic goes on; for another time nothing can be said afterwards. */
function checkWithin({ flows }: LoadResult, objectives: readonly Objective[]): void {
  for (const { name, method, within } of objectives) {
    const uncounted = Object.values(flows).some(
      ({ series }) => series[method] && within !== undefined && !(within in series[method].within),
    )
    if (uncounted)
      throw unfit(
        `answers within the ${within} ms of the objective "${name}" were not counted`,
        'the objective is newer than the run: run again, or judge by the objectives it had',
      )
  }
}

const unfit = (problem: string, attempt: string) => coded('E_LOAD_MERGE', { problem }, { try: attempt })
