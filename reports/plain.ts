/**
 * Text from elsewhere, made harmless for where it is shown. What a target says must not be able to colour a terminal, move its
 * cursor, end an XML element or open a link in a report.
 */

// CSI, OSC (ended by BEL or ST), other two-byte escapes, and the 8-bit forms of the first two.
const escapes = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]|\u009b[0-?]*[ -/]*[@-~]/g
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g
// Marks that turn the reading direction around can make a line say something else than it does.
const directions = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Without escape sequences and control characters; line ends and tabs stay. */
export const plain = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').replace(escapes, '').replace(controls, '').replace(directions, '')

/** The same on one line. */
export const plainLine = (text: string): string => plain(text).replace(/\s+/g, ' ').trim()

/** For XML text and attributes, without the characters XML 1.0 has no place for. */
export const xml = (text: string): string =>
  plain(text)
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')

/** For a line of Markdown: neither markup nor HTML. */
export const markdown = (text: string): string =>
  plainLine(text)
    .replace(/[\\`*_{}[\]()#+!|~]/g, '\\$&')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
