import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RegisteredCheck, RunEvent, RunResult } from '../engine/types.ts'
import { check, type Finding, holds, probe, section } from '../model/index.ts'
import { commands } from './commands.ts'
import type { Context, Engine } from './context.ts'
import { nodeLine } from './doctor.ts'
import { execute } from './start.ts'
import { testContext } from './test-context.ts'

const ping = probe('a ping', async () => 1)
const declare = (id: `${string}/${string}`, extra: object = {}) =>
  check(id, { title: `Title of ${id}`, must: 'do so', needs: { ping }, judge: () => holds, fix: 'Do so.', ...extra })
const checks: RegisteredCheck[] = section({ spec: 'mcp', page: 'basic/transports#sessions', revisions: 'all' }, [
  declare('transport/ended-session'),
  declare('transport/session-id', { tags: ['owasp'], revisions: '2026-07-28..', replaces: ['transport/old-name'] }),
  check('transport/habit', { title: 'A habit', policy: 'be kind', needs: { ping }, judge: () => holds, fix: 'Be kind.' }),
]).map((each) => ({ ...each, suite: 'conformance', area: 'transport' }))

let cwd: string
let out: string
let err: string
let outcomes: Record<string, Finding['outcome']>

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-cli-'))
  out = ''
  err = ''
  outcomes = {}
})
afterEach(() => rm(cwd, { recursive: true }))

function resultOf(run: string, target: string, asked: RegisteredCheck[]): RunResult {
  return {
    record: {
      schema: 'assay/run/1',
      run,
      assay: '0',
      started: '2026-03-01T00:00:00Z',
      took: 1,
      checks: asked.map(({ id }) => id),
      targets: [{ name: target, kind: 'server', url: 'https://x/mcp', units: [] }],
      idle: 0,
      exchanges: 1,
    },
    findings: asked.map((each) => ({
      check: each.id,
      suite: each.suite,
      title: each.title,
      target,
      revision: '2025-11-25',
      identity: null,
      outcome: outcomes[each.id] ?? 'pass',
      keyword: each.keyword,
      clause: { ...each.cites, says: each.says, url: 'https://x' },
      fix: each.fix,
    })),
  }
}

const engine = {
  newRunId: () => '20260301-101500-ab12',
  assess: async (targets: { name: string }[], options: { checks: RegisteredCheck[]; run?: string }, emit: (event: RunEvent) => void) => {
    const result = resultOf(options.run!, targets[0]!.name, options.checks)
    for (const finding of result.findings) emit({ type: 'finding', at: 'now', finding })
    return result
  },
  judgeAgain: async (directory: string, asked: RegisteredCheck[]) => {
    const { record } = { record: JSON.parse(await readFile(join(directory, 'run.json'), 'utf8')) }
    return {
      record,
      findings: resultOf(
        record.run,
        'gw',
        asked.filter(({ id }) => record.checks.includes(id)),
      ).findings,
    }
  },
} as unknown as Engine

function assay(line: string, extra: Partial<Context> = {}): Promise<number> {
  return execute(
    line.split(' ').filter(Boolean),
    testContext({
      cwd,
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      checks: async () => checks,
      engine: async () => engine,
      ...extra,
    }),
  )
}

const configure = (gate: object = {}, files: Record<string, string> = {}, members: object = {}) =>
  Promise.all(
    Object.entries({
      'harness.config.json': JSON.stringify({
        targets: { gw: { kind: 'gateway', url: 'https://gw.example/mcp' } },
        gates: { release: { suites: ['conformance'], ...gate } },
        ...members,
      }),
      ...files,
    }).map(([name, text]) => writeFile(join(cwd, name), text)),
  )

describe.each(Object.keys(commands))('%s', (name) => {
  test('has a page of help', async () => {
    expect(await assay(`${name} --help`)).toBe(0)
    for (const part of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXAMPLES', 'EXIT STATUS']) expect(out).toContain(part)
    expect(err).toBe('')
  })

  test('knows its options', async () => {
    expect(await assay(`${name} --hepl`)).toBe(2)
    expect(err).toMatch(/error\[E_USAGE\] .*--hepl[\s\S]*did you mean --help/)
  })
})

describe('selection', () => {
  test.each<[string, string[]]>([
    ['', ['transport/ended-session', 'transport/session-id', 'transport/habit']],
    ['conformance', ['transport/ended-session', 'transport/session-id', 'transport/habit']],
    ['transport/*-session', ['transport/ended-session']],
    ['conformance/transport/habit', ['transport/habit']],
    ['transport/old-name', ['transport/session-id']],
    ['--tag owasp', ['transport/session-id']],
    ['--since 2025-11-25', ['transport/session-id']],
    ['--clause basic/transports transport/habit', ['transport/habit']],
  ])('list %s', async (args, ids) => {
    expect(await assay(`list --json ${args}`)).toBe(0)
    expect(JSON.parse(out).map(({ id }: { id: string }) => id)).toEqual(ids)
  })

  test.each([
    ['list transport/ended-sesion', /did you mean "transport\/ended-session"/],
    ['run conformanc --plan', /did you mean "conformance"/],
    ['list --tag nothing', /nothing is selected by "--tag nothing"/],
    ['explain ended-session-x', /transport\/ended-session/],
  ])('%s is an error with the nearest names', async (line, message) => {
    expect(await assay(line)).toBe(2)
    expect(err).toMatch(/E_SELECTOR_UNKNOWN/)
    expect(err).toMatch(message)
    expect(out).toBe('')
  })
})

describe('run', () => {
  test('keeps the run, prints the result on stdout and progress on stderr', async () => {
    await configure()
    expect(await assay('run')).toBe(0)
    expect(out).toMatch(/The run passed: 2 findings pass on gw/)
    expect((await readdir(join(cwd, 'assay-results', '20260301-101500-ab12'))).sort()).toEqual([
      'decision.json',
      'events.ndjson',
      'findings.json',
      'run.json',
    ])
  })

  test('rules of no specification are opt-in, or named', async () => {
    await configure()
    expect(await assay('run --json transport/habit')).toBe(0)
    expect(JSON.parse(out).findings).toHaveLength(1)
    out = ''
    await assay('run --json --policies')
    expect(JSON.parse(out).findings).toHaveLength(3)
  })

  test('a failure is 1, with a line on stderr as it comes', async () => {
    outcomes = { 'transport/ended-session': 'fail' }
    expect(await assay('run https://gw.example/mcp')).toBe(1)
    expect(err).toContain('FAIL transport/ended-session gw.example at 2025-11-25')
  })

  test('--plan sends nothing', async () => {
    const engineUsed = async () => {
      throw new Error('asked for')
    }
    expect(await assay('run --plan https://gw.example/mcp', { engine: engineUsed })).toBe(0)
    expect(out).toMatch(/2 checks on gw.example[\s\S]*2026-07-28 {2}2 checks, 1 probes/)
  })

  test('reports are written beside it', async () => {
    expect(await assay('run https://gw.example/mcp --reporter junit')).toBe(0)
    expect(await readFile(join(cwd, 'assay-results', '20260301-101500-ab12', 'reports', 'junit.xml'), 'utf8')).toContain('<testsuites')
    expect(await assay('run https://gw.example/mcp --reporter junti')).toBe(2)
    expect(err).toContain('did you mean "junit"')
  })

  test.each([
    ['run --bearer x', /go with a URL/],
    ['run https://a/ https://b/', /one URL/],
    ['run https://a/ --header nonsense', /is no header/],
    ['run https://a/ --revision 2025-11-24', /did you mean "2025-11-25"/],
    ['run https://a/ --target gw', /goes with a configuration/],
  ])('%s', async (line, message) => {
    expect(await assay(line)).toBe(2)
    expect(err).toMatch(message)
  })

  test('a bug of our own is 70, names the run, and shows no stack unless asked', async () => {
    const broken = async () => ({ ...engine, assess: () => Promise.reject(new Error('off by one')) }) as never
    expect(await assay('run https://gw.example/mcp', { engine: broken })).toBe(70)
    expect(err).toMatch(/off by one/)
    expect(err).toMatch(/20260301-101500-ab12/)
    expect(err).not.toMatch(/at .*cli\.test/)
    await assay('run https://gw.example/mcp --debug', { engine: broken })
    expect(err).toMatch(/at .*cli\.test/)
  })

  test('what a target says cannot reach the terminal as a command', async () => {
    const error = { code: 'E_TARGET_NOT_MCP', message: 'no', got: '\u001b]0;owned\u0007\u001b[2Jx' }
    const hostile = async () =>
      ({
        ...engine,
        assess: async (_: unknown, options: { run: string }, emit: (event: RunEvent) => void) => {
          emit({ type: 'target-failed', at: 'now', target: 'gw', error })
          const { record } = resultOf(options.run, 'gw', [])
          return { record: { ...record, targets: [{ ...record.targets[0], error }] }, findings: [] }
        },
      }) as never
    expect(await assay('run https://gw.example/mcp', { engine: hostile })).toBe(3)
    expect(err).toContain('got       x')
    expect(out + err).not.toContain('\u001b')
  })

  test('an interrupted run writes what there is', async () => {
    const interruption = new AbortController()
    interruption.abort()
    expect(await assay('run https://gw.example/mcp', { signal: interruption.signal })).toBe(130)
    expect(out).toContain('the run was interrupted')
    expect(await readdir(join(cwd, 'assay-results', '20260301-101500-ab12'))).toContain('run.json')
  })
})

describe('gate', () => {
  const waiver = (extra = '') =>
    `- check: transport/ended-session\n  reason: upgrade\n  owner: platform\n  expires: ${new Date(Date.now() + 864e5).toISOString().slice(0, 10)}\n${extra}`

  test('says why in one sentence', async () => {
    await configure()
    outcomes = { 'transport/ended-session': 'fail' }
    expect(await assay('gate release')).toBe(1)
    expect(out.split('\n')[0]).toBe('Gate "release" failed: 1 check fails on gw: transport/ended-session.')
  })

  test('a waiver accepts, and is shown', async () => {
    await configure({ waivers: 'waivers.yaml' }, { 'waivers.yaml': waiver() })
    outcomes = { 'transport/ended-session': 'fail' }
    expect(await assay('gate release')).toBe(0)
    expect(out).toMatch(/Accepted\n.*transport\/ended-session.*platform/)
  })

  test('a waiver that accepts nothing fails the gate', async () => {
    await configure({ waivers: 'waivers.yaml' }, { 'waivers.yaml': waiver() })
    expect(await assay('gate release')).toBe(1)
    expect(out).toMatch(/waivers\.yaml, entry 1 .* no longer needed/)
  })

  test('a waiver file that is missing stops before anything is sent', async () => {
    await configure({ waivers: 'waivers.yaml' })
    expect(await assay('gate release')).toBe(2)
    expect(err).toContain('E_WAIVER_INVALID')
    expect(await readdir(cwd)).toEqual(['harness.config.json'])
  })

  test('an unknown gate', async () => {
    await configure()
    expect(await assay('gate relaese')).toBe(2)
    expect(err).toMatch(/E_GATE_UNKNOWN[\s\S]*did you mean "release"/)
  })
})

describe('history', () => {
  const remembered = async (file = join('assay-results', 'history.ndjson')) =>
    (await readFile(join(cwd, file), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))

  test('a gate adds an entry whatever it decides, and a run none', async () => {
    await configure()
    expect(await assay('run')).toBe(0)
    expect(await readdir(join(cwd, 'assay-results'))).toEqual(['20260301-101500-ab12'])
    expect(await assay('gate release')).toBe(0)
    outcomes = { 'transport/ended-session': 'fail' }
    expect(await assay('gate release')).toBe(1)
    expect(await remembered()).toMatchObject([
      { gate: 'release', verdict: 'passed', target: 'gw', revision: '2025-11-25', counts: { pass: 2 }, loads: [] },
      { gate: 'release', verdict: 'failed', target: 'gw', revision: '2025-11-25', counts: { pass: 1, fail: 1 } },
    ])
    out = ''
    expect(await assay('history')).toBe(0)
    expect(out.split('\n')).toEqual([
      '2026-03-01T00:00:00Z  20260301-101500-ab12  release  passed  gw at 2025-11-25  2 pass',
      '2026-03-01T00:00:00Z  20260301-101500-ab12  release  failed  gw at 2025-11-25  1 fail, 1 pass',
      '',
    ])
  })

  test('an interrupted gate is entered as such', async () => {
    await configure()
    const interruption = new AbortController()
    interruption.abort()
    expect(await assay('gate release', { signal: interruption.signal })).toBe(130)
    expect(await remembered()).toMatchObject([{ verdict: 'inconclusive', interrupted: true }])
  })

  test('stands where the configuration says, and is shown in part, as JSON and as CSV', async () => {
    await configure({}, {}, { history: { file: 'nights/all.ndjson' } })
    expect(await assay('gate release --out elsewhere')).toBe(0)
    expect(await remembered('nights/all.ndjson')).toHaveLength(1)
    out = ''
    expect(await assay('history --json --target gw')).toBe(0)
    expect(JSON.parse(out)).toMatchObject([{ schema: 'assay/history/1', target: 'gw' }])
    out = ''
    expect(await assay('history --revision 2025-06-18')).toBe(0)
    expect(out).toBe('nights/all.ndjson has no such entries\n')
    out = ''
    expect(await assay('history --csv')).toBe(0)
    expect(out).toBe('time,run,version,machine,rate\n')
    await appendFile(join(cwd, 'nights/all.ndjson'), (await readFile(join(cwd, 'nights/all.ndjson'), 'utf8')).replace('"gw"', '"other"'))
    expect(await assay('history --csv')).toBe(2)
    expect(err).toMatch(/--csv needs one target[\s\S]*add --target: gw, other/)
  })

  test('a damaged line is named; a history that cannot be used stops before anything is sent', async () => {
    await configure({}, { 'history.ndjson': '{"schema":"ass\n' }, { history: { file: 'history.ndjson' } })
    expect(await assay('gate release')).toBe(0)
    expect(err).toContain('history: line 1 of history.ndjson is left out: it is not whole\n')
    await configure({}, {}, { history: { file: '.' } })
    await rm(join(cwd, 'assay-results'), { recursive: true })
    expect(await assay('gate release')).toBe(2)
    expect(err).toContain('E_HISTORY_UNUSABLE')
    expect(await readdir(cwd)).not.toContain('assay-results')
  })
})

describe('runs on disk', () => {
  beforeEach(async () => {
    await configure()
    outcomes = { 'transport/ended-session': 'fail' }
    await assay('run')
    out = ''
    err = ''
  })

  test('judged again, the findings are identical', async () => {
    expect(await assay('judge latest --json')).toBe(1)
    const stored = JSON.parse(await readFile(join(cwd, 'assay-results', '20260301-101500-ab12', 'findings.json'), 'utf8'))
    expect(JSON.parse(out).findings).toEqual(stored.findings)
    expect(err).toBe('')
  })

  test('what changed is named', async () => {
    outcomes = {}
    expect(await assay('judge latest')).toBe(0)
    expect(err).toBe('changed: transport/ended-session on gw at 2025-11-25: fail before, pass now\n')
  })

  test('reported, to stdout and to a file', async () => {
    expect(await assay('report latest --reporter junit')).toBe(0)
    expect(out).toMatch(/^<\?xml/)
    expect(await assay('report 20260301-101500-ab12 -r json -o all.json')).toBe(0)
    expect(JSON.parse(await readFile(join(cwd, 'all.json'), 'utf8')).findings).toHaveLength(2)
    expect(await assay('report yesterday')).toBe(2)
    expect(err).toContain('E_RUN_NOT_FOUND')
  })

  test('a baseline needs a reason and an owner, and lets a gate be introduced', async () => {
    expect(await assay('baseline update latest --owner platform')).toBe(2)
    expect(err).toContain('--reason')
    expect(await assay('baseline update latest --owner platform --reason before')).toBe(0)
    expect(await assay('baseline update latest --owner platform --reason before --expires 2099-01-01')).toBe(2)
    await configure({ baseline: 'baseline.yaml' })
    expect(await assay('gate release')).toBe(0)
    out = ''
    expect(await assay('baseline show latest')).toBe(0)
    expect(out).toContain('known, and still fails')
    outcomes = {}
    expect(await assay('gate release')).toBe(1)
    out = ''
    expect(await assay('baseline prune latest')).toBe(0)
    expect(out).toBe('baseline.yaml: 0 entries, 1 removed\n')
    expect(await assay('gate release')).toBe(0)
  })
})

test('explain', async () => {
  expect(await assay('explain transport/ended-session')).toBe(0)
  expect(out).toMatch(/MUST: a target must do so[\s\S]*a ping/)
  out = ''
  expect(await assay('explain basic/transports')).toBe(0)
  expect(out).toContain('3 checks cite')
  out = ''
  expect(await assay('explain e_usage')).toBe(0)
  expect(out).toContain('E_USAGE')
})

test.each(['bash', 'zsh', 'fish'])('completion for %s knows commands, options and checks', async (shell) => {
  expect(await assay(`completion ${shell}`)).toBe(0)
  for (const word of ['baseline', 'allow-disruptive', 'transport/ended-session']) expect(out).toContain(word)
})

describe('init', () => {
  test('writes a configuration that holds, and a job', async () => {
    expect(await assay('init --yes --url https://gw.example/mcp --auth client-credentials --dir sub')).toBe(0)
    expect(await readFile(join(cwd, 'sub', '.github', 'workflows', 'assay.yml'), 'utf8')).toContain('MCP_CLIENT_SECRET: ${{ secrets')
    const { validate } = await import('../config/index.ts')
    const text = await readFile(join(cwd, 'sub', 'harness.config.ts'), 'utf8')
    const body = text.replace(/^import.*\n/, '').replace('export default', 'return')
    const config = new Function('defineConfig', 'env', 'clientCredentials', body)(
      (value: unknown) => value,
      (name: string) => ({ env: name }),
      (value: unknown) => ({ clientCredentials: value }),
    )
    expect(validate(config, 'harness.config.ts').targets).toHaveProperty('gateway')
  })

  test('writes nothing where something is in the way, unless forced', async () => {
    await writeFile(join(cwd, 'harness.config.mjs'), 'mine')
    expect(await assay('init --yes --url https://gw.example/mcp')).toBe(2)
    expect(err).toMatch(/E_OUTPUT_EXISTS\] harness\.config\.mjs/)
    expect(await readdir(cwd)).toEqual(['harness.config.mjs'])
    expect(await assay('init --yes --force --url https://gw.example/mcp')).toBe(0)
  })

  test('asks nothing without a terminal', async () => {
    expect(await assay('init')).toBe(2)
    expect(err).toContain('assay init --yes --url')
  })
})

test('an unknown command', async () => {
  expect(await assay('gatte release')).toBe(2)
  expect(err).toContain('did you mean "gate"')
})

test('Node is old before 22.22', () => {
  expect(nodeLine('22.21.1').state).toBe('bad')
  expect(nodeLine('22.22.0').state).toBe('ok')
  expect(nodeLine('24.0.0').state).toBe('ok')
})
