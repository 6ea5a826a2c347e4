import {
  answered,
  broken,
  type Exchange,
  errorOf,
  holds,
  inconclusive,
  type Judgement,
  notTestable,
  resultOf,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { heard } from './pair.ts'
import type { Views } from './views.ts'

/** The first of these words in what came back, unless the request itself contains it. */
export function wordIn(words: readonly string[], exchange: Exchange): string | undefined {
  const { url, body, headers } = exchange.request
  const sent = `${url}\n${body ?? ''}\n${JSON.stringify(headers)}`
  const text = heard(exchange)
  return words.find((word) => text.includes(word) && !sent.includes(word))
}

/** Nothing came back that belongs to somebody else. */
export const showsNone = (words: readonly string[], exchange: Exchange, when = ''): Judgement =>
  answered(exchange, () => {
    const word = wordIn(words, exchange)
    return word === undefined
      ? holds
      : broken(`shows what belongs to another tenant${when === '' ? '' : ` ${when}`}`, {
          expected: 'nothing that only the other tenant has',
          actual: word,
          exchange,
        })
  })

export const isResult = (exchange: Exchange): boolean => resultOf(exchange) !== undefined && resultOf(exchange)!.isError !== true

export const isRefusal = (exchange: Exchange): boolean =>
  !isResult(exchange) && (errorOf(exchange) !== undefined || resultOf(exchange)?.isError === true || (statusOf(exchange) ?? 0) >= 400)

/** The exchanges without the fault under test have succeeded. */
export function proven(controls: readonly Exchange[], judge: () => Judgement): Judgement {
  const failed = controls.find((control) => !isResult(control))
  if (controls.length === 0) return inconclusive('no control was sent')
  return failed ? inconclusive(`the control, the same request undamaged, does not succeed: ${summaryOf(failed)}`, failed) : judge()
}

const alike = notTestable(
  'two tenants see the same here, so nothing shows whose it is: under `identities.<name>.canaries` name texts that only one tenant may see',
)

/** Judges only when it is known by what one of the tenants would be recognised. */
export const tellable = ({ words }: Pick<Views, 'words'>, judge: () => Judgement): Judgement =>
  words.own.length === 0 || words.other.length === 0 ? alike : judge()
