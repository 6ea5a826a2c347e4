import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { coded } from '../messages/index.ts'
import { cacheFolder } from './cache.ts'
import { run } from './run.ts'
import { type FindOptions, type Found, type Source, type Tool, type ToolName, tools } from './tools.ts'

const patience = 15_000

export interface Search {
  found?: Found
  /** What was looked at, and why it would not do. */
  tried: string[]
}

/** A program on PATH. */
export function onPath(command: string, env: NodeJS.ProcessEnv): string | undefined {
  const candidates = (env.PATH ?? '').split(delimiter).filter(Boolean)
  return candidates.map((folder) => join(folder, command)).find(runs)
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** The name of what is kept in the cache of a tool. */
export const cacheName = (tool: ToolName, version: string): string => `${tool}-${version}`

export const versionOf = (tool: ToolName, { version }: FindOptions): string => version ?? (tools[tool] as Tool).version ?? 'of-the-system'

/** Looks for a tool, in the order of its sources, and remembers what would not do. */
export async function search(tool: ToolName, options: FindOptions = {}): Promise<Search> {
  const { env = process.env } = options
  const tried: string[] = []
  for (const source of tools[tool].sources as readonly Source[]) {
    if (source.from === 'variable') {
      const value = env[source.name]
      if (!value) tried.push(`${source.name} is not set`)
      else return { found: await named(tool, source, resolve(value), options), tried }
    }
    if (source.from === 'path') {
      for (const command of source.commands) {
        const path = onPath(command, env)
        const result = path ? await examine(tool, 'path', path, options) : `no ${command} on PATH`
        if (typeof result === 'object') return { found: result, tried }
        tried.push(result)
      }
    }
    if (source.from === 'cache') {
      const version = versionOf(tool, options)
      const path = join(cacheFolder(env), cacheName(tool, version), source.file ?? '')
      const result = existsSync(path) ? await cached(tool, path, version, options) : `no ${cacheName(tool, version)} in the cache`
      if (typeof result === 'object') return { found: result, tried }
      tried.push(result)
    }
  }
  return { tried }
}

// The name of what is of one version says it: it came whole, under that name.
const cached = async (tool: ToolName, path: string, version: string, options: FindOptions): Promise<Found | string> =>
  (tools[tool] as Tool).version ? { tool, path, version, how: 'cache' } : examine(tool, 'cache', path, options)

// Whoever names a place means it: nothing else is taken in its stead.
async function named(tool: ToolName, source: Source & { from: 'variable' }, place: string, options: FindOptions): Promise<Found> {
  const path = source.file ? join(place, source.file) : place
  const result = existsSync(path) ? await examine(tool, 'variable', path, options) : `there is no ${path}`
  if (typeof result === 'object') return result
  throw coded(
    'E_TOOL_MISSING',
    { tool, how: `correct ${source.name}, or unset it` },
    { sent: `looked for ${tool} where ${source.name} says`, got: result, likely: `${source.name} names another place or version` },
  )
}

async function examine(tool: ToolName, how: Found['how'], path: string, options: FindOptions): Promise<Found | string> {
  const { oldest }: Tool = tools[tool]
  try {
    const version = await tellVersion(tool, path, options.env ?? process.env)
    if (options.version && version !== options.version) return `${path} is version ${version}, and ${options.version} is asked for`
    if (oldest && !(Number.parseInt(version, 10) >= oldest)) return `${path} is version ${version}, and ${oldest} or newer is needed`
    return { tool, path, version, how }
  } catch (error) {
    return `${path} does not say its version: ${error instanceof Error ? error.message : error}`
  }
}

async function tellVersion(tool: ToolName, path: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { tells }: Tool = tools[tool]
  const text =
    'file' in tells ? await readFile(join(path, tells.file), 'utf8') : await run(path, tells.arguments, { env, timeoutMs: patience })
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? 'unknown'
}
