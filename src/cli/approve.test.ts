import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig, resolveTargets } from '../config/index.ts'
import { type Contracts, contractsOf } from '../model/index.ts'
import type { Engine } from './context.ts'
import { execute } from './start.ts'
import { testContext } from './test-context.ts'

let cwd: string
let out: string
let err: string
let told: Contracts

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-approve-'))
  out = ''
  err = ''
  told = contractsOf({ tools: [{ name: 'echo', description: 'Returns its text.' }], prompts: [], templates: [] })
})
afterEach(() => rm(cwd, { recursive: true }))

const engine = { readContracts: async () => ({ '2025-11-25': told }) } as unknown as Engine

const assay = (line: string): Promise<number> =>
  execute(
    line.split(' '),
    testContext({
      cwd,
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      engine: async () => engine,
    }),
  )

const configure = (extra: object = {}) =>
  writeFile(
    join(cwd, 'harness.config.json'),
    JSON.stringify({ targets: { gw: { kind: 'gateway', url: 'https://gw.example/mcp', ...extra } } }),
  )

test('what is approved is written, and given to the target that names the file', async () => {
  await configure({ contracts: 'approved.json' })
  expect(await assay('approve')).toBe(0)
  expect(out).toBe('gw: new: tools echo (2025-11-25)\ngw: 1 contract at 2025-11-25; 1 differ\n')
  const { targets } = await resolveTargets(await loadConfig(undefined, cwd), [], {})
  expect(targets[0]!.contracts).toEqual({ '2025-11-25': told })
})

test('a second approval says what differs, and keeps other targets', async () => {
  await configure()
  await writeFile(join(cwd, 'contracts.json'), JSON.stringify({ schema: 'assay/contracts/1', targets: { other: {} } }))
  await assay('approve gw')
  expect(err).toContain("contracts: 'contracts.json'")
  told = contractsOf({ tools: [{ name: 'echo', description: 'Sends its text.' }, { name: 'new' }], prompts: [], templates: [] })
  out = ''
  expect(await assay('approve gw --dry-run')).toBe(0)
  expect(out).toBe('gw: new: tools new (2025-11-25)\ngw: changed: tools echo (2025-11-25)\ngw: 2 contracts at 2025-11-25; 2 differ\n')
  const { targets } = JSON.parse(await readFile(join(cwd, 'contracts.json'), 'utf8'))
  expect(Object.keys(targets)).toEqual(['other', 'gw'])
  expect(Object.keys(targets.gw['2025-11-25'].tools)).toEqual(['echo'])
})

test('a file of another form is refused, and left alone', async () => {
  await configure({ contracts: 'approved.json' })
  await writeFile(join(cwd, 'approved.json'), '{"targets":[]}')
  expect(await assay('approve')).toBe(2)
  expect(err).toMatch(/E_CONFIG_INVALID[\s\S]*assay approve/)
  expect(await readFile(join(cwd, 'approved.json'), 'utf8')).toBe('{"targets":[]}')
})

test('an authorization server has no contracts', async () => {
  await configure({ kind: 'authorization-server' })
  expect(await assay('approve')).toBe(2)
  expect(err).toContain('no MCP endpoint is among gw')
  expect(await readdir(cwd)).toEqual(['harness.config.json'])
})
