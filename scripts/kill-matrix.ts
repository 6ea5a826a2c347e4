/**
 * Proves that every check can fail and that every seeded defect is caught by exactly the checks it names, by running the
 * whole catalogue against the reference deployment once undamaged and once with each defect.
 *
 *   node scripts/kill-matrix.ts                 all, and writes docs/kill-matrix.{md,json} and docs/load-matrix.md
 *   node scripts/kill-matrix.ts --check         all, and fails when the written pages differ
 *   node scripts/kill-matrix.ts --area tools    the defects of one area, nothing written
 */
import { fork } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Defect } from '../fixtures/defects/defect.ts'
import { defects } from '../fixtures/defects/index.ts'
import { isGreen, type Proof, proveDefects, proveReference, proveReferenceUnderLoad, type UnderLoad } from '../fixtures/defects/prove.ts'
import { eraOf, type Finding, type Revision, revisions } from '../src/model/index.ts'
import { obtain } from '../src/toolchain/index.ts'
import { loadChecks } from '../suites/index.ts'

const { values } = parseArgs({
  options: {
    area: { type: 'string' },
    defect: { type: 'string' },
    check: { type: 'boolean' },
    shard: { type: 'string' },
    load: { type: 'boolean' },
  },
})
const chosen = Object.entries(defects)
  .filter(([area]) => values.area === undefined || area === values.area)
  .flatMap(([, list]) => list)
  .filter(({ id }) => values.defect === undefined || id === values.defect)

const newestOfEras = revisions.filter((_, at) => revisions.slice(at + 1).every((later) => eraOf(later) !== eraOf(revisions[at]!)))
const measured = chosen.filter(isMeasured)
const others = chosen.filter((each) => !isMeasured(each))

/** What one of the processes finds that share the work. */
interface Shard {
  proofs: Proof[]
  /** Of the undamaged reference, by revision. */
  underLoad: Record<string, UnderLoad>
}

if (values.shard !== undefined) {
  const [index, of] = values.shard.split('/').map(Number) as [number, number]
  const mine = <T>(_: T, at: number) => at % of === index
  const underLoad: Shard['underLoad'] = {}
  if (values.load) for (const revision of newestOfEras.filter(mine)) underLoad[revision] = await proveReferenceUnderLoad(revision)
  const proofs = await proveDefects(
    (values.load ? measured : others).filter(mine),
    (done, all, { defect, missed, extra, note }) => {
      if (done % 20 === 0) console.error(`shard ${index + 1} of ${of}: ${done} of ${all} defects`)
      if (missed.length + extra.length > 0 || note) console.error(`  in doubt: ${defect}: missed ${missed}; extra ${extra} ${note ?? ''}`)
    },
    // Load uses the machine up: one at a time in each process.
    values.load ? 1 : undefined,
  )
  process.send?.({ proofs, underLoad } satisfies Shard)
  process.disconnect?.()
  process.exit(0)
}

const shards = 2
if (measured.length > 0) await obtain('k6', { progress: (line) => console.error(line) })
const checks = await loadChecks()
const problems: string[] = []

const started = performance.now()
reportUndamaged(await proveReference())
const unmeasured = others.length < 6 ? await proveDefects(others) : (await runShards(false)).flatMap(({ proofs }) => proofs)
const loaded = measured.length === 0 ? [] : await runShards(true)
const underLoad: Record<string, UnderLoad> = Object.assign({}, ...loaded.map((shard) => shard.underLoad))
for (const [revision, loadedThen] of Object.entries(underLoad)) {
  await settleUnderLoad(revision as Revision, loadedThen)
  reportUndamaged(loadedThen.findings.filter((finding) => !isGreen(finding)))
  for (const [lack, outcomes] of Object.entries(loadedThen.starved))
    for (const [check, outcome] of Object.entries(outcomes))
      if (outcome !== 'inconclusive' && outcome !== 'not-applicable') problems.push(`${check}: ${outcome} at ${revision} with ${lack}`)
}
const proofs = await settled(await settled([...unmeasured, ...loaded.flatMap(({ proofs }) => proofs)]))
const killedBy = new Map<string, string[]>()
for (const { defect, caught, extra, missed, note } of proofs) {
  for (const check of caught) killedBy.set(check, [...(killedBy.get(check) ?? []), defect])
  const wrong = [
    missed.length > 0 ? `not caught by ${missed.join(', ')}` : '',
    extra.length > 0 ? `also caught by ${extra.join(', ')}` : '',
    note ?? '',
  ]
  if (missed.length + extra.length > 0 || note) problems.push(`${defect}: ${wrong.filter(Boolean).join('; ')}`)
}
const area = values.area
const without = checks
  .filter(({ id }) => !killedBy.has(id) && (area === undefined || id.startsWith(`${area}/`)) && values.defect === undefined)
  .map(({ id }) => id)
for (const id of without) problems.push(`${id}: no defect makes it fail`)
for (const { id } of chosen) if (chosen.filter((other) => other.id === id).length > 1) problems.push(`${id}: the name stands twice`)

if (values.defect === undefined && area === undefined) await publish({ ...matrixPages(), ...loadPages() })
if (values.defect === undefined && area === 'load') await publish(loadPages())
for (const problem of problems) console.log(problem)
console.log(
  `${proofs.length} defects, ${killedBy.size} of ${checks.length} checks seen failing, ${problems.length} problems, ${Math.round((performance.now() - started) / 1000)} s`,
)
process.exit(problems.length > 0 ? 1 : 0)

/** Whatever two processes at once say against the reference has to be said by one alone as well. */
async function settleUnderLoad(revision: Revision, loadedThen: UnderLoad): Promise<void> {
  const doubtful = loadedThen.findings.filter((finding) => !isGreen(finding))
  if (doubtful.length === 0) return
  for (const { check, outcome, reason, actual } of doubtful)
    console.error(`  in doubt: the reference at ${revision}: ${check}: ${outcome}: ${reason} ${actual ?? ''}`)
  const again = await proveReferenceUnderLoad(
    revision,
    doubtful.map(({ check }) => check),
  )
  loadedThen.findings = loadedThen.findings.map((finding) => again.findings.find(({ check }) => check === finding.check) ?? finding)
  // What a starved measurement says rests on the sound one.
  for (const [lack, outcomes] of Object.entries(again.starved)) Object.assign(loadedThen.starved[lack]!, outcomes)
}

function reportUndamaged(findings: readonly Finding[]): void {
  for (const { check, revision, outcome, reason, actual } of findings)
    problems.push(`the reference is not clean: ${check} at ${revision}: ${outcome}: ${reason ?? ''} ${actual ?? ''}`)
  console.error(`reference: ${findings.length} findings that are not green, after ${Math.round((performance.now() - started) / 1000)} s`)
}

function isMeasured(each: Defect): boolean {
  return defects.load!.includes(each)
}

/** What a crowd of runs on a busy machine says against a defect is believed when it says so alone as well. */
async function settled(proofs: Proof[]): Promise<Proof[]> {
  const isDoubtful = ({ missed, extra, note }: Proof) => missed.length + extra.length > 0 || note !== undefined
  const doubtful = proofs.filter(isDoubtful).map(({ defect }) => defect)
  if (doubtful.length === 0) return proofs
  console.error(`once more, alone: ${doubtful.join(', ')}`)
  const again: Proof[] = []
  for (const defect of chosen.filter(({ id }) => doubtful.includes(id)).slice(0, 20)) again.push(...(await proveDefects([defect])))
  return proofs.map((proof) => again.find(({ defect }) => defect === proof.defect) ?? proof)
}

function runShards(load: boolean): Promise<Shard[]> {
  return Promise.all(Array.from({ length: shards }, (_, index) => runShard(index, load)))
}

function runShard(index: number, load: boolean): Promise<Shard> {
  const child = fork(import.meta.filename, [...process.argv.slice(2), ...(load ? ['--load'] : []), '--shard', `${index}/${shards}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.on('message', (shard) => resolve(shard as Shard))
    child.on('exit', (code) => reject(new Error(`shard ${index} ended with ${code}`)))
  })
}

function caughtBy(): Record<string, string[]> {
  return Object.fromEntries(checks.map(({ id }) => [id, (killedBy.get(id) ?? []).toSorted()]))
}

function matrixPages(): Record<string, string> {
  const byCheck = caughtBy()
  const byDefect = Object.fromEntries(
    proofs.map(({ defect, caught }) => [defect, caught.toSorted()]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  )
  return {
    'docs/kill-matrix.json': `${JSON.stringify({ checks: byCheck, defects: byDefect }, null, 2)}\n`,
    'docs/kill-matrix.md': pageOf(byCheck, byDefect),
  }
}

function loadPages(): Record<string, string> {
  return { 'docs/load-matrix.md': loadPage(caughtBy()) }
}

async function publish(pages: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(pages)) {
    if (values.check !== true) await writeFile(file, text)
    else if ((await readFile(file, 'utf8').catch(() => '')) !== text) problems.push(`${file} is out of date: run npm run docs`)
  }
}

function pageOf(byCheck: Record<string, string[]>, byDefect: Record<string, string[]>): string {
  const areas = Object.entries(defects).map(([area, list]: [string, readonly Defect[]]) => {
    const rows = list.map(({ id }) => `| ${id} | ${(byDefect[id] ?? []).map((check) => `\`${check}\``).join(', ')} |`)
    return `## ${area}\n\n| defect | caught by |\n| --- | --- |\n${rows.join('\n')}\n`
  })
  return `# Kill matrix

Generated by \`npm run docs\`: do not edit. Each row is a mistake seeded into the reference deployment, and the checks that fail or
warn on it; no other check does. ${Object.keys(byCheck).length} checks, ${Object.keys(byDefect).length} defects. The same as data: [kill-matrix.json](kill-matrix.json).

${areas.join('\n')}`
}

/** What each check of load says of the reference, of its defects, and where it has too little to go by. */
function loadPage(byCheck: Record<string, string[]>): string {
  const ways = [...new Set(Object.values(underLoad).flatMap(({ starved }) => Object.keys(starved)))]
  const rows = checks
    .filter(({ suite }) => suite === 'load')
    .map(({ id }) => {
      const sound = newestOfEras.map((era) => underLoad[era]?.findings.find(({ check }) => check === id)?.outcome ?? 'not-applicable')
      const starved = ways.map((way) => [...new Set(newestOfEras.flatMap((era) => underLoad[era]?.starved[way]?.[id] ?? []))].join(', '))
      return `| \`${id}\` | ${[...sound, (byCheck[id] ?? []).join(', '), ...starved].join(' | ')} |`
    })
  const head = ['check', ...newestOfEras, 'fails on', ...ways]
  return `# Load matrix

Generated by \`npm run docs\`: do not edit. What each check of load says of the undamaged reference in both eras, on which seeded
mistakes it fails, and what it says of the same measurements with too few users or streams, without samples, and without k6: nothing.
What is empty does not apply: streams are not read by k6.

| ${head.join(' | ')} |
| ${head.map(() => '---').join(' | ')} |
${rows.join('\n')}
`
}
