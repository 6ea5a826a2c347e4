import { expect, test } from 'vitest'
import { invalidArguments, surplusArguments } from './invalid-arguments.ts'

const callOf = (inputSchema: Record<string, unknown>, args: Record<string, unknown>) => ({
  definition: { name: 'tool', inputSchema },
  name: 'tool',
  arguments: args,
})

test('each is wrong in one way', () => {
  const schema = {
    type: 'object',
    properties: { name: { type: 'string', maxLength: 3 }, count: { type: 'integer', minimum: 1 } },
    required: ['name'],
  }
  expect(invalidArguments(callOf(schema, { name: 'ok' })).map(({ what }) => what)).toEqual([
    '"name" is missing',
    '"name" is no string',
    '"name" is too long',
    '"count" is no integer',
    '"count" is below the minimum',
  ])
})

test('what the schema lets pass is never sent', () => {
  expect(invalidArguments(callOf({ type: 'object' }, {}))).toEqual([])
  expect(invalidArguments(callOf({ type: 'object', properties: { any: {} } }, {}))).toEqual([])
  expect(invalidArguments(callOf({ $schema: 'https://example.com/x', type: 'object', required: ['a'] }, { a: 1 }))).toEqual([])
})

test('a property with a default may be left out', () => {
  const schema = { type: 'object', properties: { name: { type: 'string', default: 'x' } }, required: ['name'] }
  expect(invalidArguments(callOf(schema, { name: 'x' })).map(({ what }) => what)).toEqual(['"name" is no string'])
})

test('a surplus argument is wrong for a closed schema only', () => {
  expect(surplusArguments(callOf({ type: 'object', additionalProperties: false }, {}))?.arguments).toEqual({ assay_unexpected: 'assay' })
  expect(surplusArguments(callOf({ type: 'object' }, {}))).toBeUndefined()
})
