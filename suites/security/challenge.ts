import { type Exchange, headerOf } from '../../src/model/index.ts'

/** A challenge of a WWW-Authenticate field. */
export interface Challenge {
  /** In lower case. */
  scheme: string
  parameters: Record<string, string>
  token68?: string
}

/** Reads a WWW-Authenticate field by the grammar of RFC 9110; undefined when it does not fit. Fields of one name arrive joined by commas. */
export function parseChallenges(field: string): Challenge[] | undefined {
  const reader = new Reader(field)
  const challenges: Challenge[] = []
  while (reader.skipCommas()) {
    const fits = addParameter(reader, challenges.at(-1)) || addChallenge(reader, challenges)
    if (!fits || !reader.atEndOfItem()) return undefined
  }
  return challenges.length === 0 ? undefined : challenges
}

/** The challenge of a scheme, given in lower case, that an answer holds. */
export const challengeFor = (exchange: Exchange, scheme: string): Challenge | undefined =>
  parseChallenges(headerOf(exchange, 'www-authenticate') ?? '')?.find((challenge) => challenge.scheme === scheme)

/** The Bearer challenge of the field, if it has one and can be read. */
export const bearerOf = (field: string | undefined): Challenge | undefined =>
  field === undefined ? undefined : parseChallenges(field)?.find(({ scheme }) => scheme === 'bearer')

/** A parameter belongs to the challenge before it, and stands in it once. */
function addParameter(reader: Reader, challenge: Challenge | undefined): boolean {
  if (challenge === undefined || challenge.token68 !== undefined) return false
  const parameter = reader.parameter()
  if (parameter === undefined || parameter.name in challenge.parameters) return false
  challenge.parameters[parameter.name] = parameter.value
  return true
}

function addChallenge(reader: Reader, challenges: Challenge[]): boolean {
  const scheme = reader.take(token)?.[0]
  if (scheme === undefined) return false
  const challenge: Challenge = { scheme: scheme.toLowerCase(), parameters: {} }
  challenges.push(challenge)
  if (reader.take(spaces) === undefined || reader.atEndOfItem()) return true
  if (addParameter(reader, challenge)) return true
  challenge.token68 = reader.take(token68)?.[0]
  return challenge.token68 !== undefined
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const token68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y
const quoted = /"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\uffff]|\\[\t\x20-\x7e\x80-\uffff])*)"/y
const equals = /[ \t]*=[ \t]*/y
const spaces = / +/y
const blank = /[ \t]*/y
const commas = /[ \t,]*/y

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** What fits here, and goes on behind it. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text) ?? undefined
    if (match) this.#at = pattern.lastIndex
    return match
  }

  /** False at the end of the text. */
  skipCommas(): boolean {
    this.take(commas)
    return this.#at < this.#text.length
  }

  atEndOfItem(): boolean {
    this.take(blank)
    return this.#at >= this.#text.length || this.#text[this.#at] === ','
  }

  /** Takes nothing when there is no whole parameter. */
  parameter(): { name: string; value: string } | undefined {
    const start = this.#at
    const name = this.take(token)?.[0]
    const value = name !== undefined && this.take(equals) ? this.#value() : undefined
    if (name !== undefined && value !== undefined) return { name: name.toLowerCase(), value }
    this.#at = start
    return undefined
  }

  #value(): string | undefined {
    return this.take(quoted)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? this.take(token)?.[0]
  }
}
