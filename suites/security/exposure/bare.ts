import {
  all,
  controlled,
  type Exchange,
  holds,
  holdsIf,
  type Judgement,
  mediaTypeOf,
  type Probe,
  type ProbeContext,
  probe,
  type RawRequest,
  resultOf,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'

/** Requests that have no right to be served, between two that have. */
export interface Bare {
  before: Exchange
  tried: Tried[]
  after: Exchange
}

export interface Tried {
  /** Completes "a request …". */
  what: string
  exchange: Exchange
}

type Field = [name: string, value: string]

const notCopied = /^(authorization|host|content-length)$/i

/** The header fields of a request, but for those that belong to its sender or its connection. */
export const fieldsOf = ({ request }: Exchange): Field[] => request.headers.filter(([name]) => !notCopied.test(name))

/** The message that opens a connection, sent without a token and otherwise as each variant has it. */
export function withoutToken(
  name: string,
  variants: (opening: Exchange, context: ProbeContext) => Record<string, RawRequest>,
): Probe<Bare> {
  return probe(name, { over: 'http', requires: 'authorization' }, async (context) => {
    const opening = async () => (await context.connect({ hold: true })).opening
    const before = await opening()
    const tried = await Promise.all(
      Object.entries(variants(before, context)).map(async ([what, { headers = [], ...raw }]) => ({
        what,
        exchange: await context.request({
          method: 'POST',
          body: before.request.body,
          authorize: false,
          deadline: 3_000,
          ...raw,
          headers: [...fieldsOf(before), ...headers],
        }),
      })),
    )
    return { before, tried, after: await opening() }
  })
}

/** A result came back, or a stream was opened. */
export const isServed = (exchange: Exchange): boolean =>
  resultOf(exchange) !== undefined || (statusOf(exchange) === 200 && mediaTypeOf(exchange) === 'text/event-stream')

/** None was served; that nothing came back at all is a refusal as well. */
export const noneServed = ({ before, tried, after }: Bare): Judgement =>
  controlled([before, after], () =>
    all(
      tried.map(({ what, exchange }) =>
        exchange.failure?.code === 'aborted'
          ? holds
          : holdsIf(!isServed(exchange), `serves a request ${what}`, {
              expected: 'HTTP 4xx, or no answer',
              actual: summaryOf(exchange),
              exchange,
            }),
      ),
    ),
  )

/** For a check that wants none of a probe's requests served. */
export const refuses = (attempts: Probe<Bare>) => ({
  needs: { attempts },
  judge: ({ attempts }: { attempts: Bare }) => noneServed(attempts),
})
