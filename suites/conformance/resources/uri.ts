const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/
const other = /[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]/
const halfEncoded = /%(?![0-9A-Fa-f]{2})/

/** What RFC 3986 does not allow in a text that is to be a URI; nothing when it allows all. */
export function uriProblem(text: string): string | undefined {
  if (!scheme.test(text)) return 'it has no scheme'
  const character = other.exec(text)?.[0]
  if (character !== undefined) return `it has the character ${JSON.stringify(character)}`
  if (halfEncoded.test(text)) return 'it has a percent sign that encodes nothing'
  return text.split('#').length > 2 ? 'it has two fragments' : undefined
}
