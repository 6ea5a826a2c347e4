import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where package.json stands: two folders up from the sources, three from the emitted code. */
export function packageFile(): string {
  const places = ['../../package.json', '../../../package.json'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return places.find((place) => existsSync(place)) ?? places[0]!
}
