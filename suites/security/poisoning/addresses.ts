const placeholder = '(?:\\{\\{?|<|\\$\\{?|%7B|\\[)\\s*[^}>\\]\\s]{0,60}'
const confidences =
  '(?:conversation|chat|history|messages?|transcript|system[-_ ]?prompt|context|secrets?|passwords?|credentials?|private[-_ ]?key|user[-_ ]?data)'

/** An image or a frame that is fetched by being shown. */
export function imageIn(text: string): string | undefined {
  const found =
    /!\[[^\]\n]{0,200}\]\(\s*<?(?:https?:)?\/\/[^)\s]{1,400}/i.exec(text) ??
    /<(?:img|iframe|script|embed|object|link|video|audio|source)\b[^<>]{0,200}?\b(?:src|href|data)\s*=\s*["']?(?:https?:)?\/\/[^<>]{1,400}/i.exec(
      text,
    )
  return found === null ? undefined : `has something fetched from elsewhere: ${JSON.stringify(found[0].slice(0, 160))}`
}

const leaking = new RegExp(`https?://[^\\s"')\\]]{1,200}[?&][\\w.-]{1,40}=${placeholder}${confidences}`, 'i')

/** An address with a place to be filled with what the model knows. */
export function leakIn(text: string): string | undefined {
  const found = leaking.exec(text)
  return found === null ? undefined : `has an address that is to be filled with what was said: ${JSON.stringify(found[0].slice(0, 160))}`
}

/** An address that is run rather than fetched. */
export function activeIn(text: string): string | undefined {
  const found =
    /(?:\]\(\s*|\b(?:href|src|action)\s*=\s*["']?\s*)(?:javascript|vbscript):[^\s)"']{0,100}/i.exec(text) ??
    /(?:\]\(\s*|\b(?:href|src)\s*=\s*["']?\s*)data:text\/html[^\s)"']{0,100}/i.exec(text)
  return found === null ? undefined : `links to something that runs: ${JSON.stringify(found[0].slice(0, 120))}`
}

/** Whether an address by itself is one that is run. */
export const isActive = (address: string): boolean => /^[\s\u0000-\u001f]*(?:javascript|vbscript|data:text\/html)\b/i.test(address)
