import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig, resolveTargets, targetNames } from '../config/index.ts'
import { isLocal } from '../engine/local.ts'
import type { RunResult, Target } from '../engine/types.ts'
import { type Handover, handedOver, type LoadPlan, nameFor, operatorManifests, planOf, trafficScript } from '../load/index.ts'
import { coded } from '../messages/index.ts'
import { type Era, type LoadGenerator, type LoadScript, type Revision, Unfit, type UnitFacts } from '../model/index.ts'
import { jsonText, writeWhole } from '../store/index.ts'
import { tools } from '../toolchain/index.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'
import { steadyChecks } from './load-merge.ts'

/** What `assay load --emit k6-operator` is told. */
export interface Emission {
  target: string
  revisions?: Revision[]
  shards: number
  /** Directory for the manifests. */
  out: string
  config?: string
  allowDisruptive: boolean
}

const [manifestsFile, planFile] = ['k6-operator.yaml', 'plan.json']

/** Writes the steady traffic of a target as manifests for the k6-operator, and the plan by which it is joined. Sends none of it. */
export async function emitLoad(context: Context, emission: Emission): Promise<number> {
  const { target, shards, out } = emission
  const folder = resolve(context.cwd, out)
  for (const name of [manifestsFile, planFile])
    if (existsSync(join(folder, name)))
      throw coded('E_OUTPUT_EXISTS', { file: join(out, name) }, { try: 'remove it, or give another --out' })
  const { facts, script, secrets } = await written(context, emission)
  const plan = planOf(script, facts, shards, tools.k6.version)
  const manifests = operatorManifests(plan, await readTraffic(), Object.keys(secrets))
  await writeWhole(join(folder, manifestsFile), manifests.map((each) => stringify(each, { lineWidth: 0 })).join('---\n'))
  await writeWhole(join(folder, planFile), jsonText(plan))
  if (isLocal(new URL(facts.url).hostname)) context.err(`${facts.url} is an address of this machine: pods do not reach it\n`)
  context.out(nextSteps(plan, Object.keys(secrets), relative(context.cwd, folder) || '.', target))
  return exit.passed
}

interface Written extends Handover {
  facts: UnitFacts
}

const unsent = new Unfit('not-testable', 'it is written down, and not sent')

/** The traffic as it would be sent from here, at the newest revision the target serves. */
async function written(context: Context, { target, revisions, config, allowDisruptive }: Emission): Promise<Written> {
  const loaded = await loadConfig(config, context.cwd)
  const { targets, own, close } = await resolveTargets(loaded, targetNames(loaded, [target]), context.env)
  const scripts = new Map<Era, LoadScript>()
  const generator: LoadGenerator = {
    run: async (script) => {
      scripts.set(script.flows[0]!.era, script)
      throw unsent
    },
    streams: async () => {
      throw unsent
    },
  }
  for (const each of targets) {
    each.instruments = { ...each.instruments, generator }
    if (revisions) each.revisions = revisions
  }
  try {
    const { assess } = await context.engine()
    const checks = steadyChecks(await context.checks())
    const result = await assess(targets, { checks, allowDisruptive: allowDisruptive || own, signal: context.signal }, () => undefined)
    const facts = result.record.targets
      .flatMap(({ units }) => units)
      .filter(({ era, facilities }) => facilities['newest of its era'] === true && scripts.has(era))
      .sort((a, b) => (a.revision < b.revision ? 1 : -1))[0]
    if (facts === undefined) throw unwritten(target, result)
    const handover = withoutSecrets(target, targets, scripts.get(facts.era)!, facts)
    keepWithin(targets.find(({ name }) => name === facts.target)!, handover.script)
    return { facts, ...handover }
  } finally {
    await close()
  }
}

function withoutSecrets(target: string, targets: readonly Target[], script: LoadScript, facts: UnitFacts): Handover {
  const hidden = targets.flatMap(({ secrets }) => secrets)
  const handover = handedOver(script, hidden)
  const text = JSON.stringify([handover.script, facts])
  if ([...hidden, ...Object.values(handover.secrets)].some((secret) => secret !== '' && text.includes(JSON.stringify(secret).slice(1, -1))))
    throw coded(
      'E_LOAD_EMIT',
      { target, problem: 'a secret stands in its URL or in the arguments of a call' },
      { try: 'have the target take it in a header' },
    )
  return handover
}

/** Beside the traffic itself, which is within the limits: who opens a session sends two requests more. */
function keepWithin({ name, limits }: Target, { flows }: LoadScript): void {
  const most = flows.reduce((sum, { rate, era, arrivals }) => sum + rate * (era === 'session' && arrivals === 'calls' ? 3 : 1), 0)
  if (most > limits.requestsPerSecond)
    throw coded(
      'E_LOAD_EMIT',
      {
        target: name,
        problem: `while virtual users open their sessions ${Math.ceil(most)} requests a second are sent, and limits.requestsPerSecond is ${limits.requestsPerSecond}`,
      },
      { try: 'give a higher limit, a lower rate, or a revision without sessions with --revision' },
    )
}

function unwritten(target: string, { record, findings }: RunResult) {
  const failed = record.targets.find(({ error }) => error)?.error
  const reason = failed?.message ?? findings.find(({ outcome }) => outcome !== 'not-applicable')?.reason ?? 'it serves no MCP over http'
  return coded('E_LOAD_EMIT', { target, problem: reason })
}

async function readTraffic(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-emit-'))
  try {
    return await readFile(await trafficScript(folder), 'utf8')
  } finally {
    await rm(folder, { recursive: true })
  }
}

function nextSteps({ facts, script, shards }: LoadPlan, variables: readonly string[], folder: string, target: string): string {
  const name = nameFor(facts.target)
  const [flow] = script.flows
  const literals = variables.map((variable) => ` --from-literal=${variable}="$${variable}"`).join('')
  return [
    `${folder}/${manifestsFile}: ${flow!.rate} requests a second for ${flow!.lasts / 1_000} s at ${facts.revision}, by ${shards} pods`,
    '',
    ...(variables.length === 0 ? [] : [`  kubectl create secret generic ${name}-headers${literals}`]),
    `  kubectl apply -f ${folder}/${manifestsFile}`,
    `  kubectl wait testrun/${name} --for=jsonpath='{.status.stage}'=finished --timeout=1h`,
    `  # copy what is on the volume of the claim ${name}-results to results/`,
    `  assay load merge ${folder}/${planFile} results/* --target ${target}`,
    '',
  ].join('\n')
}
