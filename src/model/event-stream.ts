import type { StreamEvent } from './exchange.ts'

/**
 * Reads `text/event-stream` as the HTML standard says: LF, CR or CRLF, comments, multi-line data, and a last event dropped
 * when the stream ends before its blank line.
 */
export class EventStreamParser {
  readonly #emit: (event: Omit<StreamEvent, 'at'>) => void
  #rest = ''
  #afterCarriageReturn = false
  #first = true
  #fields: { id?: string; event?: string; retry?: string; data?: string } = {}

  constructor(emit: (event: Omit<StreamEvent, 'at'>) => void) {
    this.#emit = emit
  }

  push(chunk: string): void {
    let text = chunk
    if (this.#first && text.length > 0) {
      this.#first = false
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    if (this.#afterCarriageReturn && text.startsWith('\n')) text = text.slice(1)
    if (text.length > 0) this.#afterCarriageReturn = text.endsWith('\r')
    const lines = (this.#rest + text).split(/\r\n|\n|\r/)
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') this.#dispatch()
    else if (!line.startsWith(':')) this.#field(line)
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') this.#fields.data = this.#fields.data === undefined ? value : `${this.#fields.data}\n${value}`
    else if (name === 'id' && !value.includes('\0')) this.#fields.id = value
    else if (name === 'event') this.#fields.event = value
    else if (name === 'retry') this.#fields.retry = value
  }

  #dispatch(): void {
    const { data, ...fields } = this.#fields
    this.#fields = {}
    // A block without data dispatches nothing to a page, but its id and retry are what a client resumes with.
    if (data !== undefined || fields.id !== undefined || fields.retry !== undefined) this.#emit({ ...fields, data: data ?? '' })
  }
}
