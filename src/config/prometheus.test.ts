import { describe, expect, test } from 'vitest'
import type { DeclaredObjective } from './objectives.ts'
import { obstacle, rulesOf, rulesText, unreachable } from './prometheus.ts'

const objective = (extra: Partial<DeclaredObjective> = {}): DeclaredObjective => ({
  name: 'calls answered',
  targets: ['preprod'],
  service: 'gateway',
  target: 0.999,
  window: { days: 30 },
  queries: { bad: 'sum(rate(requests_total{code=~"5.."}[{{window}}]))', total: 'sum(rate(requests_total[{{ .window }}]))' },
  from: 'harness.config.ts',
  ...extra,
})

const good = {
  good: 'sum(rate(request_seconds_bucket{le="0.4"}[{{window}}]))\n',
  total: 'sum(rate(request_seconds_count[{{window}}]))\n',
}

test('the rules', async () => {
  const named = objective({ name: 'a "{{ name }}"', queries: good, target: 0.99, window: { days: 28 } })
  await expect(await rulesText([objective(), named])).toMatchFileSnapshot('prometheus.golden')
})

describe('no rules are written', () => {
  test.each<[string, Partial<DeclaredObjective>, RegExp]>([
    ['without queries', { queries: undefined }, /no PromQL/],
    ['without a range', { queries: { good: 'good_total', total: 'sum(rate(all[{{window}}]))' } }, /query of good has no range/],
    ['for a date of the calendar', { window: { days: 30, calendar: true } }, /rolling/],
    ['for six days', { window: { days: 6 } }, /for 6d/],
    ['for hours', { window: { days: 28.5 } }, /for 684h/],
  ])('%s', (_, extra, why) => expect(obstacle(objective(extra))).toMatch(why))

  test('and otherwise they are', () => expect(obstacle(objective())).toBeUndefined())
})

test('alerts are at rates that spend the budget too soon, and none waits for more than all requests to be bad', () => {
  const alertsAt = (target: number, days = 30) =>
    rulesOf([objective({ target, window: { days } })])
      .groups.flatMap(({ rules }) => rules)
      .filter(({ alert }) => alert)
      .map(
        ({ labels, expr }) =>
          `${labels.severity}: ${expr
            .match(/\(([\d.]+) \*/g)!
            .map((found) => found.slice(1, -2))
            .join(' ')}`,
      )
  expect(alertsAt(0.999)).toEqual(['page: 14.4 14.4 6 6', 'ticket: 3 3 1 1'])
  expect(alertsAt(0.9)).toEqual(['page: 6 6', 'ticket: 3 3 1 1'])
  expect(alertsAt(0.5)).toEqual(['ticket: 1 1'])
  expect(alertsAt(0.999, 28)).toEqual(['page: 13.44 13.44 5.6 5.6', 'ticket: 2.8 2.8 1 1'])
  expect(alertsAt(0.999, 7)).toEqual(['page: 3.36 3.36 1.4 1.4', 'ticket: 1 1 1 1'])
  expect(unreachable(objective({ target: 0.9 }))).toEqual([14.4])
  expect(unreachable(objective())).toEqual([])
})
