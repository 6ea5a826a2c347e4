import { type Exchange, mediaTypeOf } from '../../src/model/index.ts'

/** A form as far as it takes to send it. */
export interface Form {
  method: string
  /** As written, which may be relative to the page. */
  action: string
  inputs: { name: string; type: string; value: string; checked: boolean }[]
  /** What sends the form, in the order of the page; the name is empty where the button has none. */
  buttons: { name: string; value: string }[]
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Text without the entities of HTML. */
export const unescaped = (text: string): string =>
  text.replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, entity: string) => {
    if (!entity.startsWith('#')) return entities[entity.toLowerCase()] ?? whole
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1))
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })

/** What a person reads on a page, in one line. */
export function textOf(exchange: Exchange): string {
  const body = exchange.response?.body ?? ''
  const shown = body.replaceAll(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ').replaceAll(/<[^>]*>/g, ' ')
  return unescaped(shown).replaceAll(/\s+/g, ' ').trim()
}

/** The forms of a page, as far as plain HTML says them. */
export function formsIn(exchange: Exchange): Form[] {
  if (mediaTypeOf(exchange) !== 'text/html') return []
  return [...(exchange.response?.body ?? '').matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head, inner]) => ({
    method: (attributeOf(head!, 'method') ?? 'get').toUpperCase(),
    action: attributeOf(head!, 'action') ?? '',
    inputs: [...inner!.matchAll(/<input\b([^>]*)>/gi)].map(([, input]) => inputOf(input!)).filter(({ type }) => type !== 'submit'),
    buttons: [...inner!.matchAll(/<(input|button)\b([^>]*)>/gi)].flatMap(([, tag, button]) => buttonOf(tag!, button!)),
  }))
}

function inputOf(input: string): Form['inputs'][number] {
  return {
    name: attributeOf(input, 'name') ?? '',
    type: (attributeOf(input, 'type') ?? 'text').toLowerCase(),
    value: attributeOf(input, 'value') ?? '',
    checked: /\schecked(\s|=|\/|$)/i.test(input),
  }
}

function buttonOf(tag: string, button: string): Form['buttons'] {
  const type = (attributeOf(button, 'type') ?? (tag.toLowerCase() === 'button' ? 'submit' : '')).toLowerCase()
  return type === 'submit' ? [{ name: attributeOf(button, 'name') ?? '', value: attributeOf(button, 'value') ?? '' }] : []
}

function attributeOf(tag: string, name: string): string | undefined {
  const [, double, single, bare] = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(` ${tag}`) ?? []
  const value = double ?? single ?? bare
  return value === undefined ? undefined : unescaped(value)
}
