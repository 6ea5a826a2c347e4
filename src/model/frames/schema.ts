import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js'
import { packageRoot } from '../../place.ts'
import type { Revision } from '../revision.ts'
import { formats } from './formats.ts'

/** Which definition a frame answers to. */
export interface FrameIndex {
  results: Record<string, string[]>
  notifications: Record<string, string>
  requests: Record<string, string>
  errors: Record<string, string>
  envelopes: Record<'request' | 'notification' | 'result' | 'error', string>
}

/** The frames of one revision. Definitions are compiled when first asked for. */
export interface FrameSchema {
  index: FrameIndex
  has(definition: string): boolean
  /** `first` stops at the first error and so is bounded whatever the input; `all` goes on. */
  compiled(definition: string, effort: 'first' | 'all'): ValidateFunction
}

const cache = new Map<Revision, FrameSchema>()

export function frameSchema(revision: Revision): FrameSchema {
  let schema = cache.get(revision)
  if (!schema) {
    schema = load(revision)
    cache.set(revision, schema)
  }
  return schema
}

function load(revision: Revision): FrameSchema {
  const { index, $defs } = JSON.parse(readFileSync(new URL(`schema/frames/${revision}.json`, packageRoot), 'utf8'))
  const compilers: { first?: Ajv2020; all?: Ajv2020 } = {}
  return {
    index,
    has: (definition) => Object.hasOwn($defs, definition),
    compiled(definition, effort) {
      compilers[effort] ??= compiler($defs, effort === 'all')
      return compilers[effort].getSchema(`frames#/$defs/${definition}`) as ValidateFunction
    },
  }
}

function compiler($defs: object, allErrors: boolean): Ajv2020 {
  // Loading ajv costs more than everything else here, and most commands never validate a frame.
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
  const ajv = new Ajv2020({ allErrors, verbose: true, strict: false, validateSchema: false, logger: false, formats })
  return ajv.addSchema({ $id: 'frames', $defs })
}
