import { expect, test } from 'vitest'
import { problemOfSchema, validatorOf } from './json-schema.ts'

test('a schema is judged in its own dialect', () => {
  const positional = { type: 'array', items: [{ type: 'string' }] }
  expect(problemOfSchema(positional)).toContain('items')
  expect(problemOfSchema({ ...positional, $schema: 'http://json-schema.org/draft-07/schema#' })).toBeUndefined()
  expect(problemOfSchema({ ...positional, $schema: 'https://example.com/dialect' })).toBeUndefined()
})

test.each([null, [], 'object', { type: 'strin' }, { required: 'name' }])('%j is no schema', (schema) => {
  expect(problemOfSchema(schema)).toBeTypeOf('string')
})

test('values are validated without asserting formats', () => {
  const problemOf = validatorOf({ type: 'object', properties: { at: { type: 'string', format: 'date' } }, required: ['at'] })!
  expect(problemOf({ at: 'tomorrow' })).toBeUndefined()
  expect(problemOf({})).toContain('at')
})

test('a schema that reaches for the network cannot be compiled', () => {
  expect(validatorOf({ $ref: 'https://example.com/schema' })).toBeUndefined()
})
