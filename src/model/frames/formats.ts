const notBase64 = /[^A-Za-z0-9+/]/
const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:/
const blank = /[\x00-\x20\x7f]/
const variable = /^(?:\w|%[0-9A-Fa-f]{2})+(?:\.(?:\w|%[0-9A-Fa-f]{2})+)*(?:\*|:[1-9]\d{0,3})?$/

/** RFC 4648 base64 with its padding. Line breaks are let pass, as MIME has them. */
function byte(text: string): boolean {
  const plain = text.includes('\n') ? text.replaceAll(/[\r\n]/g, '') : text
  // A search, not a match of the whole: that one keeps a backtrack position for every character of what may be megabytes.
  const end = plain.search(notBase64)
  return plain.length % 4 === 0 && (end < 0 || /^={1,2}$/.test(plain.slice(end)))
}

/** A scheme, then anything without blanks: which characters a scheme of its own allows is not for us to say. */
const uri = (text: string): boolean => absolute.test(text) && !blank.test(text)

/** RFC 6570, exact about expressions and lenient about the literals between them. */
function uriTemplate(text: string): boolean {
  const [first, ...expressions] = text.split('{')
  if (blank.test(text) || first!.includes('}')) return false
  return expressions.every((part) => {
    const end = part.indexOf('}')
    if (end < 1 || part.indexOf('}', end + 1) >= 0) return false
    const list = part.slice(0, end).replace(/^[+#./;?&=,!@|]/, '')
    return list.split(',').every((one) => variable.test(one))
  })
}

export const formats = { byte, uri, 'uri-template': uriTemplate }

export const formatWords: Record<string, string> = {
  byte: 'base64 (RFC 4648)',
  uri: 'an absolute URI (RFC 3986)',
  'uri-template': 'a URI template (RFC 6570)',
}
