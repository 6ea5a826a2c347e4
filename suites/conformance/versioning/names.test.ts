import { expect, test } from 'vitest'
import { isExtensionName } from './discovery.ts'
import { isMetadataKey, metadataIn } from './metadata-keys.ts'

test.each([
  ['progressToken', true],
  ['io.modelcontextprotocol/serverInfo', true],
  ['com.example/', true],
  ['a-b.c1/name_with.dots-and', true],
  ['x', true],
  ['example.com/1', true],
  ['/name', false],
  ['1com/name', false],
  ['com-/name', false],
  ['com..example/name', false],
  ['com.example/-name', false],
  ['com.example/name.', false],
  ['two words', false],
  ['com.example/a/b', false],
])('metadata key %j is well-formed: %s', (key, good) => {
  expect(isMetadataKey(key)).toBe(good)
})

test.each([
  ['io.modelcontextprotocol/tasks', true],
  ['tasks', false],
  ['/tasks', false],
  ['com.example/', true],
])('extension name %j is well-formed: %s', (key, good) => {
  expect(isExtensionName(key)).toBe(good)
})

test('metadata is found in results and the items within', () => {
  const message = { result: { _meta: { a: 1 }, tools: [{ name: 'x', _meta: { b: 2 } }], contents: [{ _meta: { c: 3 } }] } }
  expect(metadataIn(message)).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }])
})

test('metadata within schemas and structured content is not of the protocol', () => {
  const message = {
    result: { structuredContent: { _meta: { 'not ours': 1 } }, tools: [{ inputSchema: { properties: { _meta: { 'not ours': {} } } } }] },
  }
  expect(metadataIn(message)).toEqual([])
})
