import { answerOf, type Exchange, errorOf, resultOf, statusOf } from './exchange.ts'

/**
 * What a check says about the evidence. `broken` becomes `fail` or `warn` by the keyword of the citation, never here,
 * so that severity cannot drift from the source.
 */
export interface Judgement {
  readonly kind: 'holds' | 'broken' | 'not-applicable' | 'not-testable' | 'inconclusive'
  /** One sentence in the present tense: what the target does wrong, why nothing can be said, or how much was seen to hold. */
  readonly reason?: string
  readonly expected?: unknown
  readonly actual?: unknown
  /** The exchange that shows it. */
  readonly exchange?: Exchange
  /** Both must hold: the worse of the two stands. */
  and(other: Judgement): Judgement
}

// A part that could not be tested outweighs one that holds, so that a half-tested rule is never green.
const weight = { 'not-applicable': 0, holds: 1, 'not-testable': 2, inconclusive: 3, broken: 4 } as const

function judgement(parts: Omit<Judgement, 'and'>): Judgement {
  const self: Judgement = { ...parts, and: (other) => (weight[other.kind] > weight[self.kind] ? other : self) }
  return self
}

export interface Detail {
  expected?: unknown
  actual?: unknown
  exchange?: Exchange
}

export const holds: Judgement = judgement({ kind: 'holds' })
/** Holds, as far as the note says: for what only many trials can show. */
export const holdsWith = (note: string): Judgement => judgement({ kind: 'holds', reason: note })
export const broken = (reason: string, detail: Detail = {}): Judgement => judgement({ kind: 'broken', reason, ...detail })
export const notApplicable = (reason: string): Judgement => judgement({ kind: 'not-applicable', reason })
export const notTestable = (reason: string): Judgement => judgement({ kind: 'not-testable', reason })
export const inconclusive = (reason: string, exchange?: Exchange): Judgement => judgement({ kind: 'inconclusive', reason, exchange })

/** All must hold. An empty list holds nothing: it is inconclusive, because nothing was looked at. */
export function all(judgements: readonly Judgement[]): Judgement {
  if (judgements.length === 0) return inconclusive('nothing was there to be judged')
  return judgements.reduce((worst, next) => worst.and(next))
}

/** Judges each item; an empty list is not applicable, for the reason given. */
export function each<T>(items: readonly T[], none: string, judge: (item: T) => Judgement): Judgement {
  return items.length === 0 ? notApplicable(none) : all(items.map(judge))
}

/** Holds when the condition does. */
export const holdsIf = (condition: boolean, otherwise: string, detail: Detail = {}): Judgement =>
  condition ? holds : broken(otherwise, detail)

/**
 * Judges an exchange that must have ended in some answer; one that was cut off, refused or timed out says nothing about
 * the rule, and is inconclusive.
 */
export function answered(exchange: Exchange, judge: (exchange: Exchange) => Judgement): Judgement {
  if (exchange.via === 'http' && exchange.response === undefined) return inconclusive(`no response: ${exchange.failure?.message}`, exchange)
  if (exchange.failure !== undefined && exchange.messages.length === 0 && exchange.failure.code !== 'aborted')
    return inconclusive(exchange.failure.message, exchange)
  return judge(exchange)
}

/** The HTTP status is one of these. */
export function hasStatus(exchange: Exchange, ...allowed: number[]): Judgement {
  return answered(exchange, () => {
    const status = statusOf(exchange)
    return holdsIf(allowed.includes(status!), `answers ${status}`, {
      expected: `HTTP ${allowed.join(' or ')}`,
      actual: `HTTP ${status}`,
      exchange,
    })
  })
}

/** The HTTP status is a client error, or a JSON-RPC error came back: the request was refused, and not by a crash. */
export function isRefused(exchange: Exchange, what: string): Judgement {
  return answered(exchange, () => {
    const status = statusOf(exchange)
    const refused = (status !== undefined && status >= 400 && status < 500) || errorOf(exchange) !== undefined
    return holdsIf(refused, what, { expected: 'HTTP 4xx or a JSON-RPC error', actual: summaryOf(exchange), exchange })
  })
}

/** The answer is a JSON-RPC error with one of these codes. */
export function hasErrorCode(exchange: Exchange, ...codes: number[]): Judgement {
  return answered(exchange, () => {
    const error = errorOf(exchange)
    return holdsIf(
      error !== undefined && codes.includes(error.code as number),
      error ? `answers with error code ${error.code}` : 'answers without an error',
      {
        expected: `JSON-RPC error ${codes.join(' or ')}`,
        actual: summaryOf(exchange),
        exchange,
      },
    )
  })
}

/** The answer is a JSON-RPC result, judged further if asked. */
export function hasResult(exchange: Exchange, judge: (result: Record<string, unknown>) => Judgement = () => holds): Judgement {
  return answered(exchange, () => {
    const result = resultOf(exchange)
    if (result === undefined)
      return broken('answers without a result', { expected: 'a JSON-RPC result', actual: summaryOf(exchange), exchange })
    const judged = judge(result)
    return judged.kind === 'broken' && judged.exchange === undefined ? broken(judged.reason!, { ...judged, exchange }) : judged
  })
}

/** Says something about the rule only when the controls, the same request undamaged, succeeded. */
export function controlled(controls: readonly Exchange[], judge: () => Judgement): Judgement {
  if (controls.length === 0) return inconclusive('no control was sent')
  const failed = controls.find((control) => resultOf(control) === undefined && !(statusOf(control) === 202 || statusOf(control) === 204))
  return failed ? inconclusive(`the control, the same request undamaged, does not succeed: ${summaryOf(failed)}`, failed) : judge()
}

/** One line saying what came back. */
export function summaryOf(exchange: Exchange): string {
  const { response, failure } = exchange
  const head = response ? `HTTP ${response.status}` : exchange.via === 'stdio' ? 'stdout' : 'no response'
  const answer = answerOf(exchange)
  const error = errorOf(exchange)
  const rest = error
    ? `error ${JSON.stringify(error.code)} ${JSON.stringify(error.message)}`
    : answer && 'result' in answer
      ? `a result ${clip(JSON.stringify(answer.result))}`
      : response?.body
        ? clip(JSON.stringify(response.body))
        : response?.events
          ? `an event stream of ${response.events.length} events`
          : 'an empty body'
  return `${head}, ${failure ? `${failure.message}; ` : ''}${rest}`
}

const clip = (text: string | undefined, length = 160): string =>
  text === undefined ? '' : text.length > length ? `${text.slice(0, length)}…` : text
