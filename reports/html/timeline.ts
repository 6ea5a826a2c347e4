import { milliseconds, percent } from '../../src/model/index.ts'
import {
  acrossAxis,
  figure,
  latencyAxis,
  latencyText,
  linear,
  logarithmic,
  pathOf,
  place,
  plot,
  secondTicks,
  strip,
  wantedLine,
} from './axes.ts'
import { html, type Markup } from './markup.ts'
import { type Drawn, type Span, spanText } from './seconds.ts'
import { requestsOf, waysOf } from './words.ts'

/** Another flow, and when it was under way. */
export interface Phase {
  name: string
  from: number
  to: number
}

/** Answers that refuse: the target works, and says no. */
const refusals = /^HTTP (401|403|413|429)$/
const rows = 3

/** p50 and p99 by second, what went wrong, and when other flows were under way. */
export function timeline({ id, spans, end, latencies, objectives }: Drawn, phases: readonly Phase[]): Markup {
  const x = linear([0, end], [plot.left, plot.right])
  const y = logarithmic(latencies, [plot.bottom, plot.top])
  const middle = ({ at, lasts }: Span) => x(Math.min(end, at + lasts / 2))
  const worst = spans.reduce((most, span) => (span.p99 > most.p99 ? span : most))
  const failing = spans.filter(({ count, good }) => good < count)
  return figure({
    id: `${id}-time`,
    title: 'Latency over time',
    description: [
      `p99 is highest in ${spanText(worst)}, with ${milliseconds(worst.p99)}.`,
      failing.length === 0
        ? 'Every request was answered as it should be.'
        : `Requests went wrong in ${failing.length} of ${spans.length} columns.`,
      ...phases.map(({ name, from, to }) => `${name} was under way from second ${from} to ${to}.`),
      'The numbers stand in the table by second.',
    ].join(' '),
    caption: `p99 and p50 of the requests sent in each ${spans[0]!.lasts === 1 ? 'second' : `${spans[0]!.lasts} seconds, of the worst second`}${failing.length === 0 ? '' : '; below, × errors and ◇ refusals'}`,
    body: html`${shades(phases, x)}
${latencyAxis(latencies, y)}
${acrossAxis(
  secondTicks(end).map((second) => [x(second), String(second)]),
  'seconds',
)}
${objectives.map(({ within, target }) => wantedLine(`${percent(target)} within ${latencyText(within!)}`, y(within!)))}
${lineOf('p50', spans, (span) => [middle(span), y(span.p50)])}
${lineOf('p99', spans, (span) => [middle(span), y(span.p99)])}
${namesOf(spans.at(-1)!, middle(spans.at(-1)!), y)}
${failing.map((span) => marksOf(span, middle(span)))}
${spans.map((span) => pointer(span, x(span.at), x(Math.min(end, span.at + span.lasts))))}`,
  })
}

function lineOf(name: 'p50' | 'p99', spans: readonly Span[], at: (span: Span) => readonly [number, number]): Markup {
  const points = spans.flatMap((span, index) => {
    const before = spans[index - 1]
    // Where nothing was sent, nothing is known.
    return before !== undefined && before.at + before.lasts < span.at ? [undefined, at(span)] : [at(span)]
  })
  return html`<path class="line ${name}" d="${pathOf(points)}"/>${spans.map((span) => {
    const [x, y] = at(span)
    return html`<circle class="${name}" cx="${place(x)}" cy="${place(y)}" r="1.8"/>`
  })}`
}

/** Names at the ends of the lines, kept apart. */
function namesOf({ p50, p99 }: Span, x: number, y: (value: number) => number): Markup {
  const upper = y(p99)
  const lower = Math.max(y(p50), upper + 11)
  const named = (name: string, at: number) => html`<text class="${name}" x="${place(x + 5)}" y="${place(at + 3.5)}">${name}</text>`
  return html`${named('p99', upper)}${named('p50', lower)}`
}

/** A cross for errors, a diamond for refusals; side by side where there are both. */
function marksOf({ bad }: Span, x: number): Markup {
  const ways = Object.keys(bad)
  const marks = [
    ...(ways.some((way) => !refusals.test(way)) ? ['error'] : []),
    ...(ways.some((way) => refusals.test(way)) ? ['refusal'] : []),
  ]
  return html`${marks.map((mark, index) => {
    const at = place(x + (marks.length === 1 ? 0 : index * 6 - 3))
    return mark === 'error'
      ? html`<path class="error" d="M${at} ${strip}m-3-3l6 6m0-6l-6 6"/>`
      : html`<path class="refusal" d="M${at} ${strip}m0-4l4 4l-4 4l-4-4z"/>`
  })}`
}

/** What is read when it is pointed at a column. */
const pointer = (span: Span, from: number, to: number): Markup =>
  html`<rect class="pointer" x="${place(from)}" y="${plot.top}" width="${place(to - from)}" height="${plot.bottom - plot.top + 16}"><title>${`${spanText(span)}: ${requestsOf(span.count)}, ${span.good} good${span.good < span.count ? ` (${waysOf(span.bad)})` : ''}; p50 ${milliseconds(span.p50)}, p99 ${milliseconds(span.p99)}`}</title></rect>`

function shades(phases: readonly Phase[], x: (value: number) => number): Markup {
  /** Where the last name of each row ends. */
  const ends: number[] = []
  return html`${phases.map(({ name, from, to }) => {
    const [start, width] = [x(from), x(to) - x(from)]
    const wide = Math.min(name.length, 16) * 6
    const free = ends.findIndex((end) => end < start)
    const row = free === -1 ? ends.length : free
    if (row < rows) ends[row] = start + wide
    const label =
      row < rows
        ? html`<text class="phase" x="${place(Math.min(start + 3, plot.right - wide))}" y="${plot.bottom - 5 - row * 11}">${name.slice(0, 16)}</text>`
        : undefined
    return html`<rect class="phase" x="${place(start)}" y="${plot.top}" width="${place(width)}" height="${plot.bottom - plot.top}"><title>${name}: seconds ${from} to ${to}</title></rect>${label}`
  })}`
}
