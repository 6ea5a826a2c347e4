import { type DeclaredObjective, hasWindow, type Queries, windowAdvice, windowPlace } from './objectives.ts'

/**
 * Rules of Prometheus in the form that generators such as Sloth and Pyrra give them: what share of requests is bad, over several
 * windows; what is known of the budget; and alerts by how fast it burns, as the SRE workbook recommends:
 * https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts
 */
interface Rule {
  record?: string
  alert?: string
  expr: string
  labels: Record<string, string>
  annotations?: Record<string, string>
}

interface RuleGroup {
  name: string
  rules: Rule[]
}

/** An alert for a share of the budget that is spent within the longer window, and still being spent in the shorter one. */
interface Burn {
  severity: 'page' | 'ticket'
  /** Of the whole budget. */
  spends: number
  hours: number
  long: string
  short: string
}

const burns: readonly Burn[] = [
  { severity: 'page', spends: 0.02, hours: 1, long: '1h', short: '5m' },
  { severity: 'page', spends: 0.05, hours: 6, long: '6h', short: '30m' },
  { severity: 'ticket', spends: 0.1, hours: 24, long: '1d', short: '2h' },
  { severity: 'ticket', spends: 0.1, hours: 72, long: '3d', short: '6h' },
]

const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d']
const shortest = 7
const recommended = 'https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_alerting_configuration'

/** Why no rules can be written for an objective, or undefined. */
export function obstacle({ queries, window }: DeclaredObjective): string | undefined {
  if (queries === undefined)
    return 'no PromQL of its requests is given: `prometheus: { good, total }`, or a metricSource of type Prometheus'
  const without = Object.entries(queries).find(([, query]) => !hasWindow(query))
  if (without) return `the query of ${without[0]} has no range; write ${windowAdvice}`
  if (window.calendar) return 'its budget begins on a date of the calendar, and the rules roll; give a rolling time window'
  if (!Number.isInteger(window.days) || window.days < shortest)
    return `its budget is for ${durationText(window.days)}, and the rules are for whole days, ${shortest} or more`
  return undefined
}

/** The groups of rules of objectives that have no obstacle. */
export const rulesOf = (objectives: readonly DeclaredObjective[]): { groups: RuleGroup[] } => ({ groups: objectives.flatMap(groupsOf) })

/** The rules as the text of a file. */
export async function rulesText(objectives: readonly DeclaredObjective[]): Promise<string> {
  const { stringify } = await import('yaml')
  const head = `# Written by assay objectives --emit prometheus. Alerts by burn rate: ${recommended}\n`
  return head + stringify(rulesOf(objectives), { lineWidth: 0, aliasDuplicateObjects: false })
}

function groupsOf(objective: DeclaredObjective): RuleGroup[] {
  const { name, service, window } = objective
  const labels = { assay_id: `${service}: ${name}`, assay_service: service, assay_slo: name }
  const group = (of: string, rules: Rule[]): RuleGroup => ({ name: `assay-slo-${of}: ${labels.assay_id}`, rules })
  const period = `${window.days}d`
  return [
    group('sli-recordings', [
      ...windows.map((each) => ({
        record: `slo:sli_error:ratio_rate${each}`,
        expr: errorRatio(objective.queries!, each),
        labels: { ...labels, assay_window: each },
      })),
      // So long a range is not read again and again: it is the mean of what was recorded.
      {
        record: `slo:sli_error:ratio_rate${period}`,
        expr: `avg_over_time(${series('slo:sli_error:ratio_rate5m', labels)}[${period}])`,
        labels: { ...labels, assay_window: period },
      },
    ]),
    group('meta-recordings', metadata(objective, labels, period)),
    group('alerts', alerts(objective, labels)),
  ]
}

/**
 * The share of requests that are bad. Nothing where there are no requests: 0/0 would be recorded as NaN, and spoil every mean over
 * it. Where requests are counted and the other query finds no series, which is so until its first event, there were none of those.
 */
function errorRatio(queries: Queries, window: string): string {
  const [part, query] = 'bad' in queries ? (['bad', queries.bad] as const) : (['good', queries.good] as const)
  const within = (text: string) => text.trim().replaceAll(windowPlace, window)
  const ratio = ['(', `  (${within(query)})`, '  or', `  0 * (${within(queries.total)})`, ')', '/', `((${within(queries.total)}) > 0)`]
  return (part === 'bad' ? ratio : ['1 - (', ...ratio.map((line) => `  ${line}`), ')']).join('\n')
}

function metadata({ target, window }: DeclaredObjective, labels: Record<string, string>, period: string): Rule[] {
  const record = (name: string, expr: string): Rule => ({ record: `slo:${name}`, expr, labels })
  const of = (name: string) => series(`slo:${name}`, labels)
  const perBudget = (ratio: string) =>
    [of(ratio), '/ on (assay_id, assay_service, assay_slo) group_left', of('error_budget:ratio')].join('\n')
  return [
    record('objective:ratio', `vector(${target})`),
    record('error_budget:ratio', `vector(${budgetOf(target)})`),
    record('time_period:days', `vector(${window.days})`),
    record('current_burn_rate:ratio', perBudget('sli_error:ratio_rate5m')),
    record('period_burn_rate:ratio', perBudget(`sli_error:ratio_rate${period}`)),
    record('period_error_budget_remaining:ratio', `1 - ${of('period_burn_rate:ratio')}`),
  ]
}

function alerts({ target, window }: DeclaredObjective, labels: Record<string, string>): Rule[] {
  const possible = burns.filter((burn) => canBurn(target, window.days, burn))
  return [...Map.groupBy(possible, ({ severity }) => severity)].map(([severity, of]) => ({
    alert: 'ErrorBudgetBurn',
    expr: of.map((burn) => bothWindows(burn, { target, days: window.days }, labels)).join('\nor\n'),
    labels: { ...literally(labels), severity },
    annotations: {
      summary: '{{ $labels.assay_slo }} of {{ $labels.assay_service }} spends its error budget too fast',
      description: `{{ $value | humanizePercentage }} of requests are bad, and ${percentText(budgetOf(target))} may be within ${window.days} days.`,
    },
  }))
}

/** Labels of alerts are templates. */
const literally = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, value.replaceAll('{{', '{{ "{{" }}')]))

/** How many times as fast as allowed. What burns at 1 lasts as long as it should, so that there is no alert below. */
const rateOf = (days: number, { spends, hours }: Burn): number => Math.max(1, Number(((spends * days * 24) / hours).toPrecision(12)))

/** More than all requests cannot be bad: of a target that leaves much to spend, the higher rates are never reached. */
const canBurn = (target: number, days: number, burn: Burn): boolean => rateOf(days, burn) * budgetOf(target) < 1

/** The rates, of those that are alerted at, which an objective can never reach. */
export const unreachable = ({ target, window }: DeclaredObjective): number[] =>
  burns.filter((burn) => !canBurn(target, window.days, burn)).map((burn) => rateOf(window.days, burn))

function bothWindows(burn: Burn, { target, days }: { target: number; days: number }, labels: Record<string, string>): string {
  const above = (window: string) =>
    `max(${series(`slo:sli_error:ratio_rate${window}`, labels)} > (${rateOf(days, burn)} * ${budgetOf(target)})) without (assay_window)`
  return ['(', `  ${above(burn.short)}`, '  and', `  ${above(burn.long)}`, ')'].join('\n')
}

const series = (name: string, labels: Record<string, string>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(', ')}}`

/** Without the noise of a subtraction of binary fractions. */
const budgetOf = (target: number): number => Number((1 - target).toPrecision(12))

export const percentText = (share: number): string => `${Number((share * 100).toPrecision(12))} %`

/** Days, hours or minutes. */
export function durationText(days: number): string {
  if (Number.isInteger(days)) return `${days}d`
  const minutes = Math.round(days * 1_440)
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}
