import { check, type Exchange, each, holdsIf, isObject, section, transcript } from '../../../src/model/index.ts'

/** Members that hold data of others, in which `_meta` may be anything. */
const opaque = new Set(['_meta', 'inputSchema', 'outputSchema', 'structuredContent', 'arguments', 'data', 'schema', 'requestedSchema'])

const deepest = 12

/** Every `_meta` of the protocol in a message: of results and notifications, and of the items within. */
export function metadataIn(value: unknown, depth = 0): Record<string, unknown>[] {
  if (depth > deepest) return []
  if (Array.isArray(value)) return value.flatMap((item) => metadataIn(item, depth + 1))
  if (!isObject(value)) return []
  const own = isObject(value._meta) ? [value._meta] : []
  const inner = Object.entries(value).filter(([key]) => !opaque.has(key))
  return [...own, ...inner.flatMap(([, each]) => metadataIn(each, depth + 1))]
}

const label = /^[a-z]([a-z0-9-]*[a-z0-9])?$/i
const name = /^([a-z0-9]([a-z0-9._-]*[a-z0-9])?)?$/i

/** Whether a key is a name, or labels with dots between, a slash and a name. */
export function isMetadataKey(key: string): boolean {
  const slash = key.indexOf('/')
  const prefix = slash < 0 ? [] : key.slice(0, slash).split('.')
  return prefix.every((part) => label.test(part)) && name.test(key.slice(slash + 1))
}

interface Found {
  key: string
  exchange: Exchange
}

const keysIn = (exchanges: readonly Exchange[]): Found[] =>
  exchanges.flatMap((exchange) =>
    exchange.messages.flatMap(({ message }) => metadataIn(message).flatMap((meta) => Object.keys(meta).map((key) => ({ key, exchange })))),
  )

export default section({ spec: 'mcp', page: 'basic#_meta', revisions: '2025-06-18..' }, [
  check('versioning/metadata-keys', {
    title: 'Metadata keys are well-formed',
    must: 'name the members of `_meta` with an optional prefix of labels and a slash, and a name',
    needs: { transcript },
    judge: ({ transcript }) =>
      each(keysIn(transcript), 'the target sends no metadata', ({ key, exchange }) =>
        holdsIf(isMetadataKey(key), 'sends metadata under a malformed key', {
          expected: 'com.example/name, or a name',
          actual: key,
          exchange,
        }),
      ),
    fix: 'Use a domain in reverse as the prefix, and letters, digits, hyphens, underscores and dots in the name.',
    covers: 'transport.meta.key-format',
  }),
])
