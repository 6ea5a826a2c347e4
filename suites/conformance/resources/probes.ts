import {
  type Exchange,
  inconclusive,
  isObject,
  type Judgement,
  type Listing,
  notApplicable,
  probe,
  resultOf,
  summaryOf,
} from '../../../src/model/index.ts'

export type Json = Record<string, unknown>

export interface Listed {
  item: Json
  page: Exchange
}

/** The resources and templates as listed, read to the ends of the lists. */
export const listing = probe('the lists of resources and templates', { requires: 'resources' }, async ({ catalogue }) => {
  const { resources, templates } = await catalogue()
  return { resources, templates }
})

/** Every listed item that is an object, with the page that lists it. */
export const itemsOf = ({ pages }: Listing<unknown>, member: 'resources' | 'resourceTemplates'): Listed[] =>
  pages.flatMap((page) => {
    const items = resultOf(page)?.[member]
    return Array.isArray(items) ? items.filter(isObject).map((item) => ({ item, page })) : []
  })

/** Judges a list that could be read; one that breaks off says nothing about what it would have held. */
export function readable(listing: Listing<unknown>, judge: () => Judgement): Judgement {
  const last = listing.pages.at(-1)
  if (last === undefined) return inconclusive('the list was not read')
  return resultOf(last) === undefined ? inconclusive(`the list cannot be read: ${summaryOf(last)}`, last) : judge()
}

/** Resources read: enough to meet text and binary, few enough for a large target. */
const sampled = 6

/** A few listed resources, read: the first ones, and those that say they are no text before all. */
export const read = probe('a sample of the listed resources, read', { requires: 'resources' }, async ({ session, catalogue }) => {
  const { items } = (await catalogue()).resources
  const named = items.filter(({ uri }) => typeof uri === 'string')
  const binary = named.filter(({ mimeType }) => typeof mimeType === 'string' && !/^text\/|json|xml|javascript/.test(mimeType))
  const sample = [...new Set([...binary.slice(0, sampled / 2), ...named])].slice(0, sampled)
  const open = await session()
  return Promise.all(sample.map(async ({ uri }) => ({ uri, exchange: await open.send('resources/read', { uri }) })))
})

export const nothingListed = notApplicable('the target lists no resources')

export const contentsOf = (exchange: Exchange): Json[] => {
  const contents = resultOf(exchange)?.contents
  return Array.isArray(contents) ? contents.filter(isObject) : []
}

/** Reads that came to a result; one that did not is `read-listed`'s to tell. */
export function succeeded(reads: readonly { exchange: Exchange }[], judge: (exchanges: Exchange[]) => Judgement): Judgement {
  const results = reads.map(({ exchange }) => exchange).filter((exchange) => resultOf(exchange) !== undefined)
  if (reads.length === 0) return nothingListed
  return results.length === 0
    ? inconclusive(`no listed resource can be read: ${summaryOf(reads[0]!.exchange)}`, reads[0]!.exchange)
    : judge(results)
}
