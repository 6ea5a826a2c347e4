import {
  all,
  bodyOf,
  type Exchange,
  inconclusive,
  type Judgement,
  metadataUrls,
  type ProbeContext,
  probe,
  statusOf,
} from '../../../src/model/index.ts'
import type { Json } from '../registration/desk.ts'

export interface Documents {
  /** What is at each well-known address, in the order a client tries them. */
  asked: Exchange[]
}

export const read = ({ request }: ProbeContext, url: string, headers: [string, string][] = []): Promise<Exchange> =>
  request({ method: 'GET', url, authorize: false, headers: [['Accept', 'application/json'], ...headers] })

export const documents = probe(
  'the metadata of the authorization server',
  async (context): Promise<Documents> => ({ asked: await Promise.all(metadataUrls(context.facts.url).map((url) => read(context, url))) }),
)

/** The metadata in an answer, or undefined when it is none. */
export const documentIn = (exchange: Exchange): Json | undefined => (statusOf(exchange) === 200 ? bodyOf(exchange) : undefined)

/** The addresses at which there is metadata. */
export const published = ({ asked }: Documents): Exchange[] => asked.filter((exchange) => typeof documentIn(exchange)?.issuer === 'string')

/** Judges each document that is served. */
export function eachDocument(found: Documents, judge: (document: Json, exchange: Exchange) => Judgement): Judgement {
  const those = published(found)
  if (those.length === 0) return inconclusive('the metadata that was there on connecting is not there any more')
  return all(those.map((exchange) => judge(documentIn(exchange)!, exchange)))
}
