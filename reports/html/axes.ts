import { html, Markup } from './markup.ts'

/** From a value to a place in the drawing. */
export type Scale = (value: number) => number

export const linear =
  ([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale =>
  (value) =>
    start + ((value - from) / (to - from)) * (end - start)

/** From values above 0; those before the first stand where it does. */
export function logarithmic([from, to]: readonly [number, number], range: readonly [number, number]): Scale {
  const scale = linear([Math.log10(from), Math.log10(to)], range)
  return (value) => scale(Math.log10(Math.max(from, value)))
}

/** The drawing, and the plot within it: small enough to be read on a phone without being scaled down. */
export const size = { width: 400, height: 250 }
export const plot = { left: 46, right: 368, top: 24, bottom: 204 }
/** Where what went wrong is marked, between the plot and the numbers of its axis. */
export const strip = plot.bottom + 9

/** A place, to a tenth of a unit. */
export const place = (value: number): string => String(Math.round(value * 10) / 10)

const steps = [1, 2, 5, 10, 15, 20, 30, 60]

/** Whole seconds at which an axis from 0 is marked, about six of them. */
export function secondTicks(end: number): number[] {
  const step = steps.find((each) => end / each <= 7) ?? Math.ceil(end / 7 / 60) * 60
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, at) => at * step)
}

/** 1, 2 and 5 of each power of ten, or the powers alone where that would be too many. */
export function latencyTicks([from, to]: readonly [number, number]): number[] {
  const decades = Array.from({ length: Math.ceil(Math.log10(to)) - Math.floor(Math.log10(from)) + 1 }, (_, at) =>
    Number(`1e${at + Math.floor(Math.log10(from))}`),
  )
  const multiples = Math.log10(to / from) > 3 ? [1] : [1, 2, 5]
  return decades.flatMap((decade) => multiples.map((multiple) => decade * multiple)).filter((value) => from <= value && value <= to)
}

/** `500 µs`, `20 ms`, `1.5 s`. */
export function latencyText(milliseconds: number): string {
  if (milliseconds < 1) return `${Number((milliseconds * 1000).toPrecision(3))} µs`
  return milliseconds < 1000 ? `${Number(milliseconds.toPrecision(3))} ms` : `${Number((milliseconds / 1000).toPrecision(3))} s`
}

/** The vertical axis: latencies, with a line across at each mark. */
export const latencyAxis = (domain: readonly [number, number], y: Scale): Markup =>
  html`${latencyTicks(domain).map(
    (value) =>
      html`<path class="grid" d="M${plot.left} ${place(y(value))}H${plot.right}"/><text x="${plot.left - 5}" y="${place(y(value) + 3.5)}" text-anchor="end">${latencyText(value)}</text>`,
  )}`

/** The horizontal axis, of marks with their texts. */
export const acrossAxis = (marks: readonly (readonly [at: number, text: string])[], name: string): Markup =>
  html`<path class="axis" d="M${plot.left} ${plot.bottom}H${plot.right}"/>${marks.map(
    ([at, text]) =>
      html`<path class="axis" d="M${place(at)} ${plot.bottom}v4"/><text x="${place(at)}" y="${plot.bottom + 28}" text-anchor="middle">${text}</text>`,
  )}<text class="name" x="${plot.right}" y="${plot.bottom + 42}" text-anchor="end">${name}</text>`

export interface Picture {
  /** Unique in the page. */
  id: string
  title: string
  /** What is to be seen, for whoever does not see it. */
  description: string
  caption: string
  body: Markup
}

/** A picture with its texts. */
export const figure = ({ id, title, description, caption, body }: Picture): Markup =>
  html`<figure>
<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="${id}-title ${id}-text"><title id="${id}-title">${title}</title><desc id="${id}-text">${description}</desc>
<text class="head" x="${plot.left}" y="12">${title}</text>
${body}
</svg>
<figcaption>${caption}</figcaption>
</figure>`

/** The dashed line of a time that is wanted, up to a place of the plot. */
export const wantedLine = (text: string, y: number): Markup =>
  html`<path class="wanted" d="M${plot.left} ${place(y)}H${plot.right}"/>${wantedText(text, y)}`

export const wantedText = (text: string, y: number): Markup =>
  html`<text class="wanted" x="${plot.left + 4}" y="${place(y < plot.top + 12 ? y + 11 : y - 4)}">${text}</text>`

/** A path through points, broken where one is missing. Numbers only: it needs no escaping, and may be long. */
export function pathOf(points: readonly (readonly [x: number, y: number] | undefined)[]): Markup {
  let text = ''
  let drawing = false
  for (const point of points) {
    if (point !== undefined) text += `${drawing ? 'L' : 'M'}${place(point[0])} ${place(point[1])}`
    drawing = point !== undefined
  }
  return new Markup(text)
}
