import { expect, test } from 'vitest'
import { fitting } from './arguments.ts'

const object = (properties: object, required = Object.keys(properties)) => ({ type: 'object', properties, required })

test('gives what is required, and nothing else', () => {
  expect(fitting(object({ a: { type: 'string' }, b: { type: 'integer' } }, ['a']))).toEqual({ a: 'assay' })
})

test.each([
  [{ enum: ['red', 'blue'] }, 'red'],
  [{ const: 7 }, 7],
  [{ type: 'string', default: 'x' }, 'x'],
  [{ type: 'string', examples: ['y'], pattern: '^y$' }, 'y'],
  [{ type: 'string', maxLength: 3 }, 'ass'],
  [{ type: 'string', minLength: 7 }, 'assayxx'],
  [{ type: 'string', format: 'date' }, '2026-01-01'],
  [{ type: 'integer', minimum: 5 }, 5],
  [{ type: 'integer', maximum: 0 }, 0],
  [{ type: 'number', exclusiveMinimum: 2, multipleOf: 4 }, 4],
  [{ type: 'array', minItems: 2, items: { type: 'boolean' } }, [false, false]],
  [{ anyOf: [{ type: 'string', pattern: 'x' }, { type: 'null' }] }, null],
  [{ type: ['null', 'string'] }, 'assay'],
])('%j is fitted by %j', (schema, value) => {
  expect(fitting(schema)).toEqual(value)
})

test('follows references within the schema', () => {
  expect(fitting({ ...object({ at: { $ref: '#/$defs/point' } }), $defs: { point: object({ x: { type: 'integer' } }) } })).toEqual({
    at: { x: 1 },
  })
})

test.each([
  [{ type: 'string', pattern: '^[A-Z]{3}$' }],
  [{ $ref: '#' }],
  [{ $ref: 'https://example.com/schema.json' }],
  [{ type: 'array', minItems: 1_000_000_000 }],
  [{ type: 'string', minLength: 1_000_000_000 }],
])('does not guess at %j', (schema) => {
  expect(fitting(object({ a: schema }))).toBeUndefined()
})
