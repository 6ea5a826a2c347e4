/**
 * Proves that every check can fail and that every seeded defect is caught by exactly the checks it names, by running the
 * whole catalogue against the reference deployment once undamaged and once with each defect.
 *
 *   node scripts/kill-matrix.ts                 all, and writes docs/kill-matrix.{md,json}
 *   node scripts/kill-matrix.ts --check         all, and fails when the written pages differ
 *   node scripts/kill-matrix.ts --area tools    the defects of one area, nothing written
 */
import { fork } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Defect } from '../fixtures/defects/defect.ts'
import { defects } from '../fixtures/defects/index.ts'
import { type Proof, proveDefects, proveReference } from '../fixtures/defects/prove.ts'
import { obtain } from '../src/toolchain/index.ts'
import { loadChecks } from '../suites/index.ts'

const { values } = parseArgs({
  options: { area: { type: 'string' }, defect: { type: 'string' }, check: { type: 'boolean' }, shard: { type: 'string' } },
})
const chosen = Object.entries(defects)
  .filter(([area]) => values.area === undefined || area === values.area)
  .flatMap(([, list]) => list)
  .filter(({ id }) => values.defect === undefined || id === values.defect)

if (values.shard !== undefined) {
  const [index, of] = values.shard.split('/').map(Number) as [number, number]
  const proofs = await proveDefects(
    chosen.filter((each, at) => at % of === index && !isMeasured(each)),
    (done, all, { defect, missed, extra, note }) => {
      if (done % 20 === 0) console.error(`shard ${index + 1} of ${of}: ${done} of ${all} defects`)
      if (missed.length + extra.length > 0 || note) console.error(`  in doubt: ${defect}: missed ${missed}; extra ${extra} ${note ?? ''}`)
    },
  )
  process.send?.(proofs)
  process.disconnect?.()
  process.exit(0)
}

const shards = 2
const measured = chosen.filter(isMeasured)
if (measured.length > 0) await obtain('k6', { progress: (line) => console.error(line) })
const checks = await loadChecks()
const problems: string[] = []

const started = performance.now()
const undamaged = await proveReference({ underLoad: measured.length > 0 })
for (const { check, revision, outcome, reason, actual } of undamaged)
  problems.push(`the reference is not clean: ${check} at ${revision}: ${outcome}: ${reason ?? ''} ${actual ?? ''}`)
for (const problem of problems) console.log(problem)
console.error(`reference: ${undamaged.length} findings that are not green, ${Math.round(performance.now() - started)} ms`)

const others =
  chosen.length - measured.length < 6
    ? await proveDefects(chosen.filter((each) => !isMeasured(each)))
    : (await Promise.all(Array.from({ length: shards }, (_, index) => runShard(index)))).flat()
const first = [...others, ...(await proveDefects(measured, () => {}, 1))]
const proofs = await settled(await settled(first))
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

if (area === undefined && values.defect === undefined) await publish(problems)
for (const problem of problems) console.log(problem)
console.log(
  `${proofs.length} defects, ${killedBy.size} of ${checks.length} checks seen failing, ${problems.length} problems, ${Math.round((performance.now() - started) / 1000)} s`,
)
process.exit(problems.length > 0 ? 1 : 0)

/** Load is measured, and so has this machine to itself. */
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

function runShard(index: number): Promise<Proof[]> {
  const child = fork(import.meta.filename, [...process.argv.slice(2), '--shard', `${index}/${shards}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.on('message', (proofs) => resolve(proofs as Proof[]))
    child.on('exit', (code) => reject(new Error(`shard ${index} ended with ${code}`)))
  })
}

async function publish(problems: string[]): Promise<void> {
  const byCheck = Object.fromEntries(checks.map(({ id }) => [id, (killedBy.get(id) ?? []).toSorted()]))
  const byDefect = Object.fromEntries(
    proofs.map(({ defect, caught }) => [defect, caught.toSorted()]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  )
  const json = `${JSON.stringify({ checks: byCheck, defects: byDefect }, null, 2)}\n`
  const page = pageOf(byCheck, byDefect)
  for (const [file, text] of [
    ['docs/kill-matrix.json', json],
    ['docs/kill-matrix.md', page],
  ] as const) {
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
