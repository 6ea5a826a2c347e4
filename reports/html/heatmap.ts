import { bucketStart, percent } from '../../src/model/index.ts'
import { acrossAxis, figure, latencyAxis, latencyText, linear, logarithmic, place, plot, secondTicks, wantedLine } from './axes.ts'
import { html, type Markup } from './markup.ts'
import { type Drawn, type Span, spanText } from './seconds.ts'
import { requestsOf } from './words.ts'

/** The weakest a cell is drawn, so that a single request can be seen. */
const weakest = 0.18

/** How many requests of each second took how long. */
export function heatmap({ id, spans, end, latencies, objectives }: Drawn): Markup {
  const x = linear([0, end], [plot.left, plot.right])
  const y = logarithmic(latencies, [plot.bottom, plot.top])
  const cells = spans.flatMap((span) => Object.entries(span.spread).map(([bucket, count]) => ({ span, bucket: Number(bucket), count })))
  const most = cells.reduce((top, cell) => (cell.count > top.count ? cell : top))
  // By the logarithm: a few slow requests are what is looked for beside hundreds of fast ones.
  const strength = linear([0, Math.max(Math.LN2, Math.log(most.count))], [weakest, 1])
  const between = (bucket: number) => `${latencyText(bucketStart(bucket))} to ${latencyText(bucketStart(bucket + 1))}`
  return figure({
    id: `${id}-heat`,
    title: 'Requests by second and latency',
    description: `Most requests in one cell are ${most.count}: in ${spanText(most.span)}, ${between(most.bucket)}. The numbers stand in the table by second.`,
    caption: `The stronger a cell, the more requests: from 1 to ${most.count}. Point at one to read it`,
    body: html`${latencyAxis(latencies, y)}
${acrossAxis(
  secondTicks(end).map((second) => [x(second), String(second)]),
  'seconds',
)}
${cells.map(({ span, bucket, count }) => {
  const [left, right] = [x(span.at), x(Math.min(end, span.at + span.lasts))]
  const [upper, lower] = [y(bucketStart(bucket + 1)), y(bucketStart(bucket))]
  return html`<rect class="cell" x="${place(left)}" y="${place(upper)}" width="${place(right - left)}" height="${place(lower - upper)}" fill-opacity="${strength(Math.log(count)).toFixed(2)}"><title>${spanText(span)}, ${between(bucket)}: ${count} of ${requestsOf(span.count)}</title></rect>`
})}
${objectives.map(({ within, target }) => wantedLine(`${percent(target)} within ${latencyText(within!)}`, y(within!)))}`,
  })
}

/** The same in words: `3 within 5.66 ms, 1 within 8 ms`. */
export const spreadText = ({ spread }: Pick<Span, 'spread'>): string =>
  Object.entries(spread)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ bucket, count }) => `${count} up to ${latencyText(bucketStart(bucket + 1))}`)
    .join(', ')
