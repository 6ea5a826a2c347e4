import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { LoadResult } from '../src/model/index.ts'
import { find, obtain } from '../src/toolchain/index.ts'
import { assay } from './cli/assay.ts'
import { configurationFor, type SmallTarget, startSmallTarget } from './cli/small-target.ts'

const token = 'a-secret-of-this-test'
const shards = 3

let cwd: string
let target: SmallTarget
beforeAll(async () => {
  await obtain('k6', { progress: (line) => console.log(line) })
  cwd = await mkdtemp(join(tmpdir(), 'assay-scale-out-'))
  target = await startSmallTarget(token, 5)
  await configure('10s')
}, 900_000)
afterAll(async () => {
  target.close()
  await rm(cwd, { recursive: true })
})

/** The target, with the time that its objective allows. */
const configure = (p95: string) =>
  writeFile(
    join(cwd, 'harness.config.json'),
    configurationFor(target, {
      answers: { sli: 'availability', method: 'tools/call', target: 0.9 },
      times: { sli: 'latency', method: 'tools/call', p95 },
    }),
  )

const load = (...more: string[]) => assay(['load', ...more, '--target', 'small'], cwd, { SMALL_TOKEN: token, HOME: process.env.HOME! })

/** What was measured, of a run. */
async function measured(run: string) {
  const { probes } = JSON.parse(await readFile(join(cwd, 'assay-results', run, 'evidence/small/2026-07-28.json'), 'utf8'))
  return probes['the traffic the target is meant to carry'].value.sent as LoadResult
}

/** Outcomes by check; what is timed may be inconclusive on a machine that is busy. */
const outcomesOf = (stdout: string) =>
  Object.fromEntries(JSON.parse(stdout).findings.map(({ check, outcome }: { check: string; outcome: string }) => [check, outcome]))
const fine = {
  'load/steady-availability': 'pass',
  'load/steady-answers': 'pass',
  'load/steady-latency': expect.stringMatching(/^(pass|inconclusive)$/),
}

let evidence: string

test('several processes of k6 send one traffic, and their outputs carry what it is', async () => {
  const { code, stdout, stderr } = await load(
    ...Object.keys(fine),
    '--allow-disruptive',
    '--json',
    '--shards',
    `${shards}`,
    '--k6-out',
    'json=k6.json',
  )
  expect(stderr).not.toContain('error[')
  expect([0, 3]).toContain(code)
  expect(outcomesOf(stdout)).toEqual(fine)
  const { run } = JSON.parse(stdout)
  evidence = join('assay-results', run, 'evidence/small/2026-07-28.json')
  const { flows, conditions } = await measured(run)
  // Thirty a second for three seconds, and perhaps one at the very end.
  const counts = Object.values(flows.agents!.series).map(({ count }) => count)
  expect([90, 91]).toContain(counts.reduce((sum, count) => sum + count))
  expect(flows.agents!.arrivals).toEqual({ due: 150, dropped: 0 })
  expect(conditions).toMatchObject({ dropped: 0, lost: 0, scriptErrors: [] })
  expect(conditions.cutShort).toBeUndefined()
  for (const file of ['k6.json', 'k6-2.json', 'k6-3.json'])
    expect(await readFile(join(cwd, file), 'utf8')).toContain('"method":"tools/call","scenario":"agents","status":"200"')
})

test('the evidence of runs can be joined', async () => {
  const { code, stdout } = await load('merge', evidence, '--json')
  expect([0, 3]).toContain(code)
  expect(outcomesOf(stdout)).toEqual(fine)
  const twice = await load('merge', evidence, evidence)
  expect(twice.code).toBe(2)
  expect(twice.stderr).toContain('one result is there twice')
})

/** Does what the operator does with a TestRun: a process for each runner, with its segment, and the environment of its pod. */
async function runPods(folder: string, results: string) {
  const documents = parseAllDocuments(await readFile(join(folder, 'k6-operator.yaml'), 'utf8')).map((each) => each.toJS())
  const { data } = documents.find(({ kind }) => kind === 'ConfigMap')
  const { spec } = documents.find(({ kind }) => kind === 'TestRun')
  for (const [name, text] of Object.entries<string>(data)) await writeFile(join(folder, name), text)
  const k6 = await find('k6')
  const place = (text: string, pod: string) =>
    text.replaceAll('$(ASSAY_POD)', pod).replaceAll('/test/', `${folder}/`).replaceAll('/results/', `${results}/`)
  const bounds = ['0', '1/3', '2/3', '1']
  await Promise.all(
    Array.from({ length: spec.parallelism }, async (_, index) => {
      const pod = `pod-${index + 1}`
      const env = Object.fromEntries(
        spec.runner.env.map(({ name, value }: { name: string; value?: string }) => [
          name,
          value === undefined ? (name === 'ASSAY_POD' ? pod : `Bearer ${token}`) : place(value, pod),
        ]),
      )
      const segments = ['--execution-segment', `${bounds[index]}:${bounds[index + 1]}`, '--execution-segment-sequence', bounds.join(',')]
      const given = place(spec.arguments, pod).split(' ')
      await promisify(execFile)(k6!.path, ['run', '--quiet', ...segments, ...given, join(folder, 'traffic.js'), '--address', ''], { env })
    }),
  )
}

test('what pods have sent is joined to one verdict, and what is missing is told', async () => {
  const before = target.calls
  const emitted = await load('--emit', 'k6-operator', '--allow-disruptive', '--shards', `${shards}`, '--out', 'k6')
  expect(emitted).toMatchObject({ code: 0 })
  expect(emitted.stdout).toContain('kubectl create secret generic assay-small-headers --from-literal=ASSAY_HEADER_AUTHORIZATION=')
  // To see how the echo tool is called, it is called.
  expect(target.calls - before).toBeLessThan(5)
  const folder = join(cwd, 'k6')
  for (const file of ['k6-operator.yaml', 'plan.json']) expect(await readFile(join(folder, file), 'utf8')).not.toContain(token)

  const results = join(cwd, 'results')
  await mkdir(results)
  await runPods(folder, results)
  const files = (await readdir(results)).map((name) => join('results', name))
  expect(files).toHaveLength(2 * shards)
  const merge = (given: readonly string[]) => load('merge', 'k6/plan.json', ...given, '--json')

  const whole = await merge(files)
  expect([0, 3]).toContain(whole.code)
  expect(outcomesOf(whole.stdout)).toEqual(fine)
  const { flows, conditions } = await measured(JSON.parse(whole.stdout).run)
  expect(flows.agents!.arrivals).toEqual({ due: 150, dropped: 0 })
  expect(conditions).toMatchObject({ dropped: 0, lost: 0, missing: [] })

  const without = await merge(files.filter((file) => !file.includes('pod-2')))
  expect(without.code).toBe(3)
  expect(without.stdout).toContain('parts of the traffic are missing: the summary of segment 1/3:2/3')
  const unwritten = await merge(files.filter((file) => !file.endsWith('pod-3.samples')))
  expect(unwritten.code).toBe(3)
  expect(unwritten.stdout).toContain('nothing was written down')
  const doubled = await merge([...files, files.find((file) => file.endsWith('.samples'))!])
  expect(doubled.code).toBe(2)
  expect(doubled.stderr).toContain('are in another file too')

  // The objectives are those of now: the lines are counted again.
  await configure('0.01ms')
  expect([1, 3]).toContain((await merge(files)).code)
  const uncounted = await load('merge', evidence)
  expect(uncounted.code).toBe(2)
  expect(uncounted.stderr).toContain('were not counted')
  await configure('10s')
})

test('a target that is not to be disturbed is not written down', async () => {
  const { code, stderr } = await load('--emit', 'k6-operator', '--out', 'other')
  expect(code).toBe(2)
  expect(stderr).toContain('pass --allow-disruptive')
})

test.each([
  [['merge', 'a', '--shards', '2'], '--shards does not go with merge'],
  [['--shards', '0'], '--shards cannot be "0"'],
  [['--shards', '2', '--k6-out', 'web-dashboard'], 'the dashboard of k6 shows one process'],
  [['--emit', 'k6-operator'], '--emit needs a directory'],
  [['--emit', 'k6-operator', 'load/smoke', '--out', 'x'], '--emit writes the steady traffic'],
])('%s is refused', async (args, says) => {
  const { code, stderr } = await load(...args)
  expect(code).toBe(2)
  expect(stderr).toContain(says)
})
