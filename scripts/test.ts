/**
 * Everything we assert about ourselves, in one command: types, lint, unit and integration tests, generated pages, the kill
 * matrix, unused code. Goes on after a failure, and ends with one line: "N passed, N failed".
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const scratch = await mkdtemp(join(tmpdir(), 'assay-test-'))
const report = join(scratch, 'vitest.json')

const steps: [name: string, command: string, ...args: string[]][] = [
  ['types', 'tsc', '--noEmit'],
  ['lint', 'biome', 'check', '--error-on-warnings'],
  ['unused code', 'knip'],
  ['tests', 'vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ['generated pages', 'node', 'scripts/generate-docs.ts', '--check'],
  ['kill matrix', 'node', 'scripts/kill-matrix.ts', '--check'],
]

let passed = 0
let failed = 0
for (const [name, command, ...args] of steps) {
  console.log(`\n# ${name}`)
  const began = performance.now()
  const ok = await run(command, args)
  console.log(`# ${name}: ${ok ? 'passed' : 'failed'} in ${Math.round((performance.now() - began) / 1000)} s`)
  const counts = name === 'tests' ? await countsOf(report) : undefined
  passed += counts?.passed ?? Number(ok)
  failed += Math.max(counts?.failed ?? 0, Number(!ok))
}
await rm(scratch, { recursive: true, force: true })
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)

// npm puts node_modules/.bin first on the PATH, so that `node` and every tool are the project's own.
function run(command: string, args: string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: 'inherit' })
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.log(error.message)
      resolve(false)
    })
    child.on('exit', (code) => resolve(code === 0))
  })
}

/** A skipped test counts as failed: what cannot run here has not passed. */
async function countsOf(file: string): Promise<{ passed: number; failed: number } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(text)
  return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests }
}
