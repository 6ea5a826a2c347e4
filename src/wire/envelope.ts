import type { Era, Revision, ToolDefinition } from '../model/index.ts'

/** What we say we are, in `initialize` and in `_meta`. */
export const clientInfo = { name: 'assay', version: '0.1.0' }

const metaPrefix = 'io.modelcontextprotocol/'

/** The `_meta` members every stateless request carries (2026-07-28, basic#_meta). */
export function requestMeta(revision: Revision, capabilities: Record<string, unknown>): Record<string, unknown> {
  return {
    [`${metaPrefix}protocolVersion`]: revision,
    [`${metaPrefix}clientInfo`]: clientInfo,
    [`${metaPrefix}clientCapabilities`]: capabilities,
  }
}

/** Parameters with the `_meta` of the era, and of the caller, merged in. */
export function withMeta(
  era: Era,
  revision: Revision,
  capabilities: Record<string, unknown>,
  params: Record<string, unknown> | undefined,
  extra: Record<string, unknown> | null | undefined,
): Record<string, unknown> | undefined {
  if (extra === null) return params
  if (era === 'session') return extra === undefined ? params : { ...params, _meta: { ...(params?._meta as object), ...extra } }
  return { ...params, _meta: { ...requestMeta(revision, capabilities), ...(params?._meta as object), ...extra } }
}

/** `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` of a stateless request (2026-07-28, transports/streamable-http#request-metadata). */
export function mirroredHeaders(
  method: string,
  params: Record<string, unknown> | undefined,
  tool: ToolDefinition | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { 'Mcp-Method': method }
  const name = method === 'resources/read' ? params?.uri : method === 'tools/call' || method === 'prompts/get' ? params?.name : undefined
  if (typeof name === 'string') headers['Mcp-Name'] = headerValue(name)
  if (method === 'tools/call' && tool?.inputSchema !== undefined)
    for (const [header, value] of annotated(tool.inputSchema, params?.arguments))
      headers[`Mcp-Param-${header}`] = headerValue(String(value))
  return headers
}

/** Plain when it is visible ASCII without outer spaces, else in the Base64 form of the specification. */
export function headerValue(value: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !(value.startsWith('=?base64?') && value.endsWith('?='))
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`
}

/** An annotation that is no header name cannot be sent; whether it may stand there is for a check to say. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Names and values of arguments annotated with `x-mcp-header`, reached through `properties` only. */
export function annotated(schema: unknown, value: unknown): [header: string, value: unknown][] {
  const properties = (schema as { properties?: Record<string, unknown> } | undefined)?.properties
  if (typeof properties !== 'object' || properties === null) return []
  return Object.entries(properties).flatMap(([key, property]): [string, unknown][] => {
    const at = (value as Record<string, unknown> | undefined)?.[key]
    const header = (property as Record<string, unknown> | null)?.['x-mcp-header']
    const own: [string, unknown][] =
      typeof header === 'string' && token.test(header) && at !== undefined && at !== null ? [[header, at]] : []
    return [...own, ...annotated(property, at)]
  })
}

/** What a client that offers nothing answers to a request of the server; a server left without an answer may wait for ever. */
export const answerToServer = ({ id, method }: Record<string, unknown>): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    ...(method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'not offered by this client' } }),
  })

/** The value of a JSON text, or undefined when it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
