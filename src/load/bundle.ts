import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { fromSources, packageRoot } from '../place.ts'

const source = new URL('suites/load/k6/traffic.ts', packageRoot)
const bundled = new URL('dist/k6/traffic.js', packageRoot)

/** How the script of the virtual users becomes one file: k6 resolves no packages and checks no types. */
export const bundleOptions: BuildOptions = {
  entryPoints: [fileURLToPath(source)],
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  external: ['k6', 'k6/*'],
  legalComments: 'none',
  logLevel: 'warning',
}

/** Writes the script of the virtual users to a folder, or names the one the package brings. */
export async function trafficScript(folder: string): Promise<string> {
  if (!fromSources && existsSync(bundled)) return fileURLToPath(bundled)
  const { build } = await import('esbuild')
  const outfile = `${folder}/traffic.js`
  await build({ ...bundleOptions, outfile })
  return outfile
}
