import { type Exchange, isResponse } from '../../../src/model/index.ts'

const traces: [RegExp, string][] = [
  [/\bat (?:async )?(?:[^\s()]+ )?\(?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s()]+:\d+:\d+\)?/, 'a stack trace'],
  [/Traceback \(most recent call last\)|File "[^"\n]+", line \d+/, 'a stack trace'],
  [/\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)/, 'a stack trace'],
  [/goroutine \d+ \[|\.go:\d+ \+0x[0-9a-f]+/, 'a stack trace'],
  [/\bat [\w.`<>]+\([^)]*\) in \S+:line \d+/, 'a stack trace'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key'],
  [/\bAKIA[0-9A-Z]{16}\b/, 'an access key'],
  [/\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/, 'a token'],
  [/\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|rediss?|amqps?):\/\/[^\s:@/]+:[^\s@/]+@/, 'a connection string with a password'],
]

const paths: [RegExp, string][] = [
  [/(?<![\w:/.])\/(?:home|root|usr|var|opt|srv|Users)\/[^\s"'<>),]+/, 'a path of the file system'],
  [/\b[A-Z]:\\(?:[^\\\s"']+\\)+[^\\\s"']+/, 'a path of the file system'],
  [/\bnode_modules\/[^\s"'<>)]+/, 'a path of the file system'],
]

export interface Internal {
  what: string
  text: string
}

/** What an error gives away that the request had not said itself. Tool errors may speak of paths: that can be what the tool is about. */
export function internalsIn(exchange: Exchange): Internal | undefined {
  const { response, messages } = exchange
  for (const { message } of messages) {
    if (!isResponse(message)) continue
    const result = message.result as { isError?: unknown; content?: unknown } | undefined
    const found =
      'error' in message
        ? search(stringsIn(message.error), exchange, [...traces, ...paths])
        : result?.isError === true
          ? search(stringsIn(result.content), exchange, traces)
          : undefined
    if (found) return found
  }
  const bare = messages.length === 0 && response !== undefined && response.status >= 400
  return bare ? search([response.body], exchange, [...traces, ...paths]) : undefined
}

function search(texts: readonly string[], { request }: Exchange, patterns: readonly [RegExp, string][]): Internal | undefined {
  for (const text of texts) {
    for (const [pattern, what] of patterns) {
      const found = pattern.exec(text)?.[0]
      if (found !== undefined && !request.body?.includes(found) && !request.url.includes(found)) return { what, text: found.slice(0, 300) }
    }
  }
  return undefined
}

/** Every text within a value, to a bound on their number. */
function stringsIn(value: unknown): string[] {
  const queue = [value]
  const found: string[] = []
  for (let seen = 0; queue.length > 0 && seen < 10_000; seen += 1) {
    const next = queue.pop()
    if (typeof next === 'string') found.push(next)
    else if (typeof next === 'object' && next !== null) queue.push(...Object.values(next))
  }
  return found
}
