import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverything } from '../fixtures/third-party/everything.ts'
import { localTarget } from '../fixtures/third-party/local-target.ts'
import type { StartedServer } from '../fixtures/third-party/process.ts'
import { assess } from '../src/engine/index.ts'
import type { Finding } from '../src/model/index.ts'
import { loadChecks } from '../suites/index.ts'

const run = promisify(execFile)

let server: StartedServer
let findings: Finding[]

beforeAll(async () => {
  obtainCurl()
  server = await startEverything()
  const result = await assess([localTarget('everything', server.url)], { checks: await loadChecks(), allowDisruptive: false }, () => {})
  findings = result.findings.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn')
})

afterAll(() => server?.close())

// A replay is for a person with a shell; where there is no curl, the system's package manager has it.
function obtainCurl(): void {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
  } catch {
    console.error('curl is not here: installing it with apt-get')
    execFileSync('apt-get', ['install', '--yes', 'curl'], { stdio: 'inherit' })
  }
}

test('every failing finding has lines to paste, and they show what the finding says', async () => {
  expect(findings.length).toBeGreaterThan(10)
  for (const { check, replay, actual } of findings) {
    expect(replay, check).toBeDefined()
    // A stream the server keeps open ends by the time limit of the replay: what came until then is the answer.
    const { stdout } = await run('bash', ['-c', replay!.replaceAll('--max-time 10', '--max-time 2')], { timeout: 30_000 }).catch(
      (error) => error,
    )
    const status = /^HTTP (\d{3})/.exec(actual ?? '')?.[1]
    if (status !== undefined) expect(stdout, `${check}: ${replay}`).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    const code = /error (-?\d+)/.exec(actual ?? '')?.[1]
    if (code !== undefined) expect(stdout, `${check}: ${replay}`).toContain(code)
  }
}, 120_000)
