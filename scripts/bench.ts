/**
 * Measures a conformance run of Assay beside the official suite, in one run, interleaved, on one server process; and what Assay
 * costs by itself. `npm run bench` prints a table, `npm run bench -- --json` the same as data. Medians of at least five rounds.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEverything } from '../fixtures/third-party/everything.ts'
import { fileOf } from '../fixtures/third-party/process.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } } })
const rounds = Math.max(5, Number(values.rounds))
const revision = '2025-11-25'
const assay = 'dist/src/cli/main.js'
const official = fileOf('@modelcontextprotocol/conformance/dist/index.js')

interface Round {
  wallMs: number
  judged: number
  /** Checks that fail or warn. */
  found: number
}

const scratch = await mkdtemp(join(tmpdir(), 'assay-bench-'))
say('building')
await run('npm', ['run', 'build', '--silent'])
const server = await startEverything()
const ours: Round[] = []
const theirs: Round[] = []
const everything: Round[] = []
try {
  // One of each before counting: caches of the file system and of compiled code belong to every run but the first.
  for (let round = 0; round <= rounds; round += 1) {
    say(round === 0 ? 'warming up' : `round ${round} of ${rounds}`)
    const conformance = await runOurs(join(scratch, `ours-${round}`), ['conformance'])
    const officials = await runTheirs(join(scratch, `theirs-${round}`))
    const all = await runOurs(join(scratch, `all-${round}`), [])
    if (round === 0) continue
    ours.push(conformance)
    theirs.push(officials)
    everything.push(all)
  }
  say('harness cost, start-up and many targets')
  const cost = await inProcess<{ idleShare: number; cpuMsPerExchange: number }>('cost.ts', server.url)
  const listStartMs = median(await repeat(rounds, async () => (await run('node', [assay, 'list'])).wallMs))
  const targets: { n: number; wallMs: number; rssMiB: number }[] = []
  for (const n of [1, 10, 100]) targets.push(await inProcess('targets.ts', String(n)))
  const figures: Figures = {
    vsOfficial: {
      wallRatio: round2(median(ours.map((each, at) => each.wallMs / theirs[at]!.wallMs))),
      checksPerSecondRatio: round2(median(ours.map((each, at) => rate(each) / rate(theirs[at]!)))),
    },
    ...cost,
    listStartMs: Math.round(listStartMs),
    targets,
  }
  console.log(values.json ? JSON.stringify(figures) : table(figures))
} finally {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
}

interface Figures {
  vsOfficial: { wallRatio: number; checksPerSecondRatio: number }
  idleShare: number
  cpuMsPerExchange: number
  listStartMs: number
  targets: { n: number; wallMs: number; rssMiB: number }[]
}

function table(figures: Figures): string {
  const row = (name: string, list: Round[]) =>
    `| ${name} | ${(median(list.map(({ wallMs }) => wallMs)) / 1000).toFixed(2)} s | ${median(list.map(({ judged }) => judged))} | ${median(list.map(rate)).toFixed(0)} | ${median(list.map(({ found }) => found))} |`
  const [one, , hundred] = figures.targets
  return `server-everything at ${revision}, ${rounds} rounds interleaved, whole processes, medians

| | wall | checks judged | checks a second | reported |
| --- | --- | --- | --- | --- |
${row('Assay, conformance', ours)}
${row('official suite, all', theirs)}
${row('Assay, conformance and security', everything)}

wall, ours to theirs              ${figures.vsOfficial.wallRatio}
checks a second, ours to theirs   ${figures.vsOfficial.checksPerSecondRatio}
idle share of the wall            ${figures.idleShare}
harness CPU an exchange           ${figures.cpuMsPerExchange} ms
start of assay list               ${figures.listStartMs} ms
memory a target                   ${round2((hundred!.rssMiB - one!.rssMiB) / (hundred!.n - one!.n))} MiB
${figures.targets.map(({ n, wallMs, rssMiB }) => `${String(n).padStart(3)} targets in one process    ${wallMs} ms, ${rssMiB} MiB`).join('\n')}`
}

async function runOurs(out: string, selectors: string[]): Promise<Round> {
  const args = ['run', server.url, ...selectors, '--revision', revision, '--policies', '--json', '--out', out]
  const { wallMs, stdout } = await run('node', [assay, ...args])
  const { findings } = JSON.parse(stdout) as { findings: { outcome: string }[] }
  const judged = findings.filter(({ outcome }) => ['pass', 'fail', 'warn'].includes(outcome))
  return { wallMs, judged: judged.length, found: judged.filter(({ outcome }) => outcome !== 'pass').length }
}

async function runTheirs(out: string): Promise<Round> {
  const { wallMs } = await run('node', [official, 'server', '--url', server.url, '--suite', 'all', '--spec-version', revision, '-o', out])
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('checks.json'))
  const checks = (
    await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(out, file), 'utf8')) as { status: string }[]))
  ).flat()
  const judged = checks.filter(({ status }) => ['SUCCESS', 'FAILURE', 'WARNING'].includes(status))
  return { wallMs, judged: judged.length, found: judged.filter(({ status }) => status !== 'SUCCESS').length }
}

async function inProcess<T>(script: string, ...args: string[]): Promise<T> {
  return JSON.parse((await run('node', ['--expose-gc', join('scripts/bench', script), ...args])).stdout) as T
}

/** Both suites end with an exit code that says what they found: only their output counts here. */
function run(command: string, args: string[]): Promise<{ wallMs: number; stdout: string }> {
  const began = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 120_000 })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve({ wallMs: performance.now() - began, stdout }))
  })
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let i = 0; i < times; i += 1) results.push(await work())
  return results
}

function median(list: number[]): number {
  const sorted = list.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function rate({ judged, wallMs }: Round): number {
  return (judged / wallMs) * 1000
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}

function say(what: string): void {
  if (!values.json) console.error(what)
}
