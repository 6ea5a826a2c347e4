/** A challenge of a WWW-Authenticate field. */
export interface Challenge {
  scheme: string
  parameters: Record<string, string>
  token68?: string
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const token68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y
const quoted = /"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\uffff]|\\[\t\x20-\x7e\x80-\uffff])*)"/y
const space = /[ \t]*/y

/** Reads a WWW-Authenticate field by the grammar of RFC 9110; undefined when it does not fit. Fields of one name arrive joined by commas. */
export function parseChallenges(field: string): Challenge[] | undefined {
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(field)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match
  }
  const parameter = (): [string, string] | undefined => {
    const start = at
    const name = take(token)?.[0]
    take(space)
    if (name !== undefined && field[at] === '=') {
      at += 1
      take(space)
      const value = take(quoted)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? take(token)?.[0]
      if (value !== undefined) return [name.toLowerCase(), value]
    }
    at = start
    return undefined
  }

  const challenges: Challenge[] = []
  while (at < field.length) {
    take(space)
    if (field[at] === ',') {
      at += 1
      continue
    }
    const current = challenges.at(-1)
    const more = current?.token68 === undefined ? parameter() : undefined
    if (more !== undefined) {
      // A parameter belongs to a challenge, and stands in it once.
      if (current === undefined || more[0] in current.parameters) return undefined
      current.parameters[more[0]] = more[1]
    } else {
      const scheme = take(token)?.[0]
      if (scheme === undefined) return undefined
      const next: Challenge = { scheme: scheme.toLowerCase(), parameters: {} }
      challenges.push(next)
      if (/^ +[^ ,]/.test(field.slice(at))) {
        take(space)
        const first = parameter()
        if (first !== undefined) next.parameters[first[0]] = first[1]
        else next.token68 = take(token68)?.[0]
        if (first === undefined && next.token68 === undefined) return undefined
      }
    }
    take(space)
    if (at < field.length && field[at] !== ',') return undefined
  }
  return challenges.length === 0 ? undefined : challenges
}

/** The Bearer challenge of the field, if it has one and can be read. */
export const bearerOf = (field: string | undefined): Challenge | undefined =>
  field === undefined ? undefined : parseChallenges(field)?.find(({ scheme }) => scheme === 'bearer')
