import { coded } from '../messages/index.ts'
import { type InstallOptions, install, isInstaller, obstacle } from './install.ts'
import { search } from './search.ts'
import { type FindOptions, type Found, type Source, type ToolName, tools } from './tools.ts'

export { cacheFolder, intoCache } from './cache.ts'
export type { InstallOptions } from './install.ts'
export { accompany, type Progress, run } from './run.ts'
export { type FindOptions, type Found, type ToolName, toolNames, tools } from './tools.ts'

/** The tool, if it is here already. A variable that names a place where it is not is an error. */
export const find = async (tool: ToolName, options: FindOptions = {}): Promise<Found | undefined> => (await search(tool, options)).found

/** The tool: found, or else installed by the first installer of its sources that this machine has. */
export async function obtain(tool: ToolName, options: InstallOptions): Promise<Found> {
  const { env = process.env, signal, progress } = options
  const { found, tried } = await search(tool, options)
  if (found) return found
  for (const source of (tools[tool].sources as readonly Source[]).filter(isInstaller)) {
    const problem = obstacle(source, env)
    if (problem) {
      tried.push(problem)
      continue
    }
    try {
      const installed = await install(tool, source, options)
      progress(`${tool} ${installed.version} is at ${installed.path}`)
      return installed
    } catch (error) {
      signal?.throwIfAborted()
      tried.push(`${source.from}: ${error instanceof Error ? error.message : error}`)
    }
  }
  throw coded(
    'E_TOOL_MISSING',
    { tool, how: `install it by hand, then ${byHand(tool)}` },
    { sent: `looked for ${tool}${options.version ? ` ${options.version}` : ''}`, got: tried.join('; ') },
  )
}

/** What a finding says that could not be made for want of the tool. */
export const missing = (tool: ToolName): string => `${tool} is not here: ${remedy(tool)}`

/** How to get the tool. */
export const remedy = (tool: ToolName): string => `${byHand(tool)}, or obtain it with: assay doctor --fix`

function byHand(tool: ToolName): string {
  const ways = (tools[tool].sources as readonly Source[]).flatMap((source) => {
    if (source.from === 'variable') return [`set ${source.name}`]
    return source.from === 'path' ? [`put ${source.commands[0]} on PATH`] : []
  })
  return ways.join(' or ')
}
