import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startEverything } from '../fixtures/third-party/everything.ts'
import { localTarget } from '../fixtures/third-party/local-target.ts'
import { assess, judgeAgain } from '../src/engine/index.ts'
import { loadChecks } from '../suites/index.ts'

test('a saved run, judged again offline, gives the identical findings', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'assay-again-'))
  const server = await startEverything()
  const checks = await loadChecks()
  const live = await assess(
    [{ ...localTarget('everything', server.url), revisions: undefined }],
    { checks, allowDisruptive: false, directory },
    () => {},
  )
  await server.close()
  await writeFile(join(directory, 'run.json'), JSON.stringify(live.record))

  const again = await judgeAgain(directory, checks)

  expect(live.findings.length).toBeGreaterThan(100)
  expect(again.findings).toEqual(JSON.parse(JSON.stringify(live.findings)))
  await rm(directory, { recursive: true, force: true })
})
