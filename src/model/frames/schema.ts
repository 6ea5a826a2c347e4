import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Ajv, ValidateFunction } from 'ajv'
import { packageRoot } from '../../place.ts'
import { compiledAhead } from '../ahead.ts'
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

/** The frames of one revision. */
export interface FrameSchema {
  index: FrameIndex
  has(definition: string): boolean
  /** `first` stops at the first error and so is bounded whatever the input; `all` goes on. */
  compiled(definition: string, effort: 'first' | 'all'): ValidateFunction
}

/** How frames are compiled, ahead or on demand: problems are told with the value that is wrong. */
export const frameOptions = { verbose: true, strict: false, validateSchema: false, logger: false } as const

const cache = new Map<Revision, FrameSchema>()
const require = createRequire(import.meta.url)

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
  // Only a frame that is wrong needs the compiler then, to list all that is wrong with it.
  const ahead = compiledAhead(revision)
  const compilers: { first?: Ajv; all?: Ajv } = {}
  return {
    index,
    has: (definition) => Object.hasOwn($defs, definition),
    compiled(definition, effort) {
      if (effort === 'first' && ahead) return ahead[definition]!
      compilers[effort] ??= compiler($defs, effort === 'all')
      return compilers[effort].getSchema(`frames#/$defs/${definition}`) as ValidateFunction
    },
  }
}

function compiler($defs: object, allErrors: boolean): Ajv {
  // Loading ajv costs more than everything else here, and most commands never validate a frame.
  const { Ajv } = require('ajv') as typeof import('ajv')
  return new Ajv({ ...frameOptions, allErrors, formats }).addSchema({ $id: 'frames', $defs })
}
