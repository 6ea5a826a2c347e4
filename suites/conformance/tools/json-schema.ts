import { createRequire } from 'node:module'
import type { Options, ValidateFunction } from 'ajv'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import { compiledAhead, isObject } from '../../../src/model/index.ts'

type Schema = Record<string, unknown>
type Compiler = Pick<Ajv2020, 'compile' | 'validateSchema' | 'errorsText' | 'errors'>

/** Where the compiler of each dialect is. */
export const modules: Record<string, string> = {
  'https://json-schema.org/draft/2020-12/schema': 'ajv/dist/2020.js',
  'https://json-schema.org/draft/2019-09/schema': 'ajv/dist/2019.js',
  'http://json-schema.org/draft-07/schema': 'ajv/dist/ajv.js',
}
const defaultDialect = 'https://json-schema.org/draft/2020-12/schema'
// Formats are annotations unless a dialect is asked to assert them; servers differ, and either is right.
export const options: Options = { strict: false, validateFormats: false, logger: false, addUsedSchema: false, inlineRefs: false }

/** Why a value is not a JSON Schema of the dialect it declares, or of 2020-12 by default; nothing when the dialect is not known here. */
export function problemOfSchema(schema: unknown): string | undefined {
  if (typeof schema === 'boolean') return undefined
  if (!isObject(schema)) return `is ${schema === null ? 'null' : Array.isArray(schema) ? 'an array' : typeof schema}, not a schema`
  const dialect = dialectOf(schema)
  if (dialect === undefined) return undefined
  // The package holds the schemas of schemas as code; only one that breaks them needs the compiler, to say how.
  if (compiledAhead('dialects')?.[dialect]?.(schema)) return undefined
  const judge = judges.get(dialect) ?? compilerOf(dialect, options)
  judges.set(dialect, judge)
  return judge.validateSchema(schema) ? undefined : judge.errorsText(judge.errors, { dataVar: 'schema' })
}

type Validator = ((value: unknown) => string | undefined) | undefined

const validators = new WeakMap<object, Validator>()

/** A validator for the schema; nothing when it cannot be had without a network or in a dialect that is not known here. */
export function validatorOf(schema: unknown): Validator {
  if (!isObject(schema)) return undefined
  if (!validators.has(schema)) validators.set(schema, compiled(schema))
  return validators.get(schema)
}

function compiled(schema: Schema): Validator {
  const dialect = dialectOf(schema)
  if (dialect === undefined) return undefined
  try {
    // A compiler of its own for each schema: ids that collide between tools must not.
    const compiler = compilerOf(dialect, { ...options, meta: false, validateSchema: false })
    const validate = compiler.compile(schema as Schema) as ValidateFunction
    return (value) => (validate(value) ? undefined : compiler.errorsText(validate.errors, { dataVar: 'value' }))
  } catch {
    return undefined
  }
}

const judges = new Map<string, Compiler>()

function dialectOf({ $schema = defaultDialect }: Schema): string | undefined {
  const dialect = typeof $schema === 'string' ? $schema.replace(/#$/, '') : ''
  return Object.hasOwn(modules, dialect) ? dialect : undefined
}

function compilerOf(dialect: string, settings: Options): Compiler {
  // Loading ajv costs more than everything else here, and most runs have no schema to compile.
  const { default: Constructor } = createRequire(import.meta.url)(modules[dialect]!) as { default: new (options: Options) => Compiler }
  return new Constructor(settings)
}
