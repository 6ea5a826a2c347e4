import { type Connection, type Exchange, type ProbeContext, probe, resultOf, type ToolDefinition } from '../../../src/model/index.ts'
import { type Clients, otherSide, type Pair, pairOf, type Side, sharedBoth, sides, textOf } from './pair.ts'

/** One thing that both or one of the tenants asked for. */
export interface Reading {
  side: Side
  /** What was asked for, the same text for the same question. */
  key: string
  method: string
  params: Record<string, unknown>
  /** The pages of a list, or one answer. */
  answers: Exchange[]
}

export interface Views {
  pair: Pair
  readings: Reading[]
  /** Words that each tenant has seen twice and the other never, those the operator names first. */
  words: Record<Side, string[]>
}

const lists = [
  ['tools', 'tools/list', 'tools'],
  ['prompts', 'prompts/list', 'prompts'],
  ['resources', 'resources/list', 'resources'],
  ['resources', 'resources/templates/list', 'resourceTemplates'],
] as const

const mostPages = 20
const mostShared = 6
const mostPrivate = 1
const mostWords = 500

/** Lists and contents as each tenant gets them, in turns, so that what changes by itself does not pass for what differs. */
export const views = probe(
  'what each of two tenants sees',
  { requires: 'second tenant', over: 'http' },
  async (context): Promise<Views> => {
    const pair = pairOf(context)
    const clients = await sharedBoth(context)
    const listed = [...(await inTurn(clients, readLists)), ...(await inTurn(clients, readLists))]
    const questions = questionsFor(listed)
    const ask = (client: Connection, side: Side) => readContents(client, side, questions[side])
    const readings = [...listed, ...(await inTurn(clients, ask)), ...(await inTurn(clients, ask))]
    return { pair, readings, words: wordsOf(pair, readings) }
  },
)

async function inTurn(clients: Clients, read: (client: Connection, side: Side) => Promise<Reading[]>): Promise<Reading[]> {
  const own = await read(clients.own, 'own')
  return [...own, ...(await read(clients.other, 'other'))]
}

const readLists = async (client: Connection, side: Side): Promise<Reading[]> =>
  Promise.all(
    lists
      .filter(([capability]) => client.capabilities[capability])
      .map(async ([, method]) => ({ side, key: method, method, params: {}, answers: await pagesOf(client, method) })),
  )

/** The pages of a list, up to a bound. */
export async function pagesOf(client: Connection, method: string): Promise<Exchange[]> {
  const pages = [await client.send(method)]
  for (let cursor = cursorOf(pages[0]!); cursor !== undefined && pages.length < mostPages; cursor = cursorOf(pages.at(-1)!))
    pages.push(await client.send(method, { cursor }))
  return pages
}

export const cursorOf = (page: Exchange): string | undefined => {
  const cursor = resultOf(page)?.nextCursor
  return typeof cursor === 'string' ? cursor : undefined
}

type Item = Record<string, unknown>

/** What a side was listed of one kind. */
export const itemsOf = (readings: readonly Reading[], side: Side, method: string): Item[] => {
  const member = lists.find(([, name]) => name === method)![2]
  const pages = readings.find((reading) => reading.side === side && reading.method === method)?.answers ?? []
  return pages.flatMap((page) => (resultOf(page)?.[member] ?? []) as Item[])
}

export interface Question {
  method: string
  params: Record<string, unknown>
}

const keyOf = ({ method, params }: Question): string => `${method} ${JSON.stringify(params)}`

/** What only reads, as its owner says, and needs no arguments. */
export const isHarmless = ({ annotations, inputSchema }: Partial<ToolDefinition>): boolean =>
  annotations?.readOnlyHint === true && annotations.destructiveHint !== true && [inputSchema?.required ?? []].flat().length === 0

/** Contents to ask for: what both are listed, and a little of what only one is. */
function questionsFor(listed: readonly Reading[]): Record<Side, Question[]> {
  const found = (side: Side): Question[] => [
    ...itemsOf(listed, side, 'resources/list').map(({ uri }) => ({ method: 'resources/read', params: { uri } })),
    ...itemsOf(listed, side, 'tools/list')
      .filter(isHarmless)
      .map(({ name }) => ({ method: 'tools/call', params: { name, arguments: {} } })),
  ]
  const [own, other] = [found('own'), found('other')]
  const keys = { own: new Set(own.map(keyOf)), other: new Set(other.map(keyOf)) }
  const shared = spread(own.filter((question) => keys.other.has(keyOf(question))))
  return {
    own: [
      ...shared,
      ...spread(
        own.filter((question) => !keys.other.has(keyOf(question))),
        mostPrivate,
      ),
    ],
    other: [
      ...shared,
      ...spread(
        other.filter((question) => !keys.own.has(keyOf(question))),
        mostPrivate,
      ),
    ],
  }
}

/** A few of each method, taking turns among what seems to come from different servers. */
function spread(questions: Question[], most = mostShared): Question[] {
  return ['resources/read', 'tools/call'].flatMap((method) => {
    const groups = Map.groupBy(
      questions.filter((question) => question.method === method),
      ({ params }) => String(params.uri ?? params.name).split(/___|__|[:./]/)[0],
    )
    const rows = [...groups.values()]
    const longest = Math.max(0, ...rows.map(({ length }) => length))
    return Array.from({ length: longest }, (_, at) => rows.flatMap((row) => row.slice(at, at + 1)))
      .flat()
      .slice(0, most)
  })
}

const readContents = (client: Connection, side: Side, questions: readonly Question[]): Promise<Reading[]> =>
  Promise.all(
    questions.map(async (question) => ({
      side,
      key: keyOf(question),
      ...question,
      answers: [await client.send(question.method, question.params)],
    })),
  )

/** Long enough, or odd enough, not to stand in any text by chance. */
const isTelling = (word: string): boolean =>
  word.length <= 200 && (word.length >= 8 || (word.length >= 6 && /[\d_@.-]/.test(word))) && !/^[\d.:TZ-]+$/.test(word)

const wordsIn = (readings: readonly Reading[]): Set<string> =>
  new Set(
    readings
      .flatMap(({ answers }) => answers.map((answer) => textOf(resultOf(answer))))
      .join(' ')
      .split(/\\[a-z]|[^\w.@-]+/)
      .filter(isTelling),
  )

function wordsOf(pair: Pair, readings: readonly Reading[]): Record<Side, string[]> {
  const seen = (side: Side, time: number) =>
    wordsIn(
      readings.filter(
        (reading, at) =>
          reading.side === side && readings.slice(0, at).filter((each) => each.side === side && each.key === reading.key).length === time,
      ),
    )
  const seenBy = { own: [seen('own', 0), seen('own', 1)], other: [seen('other', 0), seen('other', 1)] }
  const only = (side: Side, foreign: Side) =>
    [...seenBy[side][0]!].filter((word) => seenBy[side][1]!.has(word) && !seenBy[foreign].some((words) => words.has(word)))
  return {
    own: [...new Set([...pair.own.canaries, ...only('own', 'other')])].slice(0, mostWords),
    other: [...new Set([...pair.other.canaries, ...only('other', 'own')])].slice(0, mostWords),
  }
}

/** Questions both may ask, whose answers show whose they are: a list and a content, as far as there are any. */
export function tellingQuestions({ readings, words }: Views): Question[] {
  const shows = (side: Side, key: string, of: Side) => {
    const answer = readings.find((reading) => reading.side === side && reading.key === key)?.answers[0]
    const text = answer === undefined ? '' : textOf(resultOf(answer))
    return words[of].some((word) => text.includes(word))
  }
  const keys = new Map(readings.map((reading) => [reading.key, { method: reading.method, params: reading.params }]))
  const telling = [...keys]
    .filter(([key]) => sides.every((side) => shows(side, key, side) && !shows(side, key, otherSide(side))))
    .map(([, question]) => question)
  return ['list', 'read', 'call'].flatMap((kind) => telling.filter(({ method }) => method.endsWith(`/${kind}`)).slice(0, 1))
}

/** Things only the other tenant has, which the unit's own may try to get at. */
export interface Foreign {
  tools: string[]
  resources: string[]
  prompts: string[]
}

export function foreignOf({ pair, readings }: Views): Foreign {
  const names = (side: Side, method: string, key: string, fits: (item: Item) => boolean = () => true) =>
    itemsOf(readings, side, method)
      .filter(fits)
      .map((item) => String(item[key]))
  const only = (method: string, key: string, fits?: (item: Item) => boolean) => {
    const own = names('own', method, key)
    return names('other', method, key, fits)
      .filter((name) => !own.includes(name) || pair.other.canaries.some((canary) => name.includes(canary)))
      .slice(0, mostPrivate)
  }
  const withoutArguments = (item: Item) =>
    ![item.arguments ?? []].flat().some((argument) => (argument as { required?: boolean }).required === true)
  return {
    tools: only('tools/list', 'name', isHarmless),
    resources: only('resources/list', 'uri'),
    prompts: only('prompts/list', 'name', withoutArguments),
  }
}

export const viewsOf = (context: ProbeContext): Promise<Views> => context.use(views)
