import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { packageRoot } from '../place.ts'
import { type Config, resolveTargets, validate } from './index.ts'
import { readOpenSlo } from './openslo.ts'
import { obstacle } from './prometheus.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assay-openslo-'))
})
afterEach(() => rm(directory, { recursive: true }))

const promql = (name: string) => ({ metricSource: { type: 'Prometheus', spec: { query: `sum(rate(${name}[{{.window}}]))` } } })
const assay = (spec: object) => ({ metricSource: { type: 'Assay', spec } })
const calls = { method: 'tools/call' }
const inTime = { good: assay({ sli: 'latency', ...calls, within: '400ms' }), total: assay(calls) }

const sli = (name: string, ratioMetric: object, metadata: object = {}) => ({ metadata: { name, ...metadata }, spec: { ratioMetric } })
const slo = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'openslo/v1',
  kind: 'SLO',
  metadata: { name, ...metadata },
  spec: {
    service: 'gateway',
    indicator: sli(`sli-of-${name}`, inTime),
    budgetingMethod: 'Occurrences',
    objectives: [{ target: 0.99 }],
    ...spec,
  },
})
const withRatio = (ratio: object, metadata?: object) => slo('it', { indicator: sli('its-sli', ratio) }, metadata)

async function read(files: Record<string, readonly object[]>, taken: string[] = []) {
  for (const [name, documents] of Object.entries(files))
    await writeFile(join(directory, name), documents.map((each) => stringify(each)).join('---\n'))
  return readOpenSlo(['*.yaml'], { directory, targets: ['preprod', 'staging'], taken })
}

describe('an SLO is read', () => {
  test('that says what Assay measures', async () => {
    expect(await read({ 'a.yaml': [slo('fast-calls', {})] })).toEqual({
      problems: [],
      objectives: [
        {
          name: 'fast-calls',
          service: 'gateway',
          target: 0.99,
          targets: ['preprod', 'staging'],
          window: { days: 30 },
          measures: { sli: 'latency', method: 'tools/call', within: 400 },
          from: 'a.yaml:1',
        },
      ],
    })
  })

  test('with an indicator and a data source of other files, several shares, and annotations', async () => {
    const source = (name: string) => ({ metricSource: { metricSourceRef: 'metrics', spec: { query: `rate(${name}[{{window}}])` } } })
    const annotations = { 'assay/sli': 'availability', 'assay/method': 'tools/list', 'assay/targets': 'staging', 'acme.example/team': 'a' }
    const shares = [{ displayName: 'good', targetPercent: 99.9 }, { target: 0.5 }]
    const { objectives, problems } = await read({
      'a.yaml': [slo('lists', { indicator: undefined, indicatorRef: 'answered', objectives: shares }, { annotations })],
      'b.yaml': [{ apiVersion: 'openslo/v1', kind: 'SLI', ...sli('answered', { bad: source('failed'), total: source('all') }) }],
      'c.yaml': [{ apiVersion: 'openslo/v1', kind: 'DataSource', metadata: { name: 'metrics' }, spec: { type: 'Prometheus' } }],
      'd.yaml': [{ apiVersion: 'openslo/v1', kind: 'Service', metadata: { name: 'gateway' }, spec: {} }],
    })
    expect(problems).toEqual([])
    expect(objectives).toMatchObject([
      { name: 'lists good', target: 0.999, targets: ['staging'], measures: { sli: 'availability', method: 'tools/list' } },
      { name: 'lists 2', target: 0.5, queries: { bad: 'rate(failed[{{window}}])', total: 'rate(all[{{window}}])' } },
    ])
  })

  test('that only Prometheus measures', async () => {
    const { objectives } = await read({ 'a.yaml': [withRatio({ good: promql('good'), total: promql('all') })] })
    expect(objectives[0]).not.toHaveProperty('measures')
    expect(objectives[0]!.queries).toEqual({ good: 'sum(rate(good[{{.window}}]))', total: 'sum(rate(all[{{.window}}]))' })
  })

  test.each([
    [{ duration: '4w', isRolling: true }, { days: 28 }],
    [
      { duration: '1M', isRolling: false, calendar: { startTime: '2026-01-01 00:00:00', timeZone: 'UTC' } },
      { days: 30, calendar: true },
    ],
    [{ duration: '12h', isRolling: true }, { days: 0.5 }],
  ])('for %j', async (timeWindow, window) => {
    expect((await read({ 'a.yaml': [slo('it', { timeWindow: [timeWindow] })] })).objectives).toMatchObject([{ window }])
  })
})

describe('what is wrong is said with file, line, document and member, and the rest is read', () => {
  const type = (name: string) => ({ metricSource: { type: name, spec: { query: 'x' } } })
  test.each<[string, object, string, RegExp]>([
    ['another version', { ...slo('it', {}), apiVersion: 'openslo/v1alpha' }, 'a.yaml:28 (document 2, apiVersion)', /openslo\/v1/],
    ['an unknown kind', { ...slo('it', {}), kind: 'Objective' }, 'a.yaml:29 (document 2, kind)', /SLO or SLI/],
    ['no name', slo('it', {}, { name: undefined }), '(document 2, metadata.name)', /a name/],
    ['an unknown member', slo('it', { objective: [] }), '(document 2, spec.objective)', /"objectives" in place of "objective"/],
    ['time slices', slo('it', { budgetingMethod: 'Timeslices' }), '(document 2, spec.budgetingMethod)', /Occurrences/],
    ['no indicator', slo('it', { indicator: undefined }), '(document 2, spec)', /one of indicator and indicatorRef/],
    [
      'an indicator that is not there',
      slo('it', { indicator: undefined, indicatorRef: 'gone' }),
      'spec.indicatorRef',
      /the name of an SLI/,
    ],
    ['a composite', slo('it', { objectives: [{ target: 0.9, indicatorRef: 'x' }] }), 'spec.objectives[0].indicatorRef', /composite/],
    ['no objectives', slo('it', { objectives: [] }), 'spec.objectives)', /a list/],
    ['no target', slo('it', { objectives: [{}] }), 'spec.objectives[0])', /target and targetPercent/],
    ['a percentage for a share', slo('it', { objectives: [{ target: 99.9 }] }), 'spec.objectives[0].target)', /below 1$/],
    ['a target of nothing', slo('it', { objectives: [{ targetPercent: 0 }] }), 'spec.objectives[0].targetPercent)', /above 0/],
    ['a duration', slo('it', { timeWindow: [{ duration: '30 days', isRolling: true }] }), 'spec.timeWindow[0].duration', /4w or 30d/],
    ['a threshold', slo('it', { indicator: { spec: { thresholdMetric: {} } } }), 'spec.indicator.spec)', /ratioMetric/],
    ['a ratio computed elsewhere', withRatio({ raw: type('Prometheus') }), 'ratioMetric.raw', /good or bad, and total/],
    ['good and bad', withRatio({ ...inTime, bad: assay(calls) }), 'spec.indicator.spec.ratioMetric)', /one of good and bad/],
    ['a source Assay cannot ask', withRatio({ good: type('Datadog'), total: type('Datadog') }), 'metricSource.type', /Assay or Prometheus/],
    ['two types', withRatio({ good: type('Prometheus'), total: type('Datadog') }), 'total.metricSource.type', /Prometheus, as for good/],
    ['bad for Assay', withRatio({ bad: assay(calls), total: assay(calls) }), 'bad.metricSource.spec', /good in place of bad/],
    ['two methods', withRatio({ ...inTime, total: assay({ method: 'ping' }) }), 'total.metricSource.spec.method', /tools\/call/],
    ['no time', withRatio({ ...inTime, good: assay({ sli: 'latency', ...calls }) }), 'good.metricSource.spec.within', /400ms/],
    ['an unknown annotation', slo('it', {}, { annotations: { 'assay/slo': 'x' } }), 'metadata.annotations.assay/slo', /assay\/sli/],
    [
      'a target that is not there',
      slo('it', {}, { annotations: { 'assay/targets': 'prod' } }),
      'annotations.assay/targets',
      /preprod, staging/,
    ],
    ['a measure said twice', slo('it', {}, { annotations: { 'assay/sli': 'latency' } }), 'annotations.assay/sli', /no such annotation/],
    ['a name said twice', slo('good-one', {}), '(document 2, metadata.name)', /no other SLO/],
    ['a name of the configuration', slo('taken', {}), '(document 2, metadata.name)', /no other objective/],
  ])('%s', async (_, document, place, expected) => {
    const { objectives, problems } = await read({ 'a.yaml': [slo('good-one', {}), document], 'b.yaml': [slo('other', {})] }, ['taken'])
    expect(objectives.map(({ name }) => name)).toEqual(['good-one', 'other'])
    expect(problems).toEqual([
      expect.objectContaining({
        code: 'E_OBJECTIVE_INVALID',
        message: expect.stringMatching(/ at a\.yaml:\d+ \(document 2, /),
        try: expect.stringMatching(expected),
      }),
    ])
    expect(problems[0]!.message).toContain(place)
  })

  test('a file that is no YAML, and a pattern without files', async () => {
    await writeFile(join(directory, 'broken.yaml'), 'a: [1\n')
    const { objectives, problems } = await read({ 'a.yaml': [slo('it', {})] })
    expect(objectives).toHaveLength(1)
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining('broken.yaml:') })])
    const nothing = await readOpenSlo(['gone/*.yaml'], { directory, targets: [], taken: [] })
    expect(nothing.problems).toEqual([expect.objectContaining({ message: expect.stringContaining('gone/*.yaml') })])
  })
})

test('the example of the documentation is read', async () => {
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(await readFile(new URL('docs/objectives.md', packageRoot), 'utf8'))!
  await writeFile(join(directory, 'a.yaml'), example!)
  const { objectives, problems } = await readOpenSlo(['a.yaml'], { directory, targets: ['preprod', 'staging'], taken: [] })
  expect(problems).toEqual([])
  expect(objectives.map(({ name, targets, measures }) => [name, targets.length, measures?.sli, measures?.within])).toEqual([
    ['calls-in-time', 2, 'latency', 400],
    ['lists-answered Good', 1, 'availability', undefined],
    ['lists-answered Fair', 1, 'availability', undefined],
  ])
  expect(objectives.map(obstacle)).toEqual([expect.stringContaining('no PromQL'), undefined, undefined])
})

test('targets are judged by their SLOs, and not at all by a file with a mistake', async () => {
  const config: Config = { targets: { preprod: { kind: 'gateway', url: 'http://127.0.0.1:9/mcp' } }, openslo: ['*.yaml'] }
  const loaded = { config: validate(config, 'c.json'), file: 'c.json', directory, embedded: false }
  await writeFile(join(directory, 'a.yaml'), stringify(slo('fast', {})))
  const { targets } = await resolveTargets(loaded, [], {})
  expect(targets[0]!.objectives).toEqual([{ name: 'fast', sli: 'latency', method: 'tools/call', within: 400, target: 0.99 }])
  await writeFile(join(directory, 'b.yaml'), stringify(slo('slow', { objectives: [{ target: 2 }] })))
  await expect(resolveTargets(loaded, [], {})).rejects.toMatchObject({ code: 'E_OBJECTIVE_INVALID' })
})
