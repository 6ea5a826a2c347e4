import {
  broken,
  type Exchange,
  holds,
  type Judgement,
  notApplicable,
  type Probe,
  type ProbeContext,
  probe,
  resultOf,
} from '../../../src/model/index.ts'

/** The exchanges in which a target tells models what there is. */
export interface Lists {
  opening: Exchange
  tools: Exchange[]
  prompts: Exchange[]
  resources: Exchange[]
  templates: Exchange[]
}

/** The lists of a unit, read once. */
export const lists: Probe<Lists> = probe('what the target tells models', async ({ session, catalogue }: ProbeContext) => {
  const { tools, prompts, resources, templates } = await catalogue()
  const { opening } = await session()
  return { opening, tools: tools.pages, prompts: prompts.pages, resources: resources.pages, templates: templates.pages }
})

type Kind = 'tool' | 'prompt' | 'resource' | 'template' | 'server'

export type Json = Record<string, any>

/** An entry of a list, and the answer it stands in. */
export interface Item {
  kind: Kind
  name: string
  definition: Json
  exchange: Exchange
}

const members = [
  ['tools', 'tools', 'tool', 'name'],
  ['prompts', 'prompts', 'prompt', 'name'],
  ['resources', 'resources', 'resource', 'uri'],
  ['templates', 'resourceTemplates', 'template', 'uriTemplate'],
] as const

/** Everything that is listed, and what the server says of itself. */
export function itemsOf(told: Lists): Item[] {
  const listed = members.flatMap(([list, member, kind, key]) =>
    told[list].flatMap((exchange) =>
      objectsOf(resultOf(exchange)?.[member]).map((definition) => ({ kind, name: String(definition[key]), definition, exchange })),
    ),
  )
  const opening = resultOf(told.opening)
  if (opening === undefined) return listed
  const definition = { serverInfo: serverInfoOf(opening), instructions: opening.instructions }
  return [...listed, { kind: 'server', name: 'itself', definition, exchange: told.opening }]
}

/** The definitions of one list. */
export const definitionsOf = (exchanges: readonly Exchange[], member: string): Json[] =>
  exchanges.flatMap((exchange) => objectsOf(resultOf(exchange)?.[member]))

const serverInfoOf = (opening: Json): unknown => opening.serverInfo ?? opening._meta?.['io.modelcontextprotocol/serverInfo']

const objectsOf = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((item): item is Json => typeof item === 'object' && item !== null) : []

/** A text somewhere in an item. */
export interface Text {
  item: Item
  path: string
  text: string
}

/** Characters of one text that are looked at, and levels of nesting. */
const longest = 20_000
const deepest = 24

// Icons are addresses and images, `_meta` is for programs: no model reads either.
const unread = new Set(['_meta', 'icons'])

/** Every text of an item, names of parameters included. */
export function textsOf(item: Item): Text[] {
  const texts: Text[] = []
  const visit = (value: unknown, path: string, depth: number): void => {
    if (typeof value === 'string') texts.push({ item, path, text: value.slice(0, longest) })
    if (typeof value !== 'object' || value === null || depth > deepest) return
    for (const [name, inner] of Object.entries(value)) {
      if (depth === 0 && unread.has(name)) continue
      if (!Array.isArray(value) && depth > 0) texts.push({ item, path: `${path} (a name)`, text: name.slice(0, longest) })
      visit(inner, path === '' ? name : `${path}.${name}`, depth + 1)
    }
  }
  visit(item.definition, '', 0)
  return texts
}

/** Whether a text stands in a schema, or in the arguments of a prompt. */
export const isInSchema = ({ path }: Text): boolean => /^(inputSchema|outputSchema|arguments)\b/.test(path)

const labelOf = ({ kind, name }: Item): string => (kind === 'server' ? 'the server' : `${kind} ${name}`)

/** Names invisible characters, so that a finding shows what it is about. */
export const visible = (text: string): string =>
  text.replace(
    /[^\P{C}\n]|[\u115f\u1160\u3164\uffa0]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )

/** Judges every item; the first fault is said, all are listed. */
export function judgedItems(items: readonly Item[], expected: string, faultsOf: (item: Item) => readonly string[]): Judgement {
  if (items.length === 0) return notApplicable('the target lists nothing this is about')
  const faults = items.flatMap((item) => faultsOf(item).map((fault) => ({ item, fault: visible(`${labelOf(item)}: ${fault}`) })))
  const [first, ...more] = faults
  if (first === undefined) return holds
  return broken(more.length === 0 ? first.fault : `${first.fault} (and ${more.length} more)`, {
    expected,
    actual: faults.slice(0, 20).map(({ fault }) => fault),
    exchange: first.item.exchange,
  })
}

/** Judges every text of every item. */
export const judgedTexts = (
  items: readonly Item[],
  expected: string,
  fits: (text: Text) => boolean,
  faultOf: (text: string) => string | undefined,
): Judgement =>
  judgedItems(items, expected, (item) =>
    textsOf(item)
      .filter(fits)
      .flatMap(({ path, text }) => {
        const fault = faultOf(text)
        return fault === undefined ? [] : [`${path} ${fault}`]
      }),
  )

/** A part of a text, short enough to be shown. */
export const excerpt = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
