/**
 * What a text for models holds when it is meant to be obeyed behind the back of its reader. The patterns are few and narrow:
 * honest descriptions give orders too ("call this first", "do not show the raw table"), and those must pass.
 */
const patterns: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    'sets earlier instructions aside',
    /\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,20}\b(?:previous|prior|above|earlier|preceding|all other|any other|your|system)\b[^.\n]{0,20}\b(?:instructions?|prompts?|guidelines?|directives?|safeguards?)\b/i,
  ],
  [
    'asks for secrecy towards the user',
    /\b(?:do not|don['’]?t|never|must not|without)\s+(?:ever\s+)?(?:tell|mention|inform|notify|alert|disclose|reveal|telling|mentioning|informing|notifying|alerting)\b[^.\n]{0,40}\b(?:users?|human)\b/i,
  ],
  ['asks for secrecy towards the user', /\bwithout\s+the\s+(?:user|human)['’]?s?\s+(?:knowledge|knowing|consent|noticing)\b/i],
  [
    'speaks in the place of the system or the user',
    /<\|(?:im_start|im_end|system|user|assistant|eot_id|start_header_id)\|>|\[\/?INST\]|<<\/?SYS>>/,
  ],
  ['poses as a message of higher rank', /<(important|system|secret|hidden|admin|override)>[\s\S]{20,4000}?<\/\1>/i],
  [
    'asks for files with credentials',
    /\b(?:read|open|cat|load|fetch|include|send|attach|access)\b[^\n]{0,60}(?:~\/\.ssh\b|\bid_(?:rsa|ed25519)\b|\/etc\/(?:passwd|shadow)\b|~\/\.aws\/credentials\b|~\/\.cursor\/mcp\.json\b|\bmcp\.json\b)[^\n]{0,160}\b(?:pass|send|include|provide|put|attach|append|as|in)\b[^\n]{0,40}\b(?:parameters?|arguments?|sidenote|field|request|query|contents?|result)\b/i,
  ],
  [
    'asks for the instructions of the model',
    /\b(?:include|pass|send|append|attach|provide|put|insert|copy|repeat|output|print)\b[^.\n]{0,40}\b(?:your|the (?:full|entire|complete|exact|original))\s+(?:own\s+|current\s+|full\s+)?(?:system (?:prompt|message)|initial instructions|hidden instructions|chain[- ]of[- ]thought)\b/i,
  ],
]

const quotes = /["'“”‘`]\s*$/

/** What a text asks of a model that its reader would not; undefined when it does not. */
export function instructionIn(text: string): string | undefined {
  for (const [what, pattern] of patterns) {
    const found = pattern.exec(text)
    // A filter or scanner names in quotation marks what it looks for.
    if (found !== null && !quotes.test(text.slice(0, found.index))) return `${what}: ${JSON.stringify(found[0].slice(0, 160))}`
  }
  return undefined
}

/** Text that stands in another as base64. */
export function encodedIn(text: string): string | undefined {
  for (const [run] of text.matchAll(/[A-Za-z0-9+/]{48,4000}={0,2}/g)) {
    const decoded = Buffer.from(run, 'base64').toString('latin1')
    const words = decoded.match(/\b[a-z]{2,} /gi)?.length ?? 0
    if (/^[\t\n\r\x20-\x7e]+$/.test(decoded) && words >= 5) return decoded
  }
  return undefined
}

/** Text that its renderer leaves out. */
export function unrenderedIn(text: string): string | undefined {
  const comment = /<!--([\s\S]{20,4000}?)-->/.exec(text)
  if (comment !== null && (comment[1]!.match(/[a-z]{2,} /gi)?.length ?? 0) >= 4)
    return `holds a comment: ${JSON.stringify(comment[0].slice(0, 160))}`
  const style = /<[a-z]+\s[^<>]{0,200}(?:display:\s*none|visibility:\s*hidden|font-size:\s*0|opacity:\s*0(?![.\d]))[^<>]{0,200}>/i.exec(
    text,
  )
  return style === null ? undefined : `holds an element that is not shown: ${JSON.stringify(style[0].slice(0, 160))}`
}

/** Text that is pushed out of sight by what stands before it. */
export function paddingIn(text: string): string | undefined {
  const blank = /[ \t\u00a0\u2000-\u200a\u3000]{80}|(?:\r?\n[ \t]{0,8}){16}/.exec(text)
  if (blank === null) return undefined
  const after = text.slice(blank.index).trim()
  return /\p{L}/u.test(after)
    ? `goes on after ${blank[0].includes('\n') ? 'many empty lines' : 'a long blank'}: ${JSON.stringify(after.slice(0, 120))}`
    : undefined
}
