import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AssayError, coded } from '../messages/index.ts'
import { fromSources, packageRoot } from '../place.ts'
import type { Config } from './types.ts'
import { invalid, validate } from './validate.ts'

/** File names looked for in the working directory, in this order. */
export const configNames = ['harness.config.ts', 'harness.config.mts', 'harness.config.js', 'harness.config.mjs', 'harness.config.json']

export interface LoadedConfig {
  config: Config
  /** As it is named in messages. */
  file: string
  /** Where relative paths of the configuration start. */
  directory: string
  /** Whether this is the embedded default, because there is no file. */
  embedded: boolean
}

/** Loads the configuration at a path, or the one in the directory, or the embedded default. */
export async function loadConfig(path: string | undefined, cwd: string = process.cwd()): Promise<LoadedConfig> {
  const found = path === undefined ? configNames.map((name) => join(cwd, name)).find((name) => existsSync(name)) : resolve(cwd, path)
  if (found === undefined) return loadEmbedded(cwd)
  const file = relative(cwd, found) || found
  if (!existsSync(found)) throw coded('E_CONFIG_NOT_FOUND', { file })
  const value = found.endsWith('.json') ? await readJson(found, file) : await importCode(found, file)
  return { config: validate(value, file), file, directory: resolve(found, '..'), embedded: false }
}

async function loadEmbedded(cwd: string): Promise<LoadedConfig> {
  const { default: config } = await import('../../harness.config.ts')
  const file = 'the embedded configuration'
  return { config: validate(config, file), file, directory: cwd, embedded: true }
}

async function readJson(path: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw invalid('the top', error instanceof Error ? error.message : String(error), file, `make ${file} valid JSON`)
  }
}

async function importCode(path: string, file: string): Promise<unknown> {
  // A configuration imports from the Assay that runs it, also where the package is not installed beside it.
  const own = new URL(fromSources ? 'src/index.ts' : 'dist/src/index.js', packageRoot).href
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(specifier === 'mcp-assay' ? own : specifier, context),
  })
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
    if (module.default === undefined) throw invalid('the top', 'no default export', file, `write: export default defineConfig({ … })`)
    return module.default
  } catch (error) {
    if (error instanceof AssayError) throw error
    throw invalid('the top', error instanceof Error ? error.message : String(error), file, `make ${file} load: node ${file}`)
  } finally {
    hooks.deregister()
  }
}
