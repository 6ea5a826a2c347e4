import { decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { milliseconds, type Series } from '../../src/model/index.ts'
import { acrossAxis, figure, latencyAxis, latencyText, linear, logarithmic, pathOf, place, plot, wantedText } from './axes.ts'
import { html, type Markup } from './markup.ts'
import type { Drawn } from './seconds.ts'
import { requestsOf } from './words.ts'

/** Percentiles that are marked, as far as the axis reaches. */
const marked = [0, 50, 90, 99, 99.9, 99.99, 99.999]
const points = 120

/** How many nines a share has: 0.9 one, 0.99 two. */
const ninesOf = (share: number): number => -Math.log10(1 - share)

/** Latency by percentile: each nine is as wide as the one before it, as slow answers matter more the rarer they are. */
export function percentiles({ id, latencies, objectives }: Drawn, { count, latency, histogram }: Series): Markup {
  const read = histogramOf(histogram)
  if (read === undefined) return html`<p>The histogram cannot be read.</p>`
  // The slowest of so many requests is all that is known beyond this.
  const known = Math.log10(count)
  const end = Math.max(2, Math.ceil(known))
  const x = linear([0, end], [plot.left, plot.right])
  const y = logarithmic(latencies, [plot.bottom, plot.top])
  const curve = Array.from({ length: points + 1 }, (_, at) => (known * at) / points).map((nines): [number, number] => [
    x(nines),
    y(read.getValueAtPercentile((1 - 10 ** -nines) * 100) / 1000),
  ])
  return figure({
    id: `${id}-percentiles`,
    title: 'Percentiles',
    description: `Half of ${requestsOf(count)} took ${milliseconds(latency.p50)} at most, 95 % ${milliseconds(latency.p95)}, 99 % ${milliseconds(latency.p99)}, all of them ${milliseconds(latency.max)}.`,
    caption: `How many percent of ${requestsOf(count)} took so long at most; each nine is as wide as the last`,
    body: html`${known < end ? beyond(x(known), count) : undefined}
${latencyAxis(latencies, y)}
${acrossAxis(
  marked.filter((share) => ninesOf(share / 100) <= end + 0.01).map((share) => [x(ninesOf(share / 100)), String(share)]),
  'percent of requests',
)}
${objectives.map(
  ({ within, target }) =>
    html`<path class="wanted" d="M${plot.left} ${place(y(within!))}H${place(x(Math.min(end, ninesOf(target))))}V${plot.top}"/>${wantedText(latencyText(within!), y(within!))}`,
)}
<path class="line p99" d="${pathOf([...curve, [x(known), y(latency.max)]])}"/>
${slowest(x(known), y(latency.max), latency.max)}`,
  })
}

/** The slowest request, named on the side on which there is room. */
function slowest(x: number, y: number, max: number): Markup {
  const isLeft = x < plot.left + 90
  return html`<circle class="p99" cx="${place(x)}" cy="${place(y)}" r="2.6"><title>the slowest: ${milliseconds(max)}</title></circle>
<text class="p99" x="${place(isLeft ? x + 6 : x - 5)}" y="${place(Math.max(plot.top + 9, y - 5))}" text-anchor="${isLeft ? 'start' : 'end'}">max ${latencyText(max)}</text>`
}

function beyond(from: number, count: number): Markup {
  const width = plot.right - from
  return html`<rect class="phase" x="${place(from)}" y="${plot.top}" width="${place(width)}" height="${plot.bottom - plot.top}"><title>${requestsOf(count)} cannot tell of this</title></rect>${width > 60 ? html`<text class="phase" x="${place(plot.right - 4)}" y="${plot.bottom - 5}" text-anchor="end">not known</text>` : undefined}`
}

/** `undefined` for what is no histogram: a run on disk can be damaged. */
function histogramOf(text: string): Histogram | undefined {
  try {
    return decodeFromCompressedBase64(text)
  } catch {
    return undefined
  }
}
