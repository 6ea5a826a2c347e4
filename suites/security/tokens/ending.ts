import { type Exchange, inconclusive, type Judgement, type ProbeContext, resultOf, statusOf } from '../../../src/model/index.ts'
import { turnedAway } from './attempts.ts'

/** Milliseconds in which the early end of a token must have reached the target. */
export const window = 10_000
const step = 250

const isLimited = (exchange: Exchange): boolean => statusOf(exchange) === 429

/** Sends the same again until it is refused or the window is over; gives back the last answer. */
export async function untilRefused({ pause }: ProbeContext, send: () => Promise<Exchange>): Promise<Exchange> {
  const began = performance.now()
  let last = await send()
  while ((resultOf(last) !== undefined || isLimited(last)) && performance.now() - began < window) {
    await pause(step)
    last = await send()
  }
  return last
}

/** The last answer is a refusal, of the token and not of one request too many. */
export const refusedInTime = (what: string, last: Exchange): Judgement =>
  isLimited(last) ? inconclusive('the target takes no more requests for now', last) : turnedAway({ what, opening: last })
