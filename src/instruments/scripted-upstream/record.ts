import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { UpstreamCall } from '../../model/index.ts'

const kept = 1000
const longestText = 4096
const largestParams = 256 * 1024

/** What stands in the record for a secret, so that it can be compared and not used. */
export const fingerprint = (secret: string): string => `sha256:${createHash('sha256').update(secret).digest('hex')}`

const secretHeaders = new Set(['cookie', 'proxy-authorization', 'x-api-key'])
const tokenShape = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g

const withoutTokens = (text: string): string => text.replaceAll(tokenShape, fingerprint)

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
      if (name === 'authorization') return [name, authorizationOf(text)]
      return [name, secretHeaders.has(name) ? fingerprint(text) : withoutTokens(text)]
    }),
  )
}

function authorizationOf(text: string): string {
  const space = text.indexOf(' ')
  return space < 0 ? fingerprint(text) : `${text.slice(0, space)} ${fingerprint(text.slice(space + 1).trim())}`
}

/** The parameters as far as the record can afford them: long texts cut, tokens replaced, very large ones left out. */
function paramsOf(params: unknown): Record<string, unknown> | undefined {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined
  const text = JSON.stringify(params, (_, value) =>
    typeof value === 'string' ? withoutTokens(value.length > longestText ? `${value.slice(0, longestText)}…` : value) : value,
  )
  return text.length > largestParams ? undefined : JSON.parse(text)
}

/** One message as it reached the upstream. */
export function observe(request: IncomingMessage, message?: Record<string, unknown>): UpstreamCall {
  const call: UpstreamCall = { at: Date.now(), verb: request.method ?? '', headers: headersOf(request) }
  if (typeof message?.method === 'string') call.method = message.method
  if (message && 'id' in message) call.id = message.id
  const params = paramsOf(message?.params)
  if (params) call.params = params
  return call
}

/** The newest calls, as many as are worth keeping. */
export class Calls {
  #calls: UpstreamCall[] = []

  add(call: UpstreamCall): void {
    this.#calls.push(call)
    if (this.#calls.length > kept) this.#calls.shift()
  }

  list(): UpstreamCall[] {
    return structuredClone(this.#calls)
  }

  clear(): void {
    this.#calls = []
  }
}
