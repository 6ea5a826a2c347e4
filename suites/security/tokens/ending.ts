import {
  type Exchange,
  inconclusive,
  type Judgement,
  type ProbeContext,
  resultOf,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { askForToken, type Credentials, membersOf } from '../flow/agent.ts'
import { turnedAway } from './attempts.ts'

/** Milliseconds in which the early end of a token must have reached the target. */
export const window = 10_000
const step = 250

const isLimited = (exchange: Exchange): boolean => statusOf(exchange) === 429

/** A token for an agent, and how to open a connection with it. */
export async function tokenInUse(context: ProbeContext, endpoint: string, credentials: Credentials) {
  const given = await askForToken(context, endpoint, credentials)
  const name = membersOf(given).access_token
  if (typeof name !== 'string') throw new Unfit('inconclusive', `no token is given: ${summaryOf(given)}`)
  const token = context.reveal(name)
  return { name, token, open: async (forged: boolean) => (await context.connect({ token, forged, hold: true })).opening }
}

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
