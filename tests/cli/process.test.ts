import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assay, start } from './assay.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-'))
})
afterAll(() => rm(cwd, { recursive: true }))

test('the embedded reference is assessed, and judged again to the same findings', async () => {
  const ran = await assay(['run', 'transport', '--json'], cwd)
  expect(ran.stderr).not.toContain('error[')
  expect(ran.code).toBe(0)
  const { findings, run } = JSON.parse(ran.stdout)
  expect(findings.length).toBeGreaterThan(0)
  const judged = await assay(['judge', run, '--json'], cwd)
  expect(JSON.parse(judged.stdout).findings).toEqual(findings)
  const stored = JSON.parse(await readFile(join(cwd, 'assay-results', run, 'findings.json'), 'utf8'))
  expect(stored).toEqual({ schema: 'assay/findings/1', run, findings })
})

test('a command over stdio needs no configuration', async () => {
  const { code, stdout } = await assay(['run', '--json', '--', process.execPath, '-e', 'process.exit(7)'], cwd)
  expect(code).toBe(3)
  expect(JSON.parse(stdout).findings).toEqual([])
})

test('a reader that has seen enough is no error', async () => {
  const { child, ended } = start(['list', '--json'], cwd)
  child.stdout!.once('data', () => child.stdout!.destroy())
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('colours only where they are wanted', async () => {
  const coloured = await assay(['doctor', '--target', 'nothing'], cwd, { FORCE_COLOR: '1' })
  expect(coloured.stdout).toContain('\u001b[')
  const bare = await assay(['doctor', '--target', 'nothing', '--no-color'], cwd, { FORCE_COLOR: '1' })
  expect(bare.stdout).not.toContain('\u001b[')
})

test('version and help', async () => {
  expect((await assay(['--version'], cwd)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const { code, stdout } = await assay([], cwd)
  expect(code).toBe(0)
  expect(stdout).toContain('EXIT STATUS')
})

test('an interrupted run ends with 130 and leaves what there is', async () => {
  const silent: Server = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as { port: number }
  await writeFile(
    join(cwd, 'harness.config.json'),
    JSON.stringify({ targets: { slow: { kind: 'server', url: `http://127.0.0.1:${port}/mcp`, limits: { exchangeDeadline: 3_000 } } } }),
  )
  const { child, ended } = start(['run', '--out', 'interrupted'], cwd)
  const reached = new Promise((resolve) => silent.once('connection', resolve))
  await reached
  child.kill('SIGINT')
  const { code, stdout } = await ended
  silent.close()
  expect(code).toBe(130)
  expect(stdout).toContain('the run was interrupted')
  const [run] = await readdir(join(cwd, 'interrupted'))
  expect(await readdir(join(cwd, 'interrupted', run!))).toContain('run.json')
})
