import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverything } from '../fixtures/third-party/everything.ts'
import type { StartedServer } from '../fixtures/third-party/process.ts'
import packageJson from '../package.json' with { type: 'json' }
import { obtain } from '../src/toolchain/index.ts'

const run = promisify(execFile)

let home: string
let tarball: string
let server: StartedServer

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'assay-package-'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', home], { maxBuffer: 10_000_000 })
  const packed = JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as { filename: string }[] | Record<string, { filename: string }>
  tarball = join(home, Object.values(packed)[0]!.filename)
  server = await startEverything()
  await obtain('k6', { progress: (line) => console.log(line) })
}, 600_000)

afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

test('publint has nothing to say about the tarball', async () => {
  const { readFile } = await import('node:fs/promises')
  const bytes = await readFile(tarball)
  const { messages } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer },
    strict: true,
  })
  expect(messages.map((message) => formatMessage(message, packageJson))).toEqual([])
})

test('the tarball, installed in an empty folder, gates a server', async () => {
  await writeFile(join(home, 'package.json'), '{ "private": true, "type": "module" }')
  await run('npm', ['install', '--no-audit', '--no-fund', '--omit=optional', tarball], { cwd: home })
  await writeFile(
    join(home, 'harness.config.js'),
    `import { defineConfig } from 'mcp-assay'

export default defineConfig({
  targets: { everything: { kind: 'server', url: '${server.url}', revisions: ['2025-11-25'] } },
  gates: { release: { suites: ['transport/session-id-*'] } },
})
`,
  )
  const assay = join(home, 'node_modules', '.bin', 'assay')

  const { stdout } = await run(process.execPath, [assay, 'gate', 'release'], { cwd: home, env: { ...process.env, NO_COLOR: '1' } })
  expect(stdout).toMatch(/passed/i)

  const loaded = await run(process.execPath, [assay, 'run', server.url, 'load/smoke', '--allow-tool', 'echo'], { cwd: home })
  expect(loaded.stdout).toMatch(/load\/smoke|passed/i)

  const failing = await run(process.execPath, [assay, 'run', server.url, 'transport/ended-session'], { cwd: home }).catch((error) => error)
  expect(failing.code).toBe(1)
  expect(failing.stdout).toContain('transport/ended-session')
}, 300_000)
