import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { ValidateFunction } from 'ajv'
import { fromSources, packageRoot } from '../place.ts'

/** Schemas the build of the package has compiled to code; nothing from sources, where they are compiled when first asked for. */
export const compiledAhead = (name: string): Record<string, ValidateFunction> | undefined =>
  fromSources ? undefined : createRequire(import.meta.url)(fileURLToPath(new URL(`dist/compiled/${name}.cjs`, packageRoot)))
