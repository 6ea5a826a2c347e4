import { createRequire } from 'node:module'
import type { Options, ValidateFunction } from 'ajv'
import type { Ajv2020 } from 'ajv/dist/2020.js'

type Schema = Record<string, unknown>
type Compiler = Pick<Ajv2020, 'compile' | 'validateSchema' | 'errorsText' | 'errors'>

const modules: Record<string, string> = {
  'https://json-schema.org/draft/2020-12/schema': 'ajv/dist/2020.js',
  'https://json-schema.org/draft/2019-09/schema': 'ajv/dist/2019.js',
  'http://json-schema.org/draft-07/schema': 'ajv/dist/ajv.js',
}
const defaultDialect = 'https://json-schema.org/draft/2020-12/schema'
// Formats are annotations unless a dialect is asked to assert them; servers differ, and either is right.
const options: Options = { strict: false, validateFormats: false, logger: false, addUsedSchema: false, inlineRefs: false }

/** Why a value is not a JSON Schema of the dialect it declares, or of 2020-12 by default; nothing when the dialect is not known here. */
export function problemOfSchema(schema: unknown): string | undefined {
  if (typeof schema === 'boolean') return undefined
  if (!isObject(schema)) return `is ${schema === null ? 'null' : Array.isArray(schema) ? 'an array' : typeof schema}, not a schema`
  const compiler = compilerFor(schema)
  return compiler === undefined || compiler.validateSchema(schema) ? undefined : compiler.errorsText(compiler.errors, { dataVar: 'schema' })
}

/** A validator for the schema; nothing when it cannot be had without a network or in a dialect that is not known here. */
export function validatorOf(schema: unknown): ((value: unknown) => string | undefined) | undefined {
  if (!isObject(schema)) return undefined
  try {
    const compiler = compilerFor(schema)
    const validate = compiler?.compile(schema) as ValidateFunction | undefined
    if (compiler === undefined || validate === undefined) return undefined
    return (value) => (validate(value) ? undefined : compiler.errorsText(validate.errors, { dataVar: 'value' }))
  } catch {
    return undefined
  }
}

function compilerFor(schema: Schema): Compiler | undefined {
  const { $schema = defaultDialect } = schema
  const module = typeof $schema === 'string' ? modules[$schema.replace(/#$/, '')] : undefined
  if (module === undefined) return undefined
  // A compiler of its own for each schema: ids that collide between tools must not.
  const { default: Constructor } = createRequire(import.meta.url)(module) as { default: new (options: Options) => Compiler }
  return new Constructor(options)
}

const isObject = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)
