import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

const draftPrefix = '.draft-'
const draftLife = 24 * 60 * 60 * 1000

/** The folder that keeps what was obtained, between runs and projects. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.ASSAY_CACHE) return resolve(env.ASSAY_CACHE)
  return join(env.XDG_CACHE_HOME ? resolve(env.XDG_CACHE_HOME) : join(env.HOME || homedir(), '.cache'), 'assay')
}

/**
 * The folder of that name in the cache; when there is none yet, `fill` makes it. It appears whole or not at all: it is filled under
 * another name and renamed. Of two processes that fill it at once, one wins and the other takes what the first has made.
 */
export async function intoCache(name: string, env: NodeJS.ProcessEnv, fill: (folder: string) => Promise<void>): Promise<string> {
  const cache = cacheFolder(env)
  const place = join(cache, name)
  if (existsSync(place)) return place
  await mkdir(cache, { recursive: true })
  await removeAbandoned(cache)
  const draft = await mkdtemp(join(cache, draftPrefix))
  try {
    await fill(draft)
    await rename(draft, place).catch((error: unknown) => {
      if (!existsSync(place)) throw error
    })
    return place
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** A process that was killed leaves its draft behind. */
async function removeAbandoned(cache: string): Promise<void> {
  const drafts = (await readdir(cache)).filter((name) => name.startsWith(draftPrefix)).map((name) => join(cache, name))
  for (const draft of drafts) {
    const about = await stat(draft).catch(() => undefined)
    if (about && Date.now() - about.mtimeMs > draftLife) await rm(draft, { recursive: true, force: true })
  }
}
