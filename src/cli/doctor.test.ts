import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { execute } from './start.ts'
import { testContext } from './test-context.ts'

let cwd: string
let out: string
let err: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-doctor-'))
  out = ''
  err = ''
})
afterEach(() => rm(cwd, { recursive: true }))

// The target is unknown, so that nothing is started: only the tools are of interest.
async function tools(
  extra: string[],
  variables: NodeJS.ProcessEnv,
): Promise<Record<string, { state: string; finds: string; fix?: string }>> {
  await execute(
    ['doctor', '--target', 'nothing', '--json', ...extra],
    testContext({
      cwd,
      env: { HOME: cwd, PATH: cwd, ...variables },
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    }),
  )
  const lines = JSON.parse(out).filter(({ subject }: { subject: string }) => subject.startsWith('tool: '))
  return Object.fromEntries(lines.map(({ subject, ...line }: { subject: string }) => [subject.slice('tool: '.length), line]))
}

async function program(name: string, body: string): Promise<string> {
  const path = join(cwd, name)
  await writeFile(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${body}\n`)
  await chmod(path, 0o755)
  return path
}

test('a tool is shown with its version and how it was found', async () => {
  const path = await program('k6', 'echo k6 v1.2.3')
  const { k6, chromium, java } = await tools([], { JAVA_HOME: '/nowhere' })
  expect(k6).toEqual({ state: 'ok', finds: `1.2.3, ${path} (path)` })
  expect(chromium).toMatchObject({ state: 'warn', fix: expect.stringContaining('assay doctor --fix') })
  expect(java).toMatchObject({ state: 'bad', finds: expect.stringContaining('E_TOOL_MISSING'), fix: 'correct JAVA_HOME, or unset it' })
  expect(err).toBe('')
})

test('--fix obtains what is missing, says so as it goes, and says what it could not', async () => {
  await program('go', 'case "$2" in *k6*) echo program > "$GOBIN/k6";; *) exit 1;; esac')
  const { k6, toxiproxy } = await tools(['--fix'], {})
  expect(k6).toMatchObject({ state: 'ok', finds: expect.stringContaining('(installed)') })
  expect(toxiproxy).toMatchObject({ state: 'bad', fix: expect.stringContaining('install it by hand') })
  expect(err).toContain('building k6 1.8.1 with Go\n')
})
