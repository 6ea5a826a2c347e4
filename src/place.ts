import { existsSync } from 'node:fs'

/** The folder of this package, sources or bundle: where package.json stands. */
export const packageRoot: URL = (() => {
  let folder = new URL('./', import.meta.url)
  while (!existsSync(new URL('package.json', folder)) && folder.pathname !== '/') folder = new URL('../', folder)
  return folder
})()

/** Whether this runs from sources: Node strips their types. */
export const fromSources = import.meta.url.endsWith('.ts')
