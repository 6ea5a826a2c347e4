import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { obtain } from '../src/toolchain/index.ts'
import { main } from './cli/assay.ts'
import { configurationFor, type SmallTarget, startSmallTarget } from './cli/small-target.ts'

const token = 'a-secret-of-this-test'

let cwd: string
let target: SmallTarget
beforeAll(async () => {
  await obtain('k6', { progress: (line) => console.log(line) })
  cwd = await mkdtemp(join(tmpdir(), 'assay-interruption-'))
  // Requests that are under way when the signal comes must not be taken for lost.
  target = await startSmallTarget(token, 150)
  await writeFile(
    join(cwd, 'harness.config.json'),
    configurationFor(target, { answers: { sli: 'availability', method: 'tools/call', target: 0.999 } }),
  )
}, 900_000)
afterAll(async () => {
  target.close()
  await rm(cwd, { recursive: true })
})

/** Starts a run in a process group of its own, as a shell does, with a folder of its own for what is temporary. */
async function start(out: string, args: readonly string[]) {
  const temporary = await mkdtemp(join(cwd, 'tmp-'))
  const child = spawn(process.execPath, [main, ...args, '--target', 'small', '--allow-disruptive', '--out', out], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SMALL_TOKEN: token, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return { child, temporary, ended, said: () => said }
}

type Started = Awaited<ReturnType<typeof start>>

/** Processes of k6 that read their script below a folder. */
async function k6Below(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args'])
  return stdout.split('\n').filter((line) => line.includes(folder) && line.includes('--console-output'))
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await what()) return
    await delay(50)
  }
  throw new Error('what was waited for did not come')
}

const k6Runs = ({ temporary }: Started) => until(async () => (await k6Below(temporary)).length > 0)

/** When so many more calls have come. */
const calls = (count: number) => () => {
  const before = target.calls
  return until(async () => target.calls >= before + count)
}

/** The events of a run, as they are written. */
async function events(out: string): Promise<string> {
  const [run] = await readdir(join(cwd, out)).catch(() => [])
  return run === undefined ? '' : readFile(join(cwd, out, run, 'events.ndjson'), 'utf8').catch(() => '')
}

const steady = ['load', 'load/steady-*']

/** When the signal comes. Half of the time all processes get it, as from a terminal; otherwise Assay alone does. */
const moments: { when: string; args: readonly string[]; toAll: boolean; reached: (started: Started, out: string) => Promise<unknown> }[] = [
  {
    when: 'before k6 has started',
    args: steady,
    toAll: true,
    reached: (_, out) => until(async () => (await events(out)).includes('unit-started')),
  },
  { when: 'as soon as k6 is there', args: steady, toAll: false, reached: k6Runs },
  { when: 'during the warm-up', args: [...steady, '--shards', '3'], toAll: false, reached: calls(12) },
  { when: 'in the middle', args: ['run', 'load/steady-*'], toAll: true, reached: calls(90) },
  { when: 'near the end', args: [...steady, '--shards', '2'], toAll: true, reached: calls(112) },
  {
    when: 'between two scenarios',
    args: ['load', 'load/smoke', 'load/new-connections'],
    toAll: false,
    reached: (_, out) => until(async () => (await events(out)).includes('"type":"probe-finished"')),
  },
]

/** Nothing of the run is left but what is on disk: no process, and no file with a token. */
async function leftovers({ temporary }: Started): Promise<unknown[]> {
  const files = (await readdir(temporary)).filter((name) => name.startsWith('assay-load-'))
  return [...files, ...(await k6Below(temporary))]
}

const interrupt = ({ child }: Started, toAll: boolean) => process.kill(toAll ? -child.pid! : child.pid!, 'SIGINT')

test.each(moments)('a run that is interrupted $when leaves what there is, and no k6', async ({ when, args, toAll, reached }) => {
  const out = when.replaceAll(' ', '-')
  const started = await start(out, args)
  await reached(started, out)
  interrupt(started, toAll)
  expect(await started.ended).toBe(130)
  expect(await leftovers(started)).toEqual([])
  const [run] = await readdir(join(cwd, out))
  const read = async (file: string) => JSON.parse(await readFile(join(cwd, out, run!, file), 'utf8'))
  expect(await read('decision.json')).toMatchObject({ verdict: 'inconclusive', beside: { interrupted: true } })
  // What was under way is no failure of the target.
  const { findings } = (await read('findings.json')) as { findings: { check: string; outcome: string; reason?: string }[] }
  expect(findings.filter(({ outcome }) => outcome === 'fail')).toEqual([])
  expect(JSON.stringify(findings)).toContain('the run was interrupted')
  expect((await read('run.json')).run).toBe(run)
})

test.each([0, 150])('a second signal after %i ms ends it at once, and does no harm', async (milliseconds) => {
  const out = `twice-${milliseconds}`
  const started = await start(out, [...steady, '--shards', '2'])
  await calls(20)()
  interrupt(started, false)
  await delay(milliseconds)
  interrupt(started, true)
  expect(await started.ended).toBe(130)
  await until(async () => (await leftovers(started)).length === 0)
  const [run] = await readdir(join(cwd, out))
  // Whatever was written was written whole.
  for (const file of await readdir(join(cwd, out, run!)))
    if (file.endsWith('.json')) JSON.parse(await readFile(join(cwd, out, run!, file), 'utf8'))
})
