import {
  all,
  answered,
  bodyOf,
  broken,
  type ClientAccess,
  type Exchange,
  each,
  holds,
  inconclusive,
  type Judgement,
  type ProbeContext,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { basicCredentials, formBody } from '../forms.ts'
import { decodeJwt } from '../tokens/jwt.ts'

type Json = Record<string, unknown>

/** Parameters in the order they are sent; a name may stand twice. */
export type Form = readonly (readonly [name: string, value: string])[]

/** How a client presents itself. */
export interface Credentials {
  headers: [string, string][]
  form: Form
}

/** A request, what it says about its sender, and what came back. */
export interface Attempt {
  /** Completes "a request …". */
  what: string
  exchange: Exchange
}

/** A request that may have brought a token, and what the token says of itself when it is a JWT. */
export interface TokenAnswer extends Attempt {
  header?: Json
  claims?: Json
}

export const grant = ['grant_type', 'client_credentials'] as const

/** The parameters that have a value. */
export const formOf = (parameters: { scope?: string; resource?: string }): Form =>
  Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))

/** The address of an endpoint, as the metadata gives it. */
export function endpointOf({ facts }: ProbeContext, member: string): string {
  const url = facts.metadata?.[member]
  if (typeof url !== 'string') throw new Unfit('not-applicable', `its metadata names no ${member.replaceAll('_', ' ')}`)
  return url
}

/** Texts of a list in the metadata; undefined when the list is not there. */
export function listed({ metadata }: { metadata?: Json }, member: string): string[] | undefined {
  const list = metadata?.[member]
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : undefined
}

/** The ways a client with a secret may present it; Basic where the metadata is silent (RFC 8414 §2). */
export const methodsOf = (facts: { metadata?: Json }): string[] =>
  listed(facts, 'token_endpoint_auth_methods_supported') ?? ['client_secret_basic']

export function postForm(context: ProbeContext, url: string, form: Form, headers: [string, string][] = []): Promise<Exchange> {
  const type: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
  return context.request({
    url,
    headers: [type, ['Accept', 'application/json'], ...headers],
    body: formBody(context, form),
    authorize: false,
  })
}

export const byBasic = (context: ProbeContext, id: string, secret: string, encode?: (text: string) => string): Credentials => ({
  headers: [['Authorization', basicCredentials(context, id, secret, encode)]],
  form: [],
})

export const byPost = (id: string, secret: string): Credentials => ({
  headers: [],
  form: [
    ['client_id', id],
    ['client_secret', secret],
  ],
})

/** The way of presenting a secret that the control of this authorization server used. */
export type Way = 'basic' | 'post'

export const by = (context: ProbeContext, way: Way, { clientId, clientSecret }: Pick<ClientAccess, 'clientId' | 'clientSecret'>) =>
  way === 'basic' ? byBasic(context, clientId, clientSecret) : byPost(clientId, clientSecret)

/** Every character as `%XX`: what a decoder turns into the same text, and nothing else does. */
export const percentEncoded = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

export const tokenOf = (exchange: Exchange): string | undefined => {
  const token = statusOf(exchange) === 200 ? bodyOf(exchange)?.access_token : undefined
  return typeof token === 'string' ? token : undefined
}

/** The code of a refusal (RFC 6749 §5.2). */
export function codeOf(exchange: Exchange): string | undefined {
  const code = bodyOf(exchange)?.error
  return typeof code === 'string' ? code : undefined
}

/** One line saying what came back. */
export function toldBy(exchange: Exchange): string {
  const code = codeOf(exchange)
  if (code === undefined) return summaryOf(exchange)
  const description = bodyOf(exchange)?.error_description
  return `HTTP ${statusOf(exchange)}, ${code}${typeof description === 'string' ? `: ${description}` : ''}`
}

/** What a token says of itself, for as long as its secret can be looked at. */
export function read({ reveal }: ProbeContext, what: string, exchange: Exchange): TokenAnswer {
  const token = tokenOf(exchange)
  const jwt = token === undefined ? undefined : decodeJwt(reveal(token))
  return { what, exchange, ...(jwt && { header: jwt.header, claims: jwt.claims }) }
}

/** How many tokens these requests brought: some providers send a bill for each. */
export const issuedBy = (exchanges: readonly Exchange[]): number => exchanges.filter((exchange) => tokenOf(exchange) !== undefined).length

export const words = (value: unknown): string[] =>
  (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : typeof value === 'string' ? value.split(' ') : []).filter(
    Boolean,
  )

/** The scopes of a token as far as they can be known: from the token, else from the answer. */
export function scopesOf({ exchange, claims }: TokenAnswer): string[] | undefined {
  if (claims?.scope !== undefined || claims?.scp !== undefined) return words(claims.scope ?? claims.scp)
  const told = bodyOf(exchange)?.scope
  return typeof told === 'string' ? words(told) : undefined
}

export const audienceOf = ({ claims }: TokenAnswer): string[] => (typeof claims?.aud === 'string' ? [claims.aud] : words(claims?.aud))

/** Whether it makes a difference which resource a token is asked for: a server may take no notice of it. */
export function heedsResource(known: TokenAnswer, unknown: TokenAnswer): boolean {
  const [one, other] = [known, unknown].map((answer) => audienceOf(answer).toSorted().join(' '))
  return tokenOf(unknown.exchange) === undefined || one !== other
}

/** Says something only when the same request, undamaged, brought a token before and after. */
export function between(controls: readonly Exchange[], judge: () => Judgement): Judgement {
  const failed = controls.find((control) => tokenOf(control) === undefined)
  return failed ? inconclusive(`the control, the same request undamaged, brings no token: ${toldBy(failed)}`, failed) : judge()
}

/** Judges an answer that is about the request, and not about how busy the server is. */
export function decided(exchange: Exchange, judge: (status: number) => Judgement): Judgement {
  return answered(exchange, () => {
    const status = statusOf(exchange)!
    if (status === 429 || status === 503) return inconclusive('the server is too busy to say', exchange)
    return judge(status)
  })
}

/** Judges each attempt that was made. */
export const eachOf = (attempts: readonly Attempt[], none: string, judge: (attempt: Attempt) => Judgement): Judgement =>
  each(attempts, none, (attempt) => decided(attempt.exchange, () => judge(attempt)))

/** No token came back, and the server did not fail over the request either. */
export function refused({ what, exchange }: Attempt): Judgement {
  const status = statusOf(exchange)!
  const detail = { expected: 'HTTP 4xx and no token', actual: toldBy(exchange), exchange }
  if (bodyOf(exchange)?.access_token !== undefined) return broken(`gives a token to a request ${what}`, detail)
  if (status >= 500) return broken(`fails on a request ${what}`, detail)
  return status >= 400 ? holds : broken(`does not refuse a request ${what}`, detail)
}

/** It was refused, and under one of these codes. */
export function refusedAs(attempt: Attempt, ...codes: string[]): Judgement {
  const { what, exchange } = attempt
  const code = codeOf(exchange)
  return refused(attempt).and(
    code !== undefined && codes.includes(code)
      ? holds
      : broken(code === undefined ? `refuses a request ${what} without a code` : `refuses a request ${what} as ${code}`, {
          expected: `error ${codes.join(' or ')}`,
          actual: toldBy(exchange),
          exchange,
        }),
  )
}

export const everyRefused = (attempts: readonly Attempt[]): Judgement =>
  all(attempts.map((each) => decided(each.exchange, () => refused(each))))
