import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { execute } from './start.ts'
import { testContext } from './test-context.ts'

let cwd: string
let out: string
let err: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-objectives-'))
  out = ''
  err = ''
})
afterEach(() => rm(cwd, { recursive: true }))

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
    }),
  )

const gateway = { kind: 'gateway', url: 'https://gw.example/mcp' }
const prometheus = { bad: 'sum(rate(bad[{{window}}]))', total: 'sum(rate(all[{{window}}]))' }
const answered = { sli: 'availability', method: 'tools/call', target: 0.999 }

const configure = (objectives: object, extra: object = {}) =>
  writeFile(join(cwd, 'harness.config.json'), JSON.stringify({ targets: { preprod: gateway, staging: gateway }, objectives, ...extra }))

const slo = (target: number) => `apiVersion: openslo/v1
kind: SLO
metadata: { name: lists-answered-${target} }
spec:
  service: gateway
  budgetingMethod: Occurrences
  timeWindow: [{ duration: 4w, isRolling: true }]
  indicator:
    spec:
      ratioMetric:
        good: { metricSource: { type: Prometheus, spec: { query: 'rate(good[{{.window}}])' } } }
        total: { metricSource: { type: Prometheus, spec: { query: 'rate(all[{{.window}}])' } } }
  objectives:
    - target: ${target}
`

test('objectives are listed with what they want, who measures it, and where they stand', async () => {
  await writeFile(join(cwd, 'slo.yaml'), slo(0.9))
  await configure(
    {
      'calls answered': { ...answered, prometheus, targets: ['preprod'] },
      'calls in time': { sli: 'latency', method: 'tools/call', p95: '400ms', p99: '1s' },
    },
    { openslo: ['slo.yaml'] },
  )
  expect(await assay('objectives')).toBe(0)
  expect(err).toBe('')
  expect(out).toBe(`objective           good    of                         budget for  measured by       targets           from
calls answered      99.9 %  tools/call answered        30d         load, prometheus  preprod           harness.config.json
calls in time p95   95 %    tools/call within 400 ms   30d         load              preprod, staging  harness.config.json
calls in time p99   99 %    tools/call within 1000 ms  30d         load              preprod, staging  harness.config.json
lists-answered-0.9  90 %    its queries                28d         prometheus        preprod, staging  slo.yaml:1
`)
  out = ''
  expect(await assay('objectives --target staging --json')).toBe(0)
  const { objectives, problems } = JSON.parse(out)
  expect(problems).toEqual([])
  expect(objectives.map(({ name }: { name: string }) => name)).toEqual(['calls in time p95', 'calls in time p99', 'lists-answered-0.9'])
  expect(objectives[0]).toMatchObject({ measures: { within: 400 }, target: 0.95, noRules: expect.stringContaining('no PromQL') })
})

test('rules are written of those that have queries, and the others are named', async () => {
  await configure({ answered: { ...answered, prometheus }, roughly: { ...answered, target: 0.9, prometheus }, measured: answered })
  expect(await assay('objectives --emit prometheus')).toBe(0)
  expect(parse(out).groups).toHaveLength(6)
  expect(err).toBe(
    'roughly (harness.config.json): a burn rate of 14.4 is never reached with a target of 90 %; there is no alert at it\n' +
      'left out: measured (harness.config.json): no PromQL of its requests is given: `prometheus: { good, total }`, or a metricSource of type Prometheus\n',
  )
})

test('without one there are no rules, and no success', async () => {
  await configure({ measured: answered })
  expect(await assay('objectives --emit prometheus')).toBe(2)
  expect(out).toBe('')
  expect(err).toMatch(/left out: measured[\s\S]*E_OBJECTIVE_NO_RULES/)
})

test('a mistake in a file is named, and the other objectives are listed and written', async () => {
  await writeFile(join(cwd, 'slo.yaml'), `${slo(0.99)}---\n${slo(99)}`)
  await configure({}, { openslo: ['slo.yaml'] })
  expect(await assay('objectives --json')).toBe(2)
  expect(JSON.parse(out)).toMatchObject({ objectives: [{ name: 'lists-answered-0.99' }], problems: [{ code: 'E_OBJECTIVE_INVALID' }] })
  expect(err).toMatch(
    /E_OBJECTIVE_INVALID\] .* slo\.yaml:29 \(document 2, spec\.objectives\[0\]\.target\)\n {2}got {7}99\n[\s\S]*a number above 0 and below 1/,
  )
  out = ''
  expect(await assay('objectives --emit prometheus')).toBe(2)
  expect(parse(out).groups).toHaveLength(3)
})

test('files in which there is no objective are a mistake', async () => {
  await writeFile(join(cwd, 'slo.yaml'), '# to be written\n')
  await configure({}, { openslo: ['slo.yaml'] })
  expect(await assay('objectives')).toBe(2)
  expect(out).toBe('no objectives\n')
  expect(err).toMatch(/E_CONFIG_INVALID\] .* at openslo\n {2}got {7}files without an SLO/)
})

test.each([
  ['objectives --emit grafana', /cannot be "grafana"/],
  ['objectives --emit prometheus --json', /exclude each other/],
  ['objectives preprod', /takes no preprod/],
  ['objectives --target prod', /E_TARGET_UNKNOWN[\s\S]*"preprod"/],
])('%s', async (line, message) => {
  await configure({ answered })
  expect(await assay(line)).toBe(2)
  expect(err).toMatch(message)
})

test.each<[string, object, RegExp]>([
  ['good and bad', { prometheus: { ...prometheus, good: 'x' } }, /objectives\.it\.prometheus\n.*"good" and "bad" together/],
  ['neither', { prometheus: { total: prometheus.total } }, /neither "good" nor "bad"/],
  ['no range', { prometheus: { ...prometheus, total: 'sum(all)' } }, /prometheus\.total\n.*without \{\{window\}\}: sum\(all\)/],
  ['two times', { sli: 'latency', within: '1s', p99: '2s', prometheus }, /queries for within and p99 at once/],
  ['a window of hours', { window: '12h' }, /objectives\.it\.window/],
])('queries with %s are an error that names their place', async (_, extra, message) => {
  await configure({ it: { ...answered, ...extra } })
  expect(await assay('objectives')).toBe(2)
  expect(err).toMatch(message)
})
