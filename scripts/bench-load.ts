/**
 * Measures the virtual users of Assay beside a bare k6 script that sends the same requests: throughput of a closed loop, memory a user,
 * and the highest rate at which no arrival is dropped. One run, interleaved, medians of five rounds: `npm run bench:load`.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundleOptions } from '../src/load/bundle.ts'
import type { LoadScript } from '../src/model/index.ts'
import { obtain } from '../src/toolchain/index.ts'
import { scriptFlow } from '../src/wire/index.ts'

const rounds = 5
const kinds = ['bare', 'own'] as const
type Kind = (typeof kinds)[number]

const k6 = await obtain('k6', { progress: (line) => console.error(line) })
const folder = await mkdtemp(join(tmpdir(), 'assay-bench-load-'))
const place = (name: string) => join(folder, name)

execFileSync('go', ['build', '-o', place('echo'), new URL('./bench/load/echo.go', import.meta.url).pathname])
const server = spawn(place('echo'), { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  const address = await new Promise<string>((resolve) => server.stdout.once('data', (data: Buffer) => resolve(String(data).trim())))
  const script: LoadScript = {
    warmUp: 0,
    timeout: 10_000,
    within: [],
    flows: [
      scriptFlow(
        {
          name: 'calls',
          arrivals: 'calls',
          rate: 1_000,
          seconds: 3_600,
          requests: [{ method: 'tools/call', params: { name: 'echo', arguments: { text: '' } }, echoes: 'text' }],
        },
        { url: `http://${address}/mcp`, revision: '2026-07-28', headers: {}, token: undefined, sessions: [], tools: new Map() },
      ),
    ],
  }
  await writeFile(place('script.json'), JSON.stringify(script))
  for (const kind of kinds)
    await build({
      ...bundleOptions,
      entryPoints: [new URL(`./bench/load/${kind}.ts`, import.meta.url).pathname],
      outfile: place(`${kind}.js`),
    })

  const throughput = await interleaved((kind) => closed(kind, 10, 6).then(({ perSecond }) => perSecond))
  const memory = await interleaved(async (kind) => (await closed(kind, 400, 4)).rss - (await closed(kind, 20, 4)).rss)
  const rate = await interleaved((kind) => highestRate(kind), 3)
  const table = [
    ['closed loop of 10, requests a second', throughput, 0],
    ['memory of a virtual user, MiB', { bare: memory.bare.map((each) => each / 380), own: memory.own.map((each) => each / 380) }, 2],
    ['highest rate without drops, a second', rate, 0],
  ] as const
  for (const [what, { bare, own }, digits] of table)
    console.log(
      `${what.padEnd(40)} bare ${median(bare).toFixed(digits)}  own ${median(own).toFixed(digits)}  ratio ${median(own.map((each, at) => each / bare[at]!)).toFixed(2)}`,
    )
} finally {
  server.kill()
  await rm(folder, { recursive: true, force: true })
}

async function interleaved(measure: (kind: Kind) => Promise<number>, times = rounds): Promise<Record<Kind, number[]>> {
  const measured: Record<Kind, number[]> = { bare: [], own: [] }
  for (let round = 0; round < times; round += 1)
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) measured[kind].push(await measure(kind))
  return measured
}

async function closed(kind: Kind, vus: number, seconds: number): Promise<{ perSecond: number; rss: number }> {
  const { iterations, rss } = await run(kind, { executor: 'constant-vus', vus, duration: `${seconds}s`, exec: 'calls' })
  return { perSecond: iterations / seconds, rss }
}

/** By halving, to a twentieth. */
async function highestRate(kind: Kind): Promise<number> {
  let [good, bad] = [200, 6_400]
  while (bad / good > 1.05) {
    const next = Math.round(Math.sqrt(good * bad))
    const { dropped } = await run(kind, {
      executor: 'constant-arrival-rate',
      rate: next,
      timeUnit: '1s',
      duration: '3s',
      preAllocatedVUs: 200,
      maxVUs: 200,
      exec: 'calls',
    })
    if (dropped === 0) good = next
    else bad = next
  }
  return good
}

async function run(kind: Kind, scenario: object): Promise<{ iterations: number; dropped: number; rss: number }> {
  const args = ['run', '--quiet', '--no-usage-report', '--address', '', '--log-format', 'raw', '--console-output', place('samples')]
  const child = spawn(k6.path, [...args, place(`${kind}.js`)], {
    env: {
      ...process.env,
      ASSAY_SCRIPT: place('script.json'),
      ASSAY_SUMMARY: place('summary.json'),
      ASSAY_OPTIONS: JSON.stringify({ scenarios: { calls: { ...scenario, env: { ASSAY_FLOW: 'calls' } } } }),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  let rss = 0
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    rss = Math.max(rss, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }, 200)
  await new Promise((resolve) => child.on('exit', resolve))
  clearInterval(timer)
  await writeFile(place('samples'), '')
  return { ...JSON.parse(await readFile(place('summary.json'), 'utf8')), rss }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
