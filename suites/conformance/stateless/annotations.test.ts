import { describe, expect, test } from 'vitest'
import { annotationsOf, isPrimitive, isToken } from './annotations.ts'

const tool = (inputSchema: Record<string, unknown>) => ({ name: 'query', inputSchema })

describe('annotationsOf', () => {
  test('finds annotations along properties, however deep', () => {
    const schema = {
      type: 'object',
      properties: { place: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } } },
    }
    expect(annotationsOf(tool(schema))).toEqual([
      { tool: 'query', path: ['properties', 'place', 'properties', 'region'], value: 'Region', type: 'string', reachable: true },
    ])
  })

  test.each([
    ['array items', { properties: { ids: { type: 'array', items: { type: 'string', 'x-mcp-header': 'Id' } } } }],
    ['an alternative', { oneOf: [{ properties: { id: { type: 'string', 'x-mcp-header': 'Id' } } }] }],
    ['a definition', { $defs: { id: { type: 'string', 'x-mcp-header': 'Id' } } }],
    ['the root', { 'x-mcp-header': 'Id', type: 'object' }],
    ['a condition', { if: { properties: { id: { type: 'string', 'x-mcp-header': 'Id' } } } }],
  ])('an annotation in %s is not reachable', (_, schema) => {
    expect(annotationsOf(tool(schema)).map(({ reachable }) => reachable)).toEqual([false])
  })

  test('a property of that name, and data, are no annotations', () => {
    const schema = { properties: { 'x-mcp-header': { type: 'string' }, other: { default: { 'x-mcp-header': 'Other' } } } }
    expect(annotationsOf(tool(schema))).toEqual([])
  })

  test('a tool without a schema has none', () => {
    expect(annotationsOf({ name: 'bare' })).toEqual([])
  })
})

const annotation = (value: unknown, type: unknown = 'string') => ({
  tool: 'query',
  path: ['properties', 'id'],
  value,
  type,
  reachable: true,
})

test.each([
  ['Region', true],
  ['X_1.a', true],
  ['', false],
  ['two words', false],
  ['line\nbreak', false],
  ['Gr\u00f6\u00dfe', false],
  [7, false],
])('%j as a header name: %s', (value, good) => {
  expect(isToken(annotation(value))).toBe(good)
})

test.each([
  ['string', true],
  ['integer', true],
  ['boolean', true],
  ['number', false],
  ['object', false],
  [['string', 'null'], false],
  [null, false],
])('type %j is primitive: %s', (type, good) => {
  expect(isPrimitive(annotation('Id', type))).toBe(good)
})
