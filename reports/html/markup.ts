import { plain, xml } from '../plain.ts'

/** Characters of one text at most: what a target sends has no length that could be relied on. */
const most = 2_000

/** HTML that is safe to show. Everything else is text, and becomes HTML by being escaped. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Shown = string | number | Markup | undefined | readonly Shown[]

/** HTML with values in it, in elements or in quoted attributes: texts are cleaned, cut and escaped, lists joined, and `undefined` left out. */
export const html = (parts: TemplateStringsArray, ...values: Shown[]): Markup =>
  new Markup(parts.reduce((text, part, at) => text + markupOf(values[at - 1]) + part))

function markupOf(value: Shown): string {
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(markupOf).join('')
  return value === undefined ? '' : xml(cut(String(value)))
}

function cut(text: string): string {
  const clean = plain(text)
  return clean.length > most ? `${clean.slice(0, most)} … (${clean.length - most} more characters)` : clean
}
