import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RunResult } from '../engine/types.ts'
import { decide } from '../gate/index.ts'
import { findRun, openRun, readRun } from './index.ts'

let base: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'assay-store-'))
})
afterEach(() => rm(base, { recursive: true }))

const result = (run: string): RunResult => ({
  record: {
    schema: 'assay/run/1',
    run,
    assay: '0',
    started: '2026-03-01T00:00:00Z',
    took: 1,
    checks: [],
    targets: [],
    idle: 0,
    exchanges: 0,
  },
  findings: [],
})

async function store(id: string) {
  const run = await openRun(base, id)
  run.record({ type: 'run-finished', at: 'now', run: id, took: 1, counts: {} })
  await run.finish(result(id), decide([]))
  return run
}

test('a run is written whole and read back', async () => {
  const { directory } = await store('20260301-101500-ab12')
  expect((await readdir(directory)).sort()).toEqual(['decision.json', 'events.ndjson', 'findings.json', 'run.json'])
  expect(JSON.parse(await readFile(join(directory, 'events.ndjson'), 'utf8'))).toMatchObject({ type: 'run-finished' })
  expect(await readRun(directory)).toMatchObject({ ...result('20260301-101500-ab12'), decision: { verdict: 'inconclusive' } })
})

test('what became of traffic is kept with the run', async () => {
  const load = {
    generator: { name: 'k6', version: 'v1.8.1' },
    flows: {},
    conditions: { dropped: 0, lost: 0, scriptErrors: [], machine: 0, exhausted: 0, clockSet: 0 },
  } as const
  const loads = [{ target: 'gateway', revision: '2025-11-25', probe: 'ten clients', result: load }] as const
  const run = await openRun(base, '20260301-101500-ab12')
  await run.finish({ ...result(run.id), loads: [...loads] }, decide([]))
  expect(await readRun(run.directory)).toMatchObject({ loads })
})

test('runs are found by id, path and as the latest; an unfinished one is not a run yet', async () => {
  const first = await store('20260301-101500-ab12')
  const second = await store('20260302-101500-0001')
  await openRun(base, '20260303-101500-0001')
  expect(await findRun('latest', base)).toBe(second.directory)
  expect(await findRun('20260301-101500-ab12', base)).toBe(first.directory)
  expect(await findRun(first.directory, base)).toBe(first.directory)
  await expect(findRun('20260301-101500-ab13', base)).rejects.toMatchObject({
    code: 'E_RUN_NOT_FOUND',
    try: expect.stringContaining('ab12'),
  })
})

test('a damaged run is named, not guessed at', async () => {
  const { directory } = await store('20260301-101500-ab12')
  await writeFile(join(directory, 'findings.json'), '{"schema":"assay/find')
  await expect(readRun(directory)).rejects.toMatchObject({
    code: 'E_RUN_DAMAGED',
    message: expect.stringContaining('findings.json is not whole'),
  })
  await writeFile(join(directory, 'findings.json'), '{"schema":"assay/findings/9"}')
  await expect(readRun(directory)).rejects.toMatchObject({ message: expect.stringContaining('assay/findings/9') })
})
