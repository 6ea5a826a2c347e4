const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', '0': '\0' }

/**
 * Reads the object or array literal that starts at `start` of a script, without running the script. Only what a minifier makes of JSON
 * is understood; anything else, such as a variable or a template with a placeholder, is an error.
 */
export function readLiteral(source: string, start: number): unknown {
  let at = start

  const fail = (wanted: string): never => {
    throw new Error(`expected ${wanted} at offset ${at}, found ${JSON.stringify(source.slice(at, at + 40))}`)
  }
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(source)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const take = (text: string): boolean => {
    match(/\s*/y)
    if (!source.startsWith(text, at)) return false
    at += text.length
    return true
  }

  function string(quote: string): string {
    let text = ''
    for (;;) {
      text += match(/[^\\"'`$]+/y) ?? ''
      const character = source[at++]
      if (character === undefined || (quote === '`' && character === '$' && source[at] === '{')) fail('the rest of a string')
      if (character === quote) return text
      text += character === '\\' ? escaped() : character
    }
  }
  function escaped(): string {
    const unicode = match(/x[0-9a-f]{2}|u[0-9a-f]{4}/iy)
    if (unicode) return String.fromCharCode(Number.parseInt(unicode.slice(1), 16))
    const character = source[at++] ?? fail('an escape')
    return escapes[character] ?? (character === '\n' ? '' : character)
  }
  function object(): Record<string, unknown> {
    const members: Record<string, unknown> = {}
    while (!take('}')) {
      const key = quoted() ?? match(/[\w$]+/y) ?? fail('a key')
      if (!take(':')) fail('a colon')
      members[key] = value()
      if (!take(',') && source[at] !== '}') fail('a comma or the end of an object')
    }
    return members
  }
  function array(): unknown[] {
    const items: unknown[] = []
    while (!take(']')) {
      items.push(value())
      if (!take(',') && source[at] !== ']') fail('a comma or the end of an array')
    }
    return items
  }
  function quoted(): string | undefined {
    match(/\s*/y)
    const quote = match(/["'`]/y)
    return quote === undefined ? undefined : string(quote)
  }
  function value(): unknown {
    if (take('{')) return object()
    if (take('[')) return array()
    const text = quoted()
    if (text !== undefined) return text
    const word = match(/!0|!1|true|false|null|-?[\d.]+(?:e[+-]?\d+)?/iy) ?? fail('a literal')
    return word === '!0' ? true : word === '!1' ? false : JSON.parse(word.replace(/^(-?)\./, '$10.'))
  }

  return value()
}
