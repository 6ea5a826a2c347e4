import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { obtain, run } from '../src/toolchain/index.ts'
import { assay } from './cli/assay.ts'

let directory: string
let promtool: string
/** Names of the groups of rules, in the order in which they build on one another; promtool has none of its own. */
let order: string[]
let unavailable: string | undefined

const counts = (of: string) => `sum(rate(requests_total${of}[{{window}}]))`
const configuration = {
  targets: { preprod: { kind: 'gateway', url: 'https://gw.example/mcp' } },
  objectives: {
    few: { sli: 'availability', method: 'tools/call', target: 0.999, prometheus: { bad: counts('{code="500"}'), total: counts('') } },
    most: { sli: 'availability', method: 'tools/call', target: 0.999, prometheus: { good: counts('{code="200"}'), total: counts('') } },
  },
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assay-rules-'))
  await writeFile(join(directory, 'harness.config.json'), JSON.stringify(configuration))
  const { code, stdout } = await assay(['objectives', '--emit', 'prometheus'], directory)
  expect(code).toBe(0)
  await writeFile(join(directory, 'rules.yaml'), stdout)
  order = parse(stdout).groups.map(({ name }: { name: string }) => name)
  try {
    promtool = (await obtain('promtool', { progress: (line) => console.log(line) })).path
  } catch (error) {
    if (process.env.CI) throw error
    unavailable = (error as Error).message
  }
}, 900_000)
afterAll(() => rm(directory, { recursive: true }))
beforeEach(({ skip }) => skip(unavailable !== undefined, unavailable))

const prometheus = (...args: string[]) => run(promtool, args, { env: process.env, cwd: directory, timeoutMs: 60_000 })

test('Prometheus takes the rules', async () => {
  expect(await prometheus('check', 'rules', '--lint-fatal', 'rules.yaml')).toContain('SUCCESS: 32 rules found')
})

/** What is counted, by code, minute after minute. */
type Requests = Partial<Record<'200' | '500', string>>

interface Expected {
  /** Alerts that are firing: the objective, the severity, the share of bad requests that it tells of. */
  alerts?: readonly (readonly [slo: string, severity: 'page' | 'ticket', bad: string])[]
  /** Values of expressions that have one; none where it is undefined. */
  values?: Record<string, number | undefined>
}

/** Fails unless Prometheus makes that of the requests: these alerts, and no other. */
async function expectOf(requests: Requests, at: string, { alerts = [], values = {} }: Expected): Promise<void> {
  const expected = alerts.map(([slo, severity, bad]) => ({
    exp_labels: { assay_id: `preprod: ${slo}`, assay_service: 'preprod', assay_slo: slo, severity },
    exp_annotations: {
      summary: `${slo} of preprod spends its error budget too fast`,
      description: `${bad} of requests are bad, and 0.1 % may be within 30 days.`,
    },
  }))
  const of = ([expr, value]: [string, number | undefined]) => ({
    expr: `round(max(${expr}), 0.0001)`,
    eval_time: at,
    exp_samples: value === undefined ? [] : [{ labels: '{}', value }],
  })
  const series = Object.entries(requests).map(([code, values]) => ({ series: `requests_total{code="${code}"}`, values }))
  const alert = { eval_time: at, alertname: 'ErrorBudgetBurn', exp_alerts: expected }
  const tests = [{ interval: '1m', input_series: series, promql_expr_test: Object.entries(values).map(of), alert_rule_test: [alert] }]
  await writeFile(join(directory, 'test.yaml'), stringify({ rule_files: ['rules.yaml'], group_eval_order: order, tests }))
  await prometheus('test', 'rules', 'test.yaml')
}

const both = (severity: 'page' | 'ticket', bad: string) => [['few', severity, bad] as const, ['most', severity, bad] as const]

describe('by the requests that are counted', () => {
  test('a budget that burns at twenty times its rate pages', async () => {
    const values = {
      'slo:sli_error:ratio_rate5m': 0.02,
      'slo:current_burn_rate:ratio': 20,
      'slo:period_burn_rate:ratio': 20,
      'slo:period_error_budget_remaining:ratio': -19,
      'slo:objective:ratio': 0.999,
      'slo:time_period:days': 30,
    }
    await expectOf({ '200': '0+980x120', '500': '0+20x120' }, '2h', { alerts: [...both('page', '2%'), ...both('ticket', '2%')], values })
  })

  test('at four times its rate it is a ticket', async () => {
    await expectOf({ '200': '0+996x120', '500': '0+4x120' }, '2h', { alerts: both('ticket', '0.4%') })
  })

  test('at half its rate it is nothing', async () => {
    const values = { 'slo:current_burn_rate:ratio': 0.5, 'slo:period_error_budget_remaining:ratio': 0.5 }
    await expectOf({ '200': '0+9995x120', '500': '0+5x120' }, '2h', { values })
  })

  test('what burnt and burns no more does not page', async () => {
    await expectOf({ '200': '0+980x60 59780+1000x60', '500': '0+20x60 1200x60' }, '2h', { alerts: both('ticket', '1%') })
  })

  test('where nothing good is counted, every request is bad', async () => {
    const values = { 'slo:sli_error:ratio_rate5m': 1 }
    await expectOf({ '500': '0+10x120' }, '2h', { alerts: [...both('page', '100%'), ...both('ticket', '100%')], values })
  })

  test('where nothing bad is counted, none is', async () => {
    await expectOf({ '200': '0+10x120' }, '2h', { values: { 'slo:sli_error:ratio_rate5m': 0, 'slo:current_burn_rate:ratio': 0 } })
  })

  test.each<[string, Requests]>([
    ['no series', {}],
    ['requests that have never come', { '200': '0x120', '500': '0x120' }],
  ])('%s: nothing is recorded, and nothing is alerted at', async (_, requests) => {
    await expectOf(requests, '2h', { values: { 'slo:sli_error:ratio_rate5m': undefined, 'slo:current_burn_rate:ratio': undefined } })
  })

  test('requests that no longer come leave the budget as it was', async () => {
    const values = { 'slo:sli_error:ratio_rate5m': undefined, 'slo:period_burn_rate:ratio': 0.5 }
    await expectOf({ '200': '0+9995x60 599700x120', '500': '0+5x60 300x120' }, '3h', { values })
  })
})
