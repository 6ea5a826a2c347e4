import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nominalTraffic } from '../../src/model/index.ts'
import { obtain } from '../../src/toolchain/index.ts'
import { assay } from './assay.ts'

let cwd: string
beforeAll(async () => {
  await obtain('k6', { progress: (line) => console.log(line) })
  cwd = await mkdtemp(join(tmpdir(), 'assay-nightly-'))
}, 900_000)
afterAll(() => rm(cwd, { recursive: true }))

test('a nightly gate on the reference ends with a report, an entry of the history, and its exit code', async () => {
  await writeFile(
    join(cwd, 'harness.config.json'),
    JSON.stringify({
      targets: { reference: { kind: 'reference' } },
      objectives: { 'calls in time': { sli: 'latency', method: 'tools/call', p99: '5s' } },
      gates: { nightly: { suites: ['load/smoke', 'load/steady-trend'] } },
    }),
  )
  const { code, stdout } = await assay(['gate', 'nightly', '--revision', '2025-11-25', '--reporter', 'junit'], cwd)
  expect(stdout).toContain('Gate "nightly" passed')
  expect(code).toBe(0)

  const kept = await readdir(join(cwd, 'assay-results'))
  const run = kept.find((name) => name !== 'history.ndjson')!
  expect(kept.toSorted()).toEqual([run, 'history.ndjson'].toSorted())
  expect(await readFile(join(cwd, 'assay-results', run, 'reports', 'junit.xml'), 'utf8')).toContain('load/smoke')

  const listed = await assay(['history', '--target', 'reference', '--json'], cwd)
  const [entry, ...more] = JSON.parse(listed.stdout)
  expect(more).toEqual([])
  expect(entry).toMatchObject({
    run,
    gate: 'nightly',
    verdict: 'passed',
    revision: '2025-11-25',
    // One night is compared with nothing.
    counts: { pass: 1, 'not-testable': 1 },
    objectives: [{ name: 'calls in time p99', within: 5_000, missed: 0, spent: 0 }],
  })
  const steady = entry.loads.find(({ probe }: { probe: string }) => probe === nominalTraffic)
  expect(steady.flows.agents.series['tools/call']).toMatchObject({
    count: expect.any(Number),
    latency: { p50: expect.any(Number) },
    histogram: expect.any(String),
  })

  const csv = await assay(['history', '--target', 'reference', '--csv'], cwd)
  expect(csv.stdout.split('\n')[0]).toContain('tools/call p50')
})
