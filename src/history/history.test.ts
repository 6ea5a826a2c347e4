import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Measured, RunResult, Target } from '../engine/types.ts'
import { decide, defaultPolicy } from '../gate/index.ts'
import { type LoadResult, nominalTraffic, type Objective, type UnitFacts } from '../model/index.ts'
import { entriesOf, fileHistory, type HistoryEntry, otavaCsv, pastLoadsOf } from './index.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assay-history-'))
})
afterEach(() => rm(directory, { recursive: true }))

const load = (p50: number, { histogram = 'HISTFAAA', p95 = 40 } = {}): LoadResult => ({
  generator: { name: 'k6', version: 'v1.8.1' },
  flows: {
    agents: {
      arrivals: { due: 200, dropped: 0 },
      late: { p50: 0, p99: 1 },
      sessions: { opened: 0, distinct: 0 },
      series: {
        'tools/call': {
          count: 100,
          good: 98,
          bad: { 'HTTP 503': 2 },
          latency: { p50, p95, p99: 50, 'p99.9': 60, max: 70 },
          within: { 30: 93 },
          retryAfter: [],
          seconds: [{ at: 2, count: 100, good: 98, bad: { 'HTTP 503': 2 }, spread: {}, p50: 10, p99: 50 }],
          histogram,
        },
      },
    },
  },
  conditions: { dropped: 0, lost: 0, scriptErrors: [], machine: 0.3, exhausted: 0, clockSet: 0 },
})

const measured = (result: LoadResult, probe: string = nominalTraffic): Measured => ({
  target: 'gw',
  revision: '2025-11-25',
  probe,
  result,
})

const objectives: Objective[] = [
  { name: 'answered', sli: 'availability', method: 'tools/call', target: 0.99 },
  { name: 'in time', sli: 'latency', method: 'tools/call', within: 30, target: 0.9 },
  { name: 'all', sli: 'availability', method: 'tools/call', target: 1 },
]

const targets = [{ name: 'gw', nominal: { rate: 50, seconds: 60 }, objectives }] as unknown as Target[]

const resultOf = (run: string, loads: Measured[], started = '2026-03-01T02:00:00Z'): RunResult => ({
  record: {
    schema: 'assay/run/1',
    run,
    assay: '0.1.0',
    started,
    took: 1,
    checks: [],
    targets: [
      {
        name: 'gw',
        kind: 'gateway',
        url: 'https://gw/mcp',
        units: [{ revision: '2025-11-25', serverInfo: { name: 'gw', version: '4.2' } } as unknown as UnitFacts],
      },
      {
        name: 'gone',
        kind: 'server',
        url: 'https://gone/mcp',
        units: [],
        error: { code: 'E_TARGET_UNREACHABLE', message: 'does not answer' },
      },
    ],
    idle: 0,
    exchanges: 0,
  },
  findings: [{ target: 'gw', revision: '2025-11-25', outcome: 'pass', check: 'load/smoke' }] as unknown as RunResult['findings'],
  loads,
})

function entries(run: string, loads: Measured[], { interrupted = false, started }: { interrupted?: boolean; started?: string } = {}) {
  const result = resultOf(run, loads, started)
  return entriesOf(result, decide(result.findings, { ...defaultPolicy, name: 'nightly' }, { interrupted }), targets)
}

test('an entry says what was decided, measured and spent; a target that was not judged has one too', () => {
  const [judged, gone, ...more] = entries('20260301-020000-ab12', [measured(load(12))])
  expect(more).toEqual([])
  expect(judged).toMatchObject({
    schema: 'assay/history/1',
    run: '20260301-020000-ab12',
    at: '2026-03-01T02:00:00Z',
    gate: 'nightly',
    verdict: 'passed',
    interrupted: false,
    assay: '0.1.0',
    target: 'gw',
    revision: '2025-11-25',
    server: { name: 'gw', version: '4.2' },
    counts: { pass: 1, fail: 0 },
    machine: { processors: expect.any(Number), model: expect.any(String) },
    nominal: { rate: 50, seconds: 60 },
  })
  expect(judged!.loads).toEqual([
    {
      probe: nominalTraffic,
      generator: { name: 'k6', version: 'v1.8.1' },
      conditions: load(12).conditions,
      flows: {
        agents: {
          arrivals: { due: 200, dropped: 0 },
          late: { p50: 0, p99: 1 },
          series: {
            'tools/call': {
              count: 100,
              good: 98,
              latency: { p50: 12, p95: 40, p99: 50, 'p99.9': 60, max: 70 },
              histogram: 'HISTFAAA',
            },
          },
        },
      },
    },
  ])
  expect(judged!.objectives).toEqual([
    { ...objectives[0], all: 100, missed: 2, allowed: expect.closeTo(1), spent: expect.closeTo(2) },
    { ...objectives[1], all: 98, missed: 5, allowed: expect.closeTo(9.8), spent: expect.closeTo(5 / 9.8) },
    { ...objectives[2], all: 100, missed: 2, allowed: 0 },
  ])
  expect(gone).toMatchObject({ target: 'gone', error: 'E_TARGET_UNREACHABLE: does not answer', loads: [], counts: { pass: 0 } })
  expect(gone).not.toHaveProperty('revision')
})

test('a histogram is kept where it is small', () => {
  const [judged] = entries('20260301-020000-ab12', [measured(load(12, { histogram: 'x'.repeat(5_000) }))])
  expect(judged!.loads[0]!.flows.agents!.series['tools/call']).not.toHaveProperty('histogram')
})

test('an interrupted run that knows of no unit is entered with what it found', () => {
  const result = resultOf('20260301-020000-ab12', [])
  result.record.targets = [{ name: 'gw', kind: 'gateway', url: 'https://gw/mcp', units: [] }]
  expect(entriesOf(result, decide(result.findings, defaultPolicy, { interrupted: true }), targets)).toMatchObject([
    { target: 'gw', revision: '2025-11-25', verdict: 'inconclusive', interrupted: true, counts: { pass: 1 } },
  ])
})

test('what a probe first measured is looked back on, night by night', () => {
  const kept = [
    ...entries('20260302-020000-0002', [measured(load(13)), measured(load(99)), measured(load(5), 'a burst')], {
      started: '2026-03-02T02:00:00Z',
    }),
    ...entries('20260301-020000-0001', [measured(load(12))]),
    ...entries('20260303-020000-0003', [measured(load(14))], { started: '2026-03-03T02:00:00Z', interrupted: true }),
  ]
  const loads = pastLoadsOf(kept, 'gw')
  expect(loads.map(({ run, probe, rate }) => [run, probe, rate])).toEqual([
    ['20260301-020000-0001', nominalTraffic, 50],
    ['20260302-020000-0002', nominalTraffic, 50],
    ['20260302-020000-0002', 'a burst', 50],
    ['20260303-020000-0003', nominalTraffic, 50],
  ])
  expect(loads[1]!.flows.agents!.series['tools/call']).toEqual({
    count: 100,
    good: 98,
    latency: { p50: 13, p95: 40, p99: 50, 'p99.9': 60, max: 70 },
  })
  expect(pastLoadsOf(kept, 'gone')).toEqual([])
})

test('a file that is not there is an empty history', async () => {
  const history = fileHistory(join(directory, 'deep', 'history.ndjson'))
  expect(await history.read()).toEqual({ entries: [], damaged: [] })
  const added = entries('20260301-020000-ab12', [])
  await history.append(added)
  expect(await history.read()).toEqual({ entries: added, damaged: [] })
})

test('entries that are added at once are all there', async () => {
  const path = join(directory, 'history.ndjson')
  const runs = Array.from({ length: 40 }, (_, at) => `20260301-020000-${String(at).padStart(4, '0')}`)
  await Promise.all(runs.map((run) => fileHistory(path).append(entries(run, [measured(load(12, { histogram: 'x'.repeat(3_900) }))]))))
  const { entries: there, damaged } = await fileHistory(path).read()
  expect(damaged).toEqual([])
  expect([...new Set(there.map(({ run }) => run))].toSorted()).toEqual(runs)
})

test('a damaged line is named and left out, stays where it is, and takes nothing with it', async () => {
  const path = join(directory, 'history.ndjson')
  const history = fileHistory(path, 'history.ndjson')
  const [first, second] = [entries('20260301-020000-0001', []), entries('20260302-020000-0002', [])]
  await history.append(first)
  await appendFile(path, '{"schema":"assay/history/9"}\n{"schema":"assay/history/1","run":"x"}\nnull\n{"schema":"assay/his')
  await history.append(second)
  expect(await history.read()).toEqual({
    entries: [...first, ...second],
    damaged: [
      'line 3 of history.ndjson is left out: it has the schema "assay/history/9", and assay/history/1 is understood',
      'line 4 of history.ndjson is left out: it has no at',
      expect.stringContaining('line 5 of history.ndjson'),
      'line 6 of history.ndjson is left out: it is not whole',
    ],
  })
  expect(await readFile(path, 'utf8')).toContain('{"schema":"assay/his\n')
})

test('what cannot be a history is an error that names it', async () => {
  const path = join(directory, 'history.ndjson')
  await mkdir(path)
  await expect(fileHistory(path).read()).rejects.toMatchObject({ code: 'E_HISTORY_UNUSABLE', message: expect.stringContaining(path) })
  await expect(fileHistory(path).append([])).rejects.toMatchObject({ code: 'E_HISTORY_UNUSABLE' })
  await writeFile(join(directory, 'file'), '')
  await expect(fileHistory(join(directory, 'file', 'history.ndjson')).append([])).rejects.toMatchObject({ code: 'E_HISTORY_UNUSABLE' })
})

test('CSV has a row for each run with a verdict that has every metric', () => {
  const inconclusive = (entry: HistoryEntry): HistoryEntry => ({ ...entry, verdict: 'inconclusive', server: undefined })
  const [one] = entries('20260301-020000-0001', [measured(load(12))])
  const [none] = entries('20260302-020000-0002', [])
  const [other] = entries('20260303-020000-0003', [measured(load(14))])
  const machine = { processors: 2, model: 'CPU "A", 3 GHz' }
  expect(otavaCsv([one!, none!, inconclusive(other!), other!].map((entry) => ({ ...entry, machine })))).toBe(
    [
      'time,run,version,machine,rate,tools/call p50,tools/call p95,tools/call p99,tools/call p99.9',
      '2026-03-01T02:00:00Z,20260301-020000-0001,4.2,"2 x CPU ""A"", 3 GHz",50,12,40,50,60',
      '2026-03-01T02:00:00Z,20260303-020000-0003,4.2,"2 x CPU ""A"", 3 GHz",50,14,40,50,60',
      '',
    ].join('\n'),
  )
  expect(otavaCsv([])).toBe('time,run,version,machine,rate\n')
})
