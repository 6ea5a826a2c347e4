import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { intoCache } from './cache.ts'
import { type Progress, type RunOptions, run } from './run.ts'
import { cacheName, onPath, search, versionOf } from './search.ts'
import type { FindOptions, Found, Source, ToolName } from './tools.ts'

export interface InstallOptions extends FindOptions {
  progress: Progress
  signal?: AbortSignal
  /** Milliseconds an installer may take. */
  timeoutMs?: number
}

type Installer = Extract<Source, { from: 'maven' | 'go' | 'apt' | 'deb' }>

const defaultTimeout = 15 * 60_000
const programs = { maven: 'mvn', go: 'go', apt: 'apt-get', deb: 'apt-get' } as const

export const isInstaller = (source: Source): source is Installer => source.from in programs

/** Why an installer cannot be used here, or undefined. */
export function obstacle(source: Installer, env: NodeJS.ProcessEnv): string | undefined {
  const program = programs[source.from]
  if (!onPath(program, env)) return `no ${program} on PATH`
  if (source.from === 'apt' && process.getuid?.() !== 0) return 'apt-get needs root'
  if (source.from === 'maven' && !unpackers.some(([unpacker]) => onPath(unpacker, env))) return 'neither unzip nor jar on PATH'
  return undefined
}

/** Installs a tool from one source. */
export async function install(tool: ToolName, source: Installer, options: InstallOptions): Promise<Found> {
  if (source.from === 'apt') return fromApt(tool, source, options)
  const { env = process.env } = options
  const version = versionOf(tool, options)
  const folder = await intoCache(cacheName(tool, version), env, (draft) => {
    if (source.from === 'deb') return fromDeb(tool, source, draft, options)
    return source.from === 'maven' ? fromMaven(tool, source, version, draft, options) : fromGo(tool, source, version, draft, options)
  })
  if (source.from === 'deb') return foundAgain(tool, source.package, options)
  return { tool, path: source.from === 'go' ? join(folder, source.file) : folder, version, how: 'installed' }
}

const running = (doing: string, { env = process.env, progress, signal, timeoutMs = defaultTimeout }: InstallOptions): RunOptions => ({
  env,
  progress,
  signal,
  timeoutMs,
  doing,
})

const unpackers = [
  ['unzip', ['-q']],
  ['jar', ['xf']],
] as const

type From<S extends Installer['from']> = Installer & { from: S }

async function fromMaven(
  tool: ToolName,
  { artifact }: From<'maven'>,
  version: string,
  draft: string,
  options: InstallOptions,
): Promise<void> {
  const { env = process.env } = options
  const inbox = join(draft, `inbox-${randomUUID()}`)
  await mkdir(inbox)
  const get = ['--batch-mode', '-q', 'dependency:copy', `-Dartifact=${artifact}:${version}:zip`, `-DoutputDirectory=${inbox}`]
  await run('mvn', get, { ...running(`getting ${tool} ${version} with Maven`, options), cwd: inbox })
  const [zip] = (await readdir(inbox)).filter((name) => name.endsWith('.zip'))
  if (!zip) throw new Error(`Maven left no zip of ${artifact}:${version}`)
  const [unpacker, args] = unpackers.find(([name]) => onPath(name, env))!
  await run(unpacker, [...args, zip], { ...running(`unpacking ${tool} ${version}`, options), cwd: inbox })
  await rm(join(inbox, zip))
  await bringUp(inbox, draft)
}

/** Moves what is unpacked up, without the one folder an archive usually wraps it in. */
async function bringUp(inbox: string, draft: string): Promise<void> {
  const top = await readdir(inbox, { withFileTypes: true })
  const from = top.length === 1 && top[0]!.isDirectory() ? join(inbox, top[0]!.name) : inbox
  for (const name of await readdir(from)) await rename(join(from, name), join(draft, name))
  await rm(inbox, { recursive: true })
}

async function fromGo(tool: ToolName, source: From<'go'>, version: string, draft: string, options: InstallOptions): Promise<void> {
  const settings = running(`building ${tool} ${version} with Go`, options)
  const env = { ...settings.env, GOBIN: draft }
  await run('go', ['install', `${source.module}@v${version}`], { ...settings, env, cwd: draft })
  if (source.builds !== source.file) await rename(join(draft, source.builds), join(draft, source.file))
  if (!existsSync(join(draft, source.file))) throw new Error(`Go built no ${source.file} from ${source.module}`)
}

async function fromApt(tool: ToolName, source: From<'apt'>, options: InstallOptions): Promise<Found> {
  const lock = ['-o', 'DPkg::Lock::Timeout=120']
  await aptGet([...lock, 'install', '-y', '--no-install-recommends', source.package], running(`installing ${tool} with apt-get`, options))
  return foundAgain(tool, source.package, options)
}

/** Takes a package apart without installing it: nothing else comes with it, and nothing is started. */
async function fromDeb(tool: ToolName, source: From<'deb'>, draft: string, options: InstallOptions): Promise<void> {
  await aptGet(['download', source.package], { ...running(`getting ${tool} with apt-get`, options), cwd: draft })
  const [file] = (await readdir(draft)).filter((name) => name.endsWith('.deb'))
  if (!file) throw new Error(`apt-get left no package ${source.package}`)
  await run('dpkg-deb', ['--extract', file, '.'], { ...running(`unpacking ${tool}`, options), cwd: draft })
  await rm(join(draft, file))
}

async function aptGet(args: readonly string[], settings: RunOptions): Promise<void> {
  const env = { ...settings.env, DEBIAN_FRONTEND: 'noninteractive' }
  const attempt = () => run('apt-get', ['-q', ...args], { ...settings, env })
  await attempt().catch(async () => {
    // The list of packages is older than the packages.
    await run('apt-get', ['-q', 'update'], { ...settings, env, doing: 'reading the list of packages' })
    return attempt()
  })
}

async function foundAgain(tool: ToolName, from: string, options: InstallOptions): Promise<Found> {
  const { found, tried } = await search(tool, options)
  if (!found) throw new Error(`apt-get brought ${from}, and still ${tried.join(', ')}`)
  return { ...found, how: 'installed' }
}
