import {
  all,
  answered,
  broken,
  controlled,
  type Exchange,
  errorOf,
  type Forgery,
  holds,
  inconclusive,
  type Judgement,
  type Probe,
  type ProbeContext,
  probe,
  resultOf,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { decodeJwt } from './jwt.ts'

/** Openings with wrong tokens, between two with a right one. */
export interface Attempts {
  before: Exchange
  tried: Attempt[]
  after: Exchange
}

export interface Attempt {
  /** Completes "a token …". */
  what: string
  opening: Exchange
}

/** Opens a connection with each wrong token; the opening belongs to no session, so nothing but the token decides. */
export async function attempt({ connect }: ProbeContext, right: string, wrong: Record<string, string>): Promise<Attempts> {
  const open = async (token: string, forged: boolean) => (await connect({ token, forged, hold: true })).opening
  const before = await open(right, false)
  const tried = await Promise.all(Object.entries(wrong).map(async ([what, token]) => ({ what, opening: await open(token, true) })))
  return { before, tried, after: await open(right, false) }
}

/** A probe of tokens the forging issuer mints; each forgery may build on the claims of a right token. */
export function forgeries(name: string, wrong: (right: Record<string, unknown>) => Record<string, Forgery>): Probe<Attempts> {
  return probe(name, { over: 'http', requires: ['authorization', 'forging issuer'] }, async (context) => {
    const issuer = context.instruments.issuer!
    const right = await issuer.mint()
    const minted = Object.entries(wrong(decodeJwt(right)!.claims)).map(
      async ([what, forgery]) => [what, await issuer.mint(forgery)] as const,
    )
    return attempt(context, right, Object.fromEntries(await Promise.all(minted)))
  })
}

/** Every wrong token is turned away while the right one is let in. */
export const allRefused = (attempts: Attempts): Judgement => judged(attempts, turnedAway)

/** Judges each wrong token, provided the right one is let in before and after. */
export const judged = ({ before, tried, after }: Attempts, judge: (attempt: Attempt) => Judgement): Judgement =>
  controlled([before, after], () => all(tried.map(judge)))

/** The token opened nothing, and did not make the target fail either. */
export const turnedAway = ({ what, opening }: Attempt): Judgement =>
  answered(opening, () => {
    const status = statusOf(opening)!
    const detail = { expected: 'HTTP 401', actual: summaryOf(opening), exchange: opening }
    if (status === 503) return inconclusive('the target is not available', opening)
    if (status >= 500) return broken(`fails on a token ${what}`, detail)
    const refused = resultOf(opening) === undefined && (status >= 400 || errorOf(opening) !== undefined)
    return refused ? holds : broken(`accepts a token ${what}`, detail)
  })

/** The opening again, as a request of its own with other header fields or at another URL. */
export function again(
  { request }: ProbeContext,
  { request: sent }: Exchange,
  change: { headers?: [string, string][]; url?: string; authorize?: boolean },
): Promise<Exchange> {
  const own = new Set(['authorization', 'host', 'content-length', ...(change.headers ?? []).map(([name]) => name.toLowerCase())])
  const headers = [...sent.headers.filter(([name]) => !own.has(name.toLowerCase())), ...(change.headers ?? [])]
  return request({ method: sent.method, body: sent.body, authorize: change.authorize ?? false, headers, url: change.url, deadline: 2_000 })
}
