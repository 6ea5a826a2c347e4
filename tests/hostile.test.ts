import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { behaviours, startHostileServer, type Turn } from '../fixtures/hostile/index.ts'
import { reporters } from '../reports/index.ts'
import { readEvidence } from '../src/engine/evidence.ts'
import { assess, type RegisteredCheck, type RunResult, type Target } from '../src/engine/index.ts'
import type { Exchange } from '../src/model/index.ts'
import { loadChecks } from '../suites/index.ts'

// Tight bounds, so that every deadline is met many times in a short test.
const limits: Target['limits'] = {
  requestsPerSecond: 2_000,
  probesAtOnce: 16,
  exchangeDeadline: 200,
  probeDeadline: 800,
  budget: 3_000,
  maxBytes: 1_000_000,
}

/** Budget, the probes then running, the last look whether the target is there, and a busy machine. */
const latest = 12_000

let checks: RegisteredCheck[]
let directory: string

beforeAll(async () => {
  checks = await loadChecks()
  directory = await mkdtemp(join(tmpdir(), 'assay-hostile-'))
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const turns: Turn[] = ['at-once', 'once-open']

describe.each(turns)('a server that turns hostile %s', (turn) => {
  test.concurrent.each(Object.keys(behaviours))('%s', async (behaviour) => {
    const began = performance.now()
    await using server = await startHostileServer(behaviour, turn)
    const target: Target = {
      name: 'hostile',
      kind: 'server',
      reach: { url: server.url },
      identities: [],
      tools: { allow: [] },
      limits,
      disruptive: false,
      instruments: {},
      secrets: [],
    }
    const home = join(directory, `${turn}-${behaviour.replaceAll(' ', '-')}`)
    const result = await assess([target], { checks, allowDisruptive: false, directory: home }, () => {})
    expect(performance.now() - began).toBeLessThan(latest)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expectSaid(result)
    await expectEvidence(result, home)
    await expectPlain(result)
  })
})

/** Something is said of the target: findings, or a coded error. */
function expectSaid({ findings, record }: RunResult): void {
  expect(findings.length > 0 || record.targets[0]!.error?.code.startsWith('E_')).toBe(true)
}

/** Every pass rests on at least one exchange in which something came back. */
async function expectEvidence({ findings, record }: RunResult, home: string): Promise<void> {
  for (const { revision } of record.targets[0]!.units) {
    const evidence = readEvidence(await readFile(join(home, 'evidence', 'hostile', `${revision}.json`), 'utf8'))
    for (const finding of findings.filter((each) => each.outcome === 'pass' && each.revision === revision)) {
      const { needs } = checks.find(({ id }) => id === finding.check)!
      const values = Object.values(needs).map(({ name }) => evidence.probes[name] ?? { value: evidence.exchanges })
      expect(
        exchangesIn(values).some(({ response, messages }) => response !== undefined || messages.length > 0),
        `${finding.check} passed on no evidence`,
      ).toBe(true)
    }
  }
}

function exchangesIn(value: unknown): Exchange[] {
  if (typeof value !== 'object' || value === null) return []
  if ('request' in value && 'messages' in value) return [value as Exchange]
  return Object.values(value).flatMap(exchangesIn)
}

/** What the reporters print carries no control characters a terminal would obey. */
async function expectPlain(result: RunResult): Promise<void> {
  for (const name of ['pretty', 'junit', 'github'] as const) {
    const report = await reporters[name]!.load()
    const text = report(result, { width: 100, color: false })
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    if (name === 'junit') expect(text).not.toContain('<script>')
    if (name === 'github')
      expect(text.split('\n').filter((line) => line.startsWith('::') && !/^::(error|warning|notice) /.test(line))).toEqual([])
  }
}
