import type { Measured } from '../../src/engine/types.ts'
import { type FlowResult, type LoadResult, milliseconds, type Objective, percent, type Series, spendingOf } from '../../src/model/index.ts'
import { heatmap, spreadText } from './heatmap.ts'
import { html, type Markup } from './markup.ts'
import { percentiles } from './percentiles.ts'
import { type Drawn, endOf, latenciesOf, phaseOf, type Span, spansOf, spanText, widthFor } from './seconds.ts'
import { type Phase, timeline } from './timeline.ts'
import { requestsOf, waysOf } from './words.ts'

/** What became of the traffic of a run: for each, what it rests on, its numbers, and pictures of them. */
export function loadSection(loads: readonly Measured[]): Markup {
  if (loads.length === 0) return html``
  const nameOf = ({ target, revision, probe }: Measured) => `${sentence(probe)}: ${target} at ${revision}`
  return html`<section aria-labelledby="load">
<h2 id="load">Load</h2>
${loads.length === 1 ? undefined : html`<nav aria-label="Traffic"><ul>${loads.map((load, at) => html`<li><a href="#load-${at + 1}">${nameOf(load)}</a></li>`)}</ul></nav>`}
${loads.map((load, at) => trafficOf(load, `load-${at + 1}`))}
</section>`
}

function trafficOf({ target, revision, probe, objectives = [], result }: Measured, id: string): Markup {
  const flows = Object.entries(result.flows)
  const all = flows.flatMap(([flow, { series }]) =>
    Object.entries(series)
      .sort(([, a], [, b]) => b.count - a.count)
      .map(([as, each], at) => ({ flow, as, series: each, isMain: at === 0 })),
  )
  const end = endOf(result)
  const latencies = latenciesOf(
    result,
    objectives.flatMap(({ within }) => within ?? []),
  )
  return html`<article aria-labelledby="${id}">
<h3 id="${id}">${sentence(probe)}</h3>
<p class="place">${target} at ${revision}</p>
${conditionsOf(result)}
${table(
  `${id}-flows`,
  'Arrivals, by flow',
  ['Flow', 'Due', 'Not sent', 'Sent late, half at most', '99 % at most', 'Sessions'],
  flows.map(([name, flow]) => arrivalsOf(name, flow)),
)}
${
  all.length === 0
    ? html`<p><strong>No request was counted:</strong> there is nothing to be shown.</p>`
    : html`${table(
        `${id}-series`,
        'Requests after the warm-up, by flow and method',
        seriesHeads,
        all.map(({ flow, as, series }) => seriesRow(flow, as, series, objectives)),
      )}
${fewOf(all.map(({ series }) => series))}
${all.map((each, at) => picturesOf({ id: `${id}-${at + 1}`, ...each, objectives, result, end, latencies }))}`
}
</article>`
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function conditionsOf({ generator, conditions }: LoadResult): Markup {
  const { dropped, lost, scriptErrors, processor, machine, exhausted = 0, clockSet, missing = [], cutShort } = conditions
  const rows: Condition[] = [
    { name: 'Sent by', text: `${generator.name} ${generator.version}` },
    {
      name: 'Generator',
      text: processor === undefined ? 'not to be learnt here' : `${percent(processor)} of this machine at most, in one second`,
    },
    {
      name: 'This machine',
      text:
        machine === undefined
          ? 'not seen: it was another'
          : `${percent(machine)} in use, by anyone${exhausted > 0 ? `; nothing left in ${percent(exhausted)} of the seconds` : ''}`,
    },
    dropped === 0
      ? { name: 'Not sent', text: 'no arrival' }
      : { name: 'Not sent', text: `${dropped} arrivals, which found every virtual user waiting`, isDoubt: true },
    ...(lost === 0 ? [] : [{ name: 'Not written down', text: `${lost} arrivals`, isDoubt: true }]),
    ...(missing.length === 0 ? [] : [{ name: 'Missing', text: missing.join('; '), isDoubt: true }]),
    ...(clockSet === 0 ? [] : [{ name: 'Clock', text: `set by ${clockSet} ms meanwhile` }]),
    ...(scriptErrors.length === 0 ? [] : [{ name: 'Script failed', text: scriptErrors.join('; '), isDoubt: true }]),
    ...(cutShort === undefined ? [] : [{ name: 'Ended early', text: cutShort, isDoubt: true }]),
  ]
  return html`<dl class="conditions">${rows.map(({ name, text, isDoubt }) => html`<div><dt>${name}</dt><dd>${isDoubt ? html`<strong>${text}</strong>` : text}</dd></div>`)}</dl>`
}

interface Condition {
  name: string
  text: string
  /** Nothing measured beside it is sound. */
  isDoubt?: boolean
}

const exact = (value: number, text: string | number = value): Markup => html`<data value="${value}">${text}</data>`

const inTime = (value: number): Markup => exact(value, milliseconds(value))

const arrivalsOf = (name: string, { arrivals, late, sessions }: FlowResult): Markup[] => [
  html`${name}`,
  exact(arrivals.due),
  exact(arrivals.dropped),
  inTime(late.p50),
  inTime(late.p99),
  html`${sessions.opened === 0 ? '' : `${sessions.opened}, ids of ${sessions.distinct} kinds`}`,
]

const seriesHeads = ['Flow', 'Method', 'Requests', 'Good', 'Otherwise', 'p50', 'p95', 'p99', 'p99.9', 'Max', 'Within objectives']

const seriesRow = (flow: string, as: string, series: Series, objectives: readonly Objective[]): Markup[] => {
  const { count, good, bad, latency } = series
  return [
    html`${flow}`,
    html`${as}`,
    exact(count),
    exact(good),
    html`${good === count ? '' : waysOf(bad)}`,
    ...[latency.p50, latency.p95, latency.p99, latency['p99.9'], latency.max].map(inTime),
    html`${about(as, objectives).map((objective) => html`<div>${withinText(objective, series)}</div>`)}`,
  ]
}

const about = (as: string, objectives: readonly Objective[]): Objective[] => objectives.filter(({ method }) => method === as)

function withinText(objective: Objective, series: Series): string {
  const { all, missed, allowed } = spendingOf(objective, series)
  if (all === 0) return `${objective.name}: nothing to go by`
  const spent = missed === 0 ? 0 : missed / allowed
  return `${objective.name}: ${percent(1 - missed / all)}, and ${percent(objective.target)} is wanted; ${percent(spent)} of the budget spent`
}

/** Rare percentiles of few requests are their slowest ones. */
function fewOf(all: readonly Series[]): Markup {
  const fewest = Math.min(...all.map(({ count }) => count))
  if (fewest >= 1000) return html``
  return html`<p class="note">Of fewer than 1,000 requests p99.9 is the slowest${fewest < 100 ? ', of fewer than 100 p99 too' : ''}.</p>`
}

interface Shown extends Pick<Drawn, 'id' | 'end' | 'latencies' | 'objectives'> {
  flow: string
  as: string
  series: Series
  /** No other method of its flow has more requests. */
  isMain: boolean
  result: LoadResult
}

/** The pictures of one series: those of the main one of each flow are open. */
function picturesOf({ id, flow, as, series, isMain, result, end, latencies, objectives }: Shown): Markup {
  const spans = spansOf(series.seconds, widthFor(end))
  const drawn: Drawn = { id, spans, end, latencies, objectives: about(as, objectives).filter(({ sli }) => sli === 'latency') }
  const { count, good, latency } = series
  return html`<details class="series"${isMain ? html` open` : undefined}>
<summary><strong>${flow}</strong> ${as}: ${requestsOf(count)}, ${good} good, p50 ${milliseconds(latency.p50)}, p99 ${milliseconds(latency.p99)}</summary>
<div class="pictures">
${spans.length === 0 ? undefined : [timeline(drawn, othersOf(result, flow, end)), heatmap(drawn)]}
${percentiles(drawn, series)}
</div>
<details class="seconds"><summary>By second</summary>
${table(`${id}-seconds`, `${flow} ${as}, by second`, ['When', 'Requests', 'Good', 'Otherwise', 'p50', 'p99', 'How many took how long'], spans.map(secondRow))}
</details>
</details>`
}

/** Other flows that were not under way all the time, and the warm-up. */
function othersOf({ flows }: LoadResult, own: string, end: number): Phase[] {
  const phases = Object.entries(flows).map(([name, flow]) => ({ name, phase: phaseOf(flow) ?? [end, end] }))
  const first = Math.min(...phases.map(({ phase: [from] }) => from))
  const others = phases.flatMap(({ name, phase: [from, to] }) =>
    name === own || from === to || (from <= first && to >= end - 1) ? [] : [{ name, from, to }],
  )
  return first === 0 ? others : [{ name: 'warm-up', from: 0, to: first }, ...others]
}

const secondRow = (span: Span): Markup[] => [
  html`${spanText(span)}`,
  exact(span.count),
  exact(span.good),
  html`${waysOf(span.bad)}`,
  inTime(span.p50),
  inTime(span.p99),
  html`${spreadText(span)}`,
]

/** A table that scrolls by itself where there is no room for it, without the columns in which nothing stands. */
function table(id: string, caption: string, heads: readonly string[], rows: readonly (readonly Markup[])[]): Markup {
  const used = heads.map((_, at) => rows.some((row) => row[at]!.text !== ''))
  const kept = <T>(row: readonly T[]) => row.filter((_, at) => used[at])
  return html`<div class="wide" role="region" aria-labelledby="${id}" tabindex="0"><table>
<caption id="${id}">${caption}</caption>
<thead><tr>${kept(heads).map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => {
    const [first, ...rest] = kept(row)
    return html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`
  })}</tbody>
</table></div>`
}
