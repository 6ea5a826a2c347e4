/**
 * Writes dist: declarations by tsc, code by esbuild. Bundled, because reading two hundred small files is most of the start of
 * `assay list`; split, because a command still loads only what it needs.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { build } from 'esbuild'
import { bundleOptions } from '../src/load/bundle.ts'
import { compileSchemas } from './compile-schemas.ts'

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
await build({
  entryPoints: ['src/cli/main.ts', 'src/index.ts'],
  outdir: 'dist',
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
  legalComments: 'none',
  logLevel: 'warning',
})
await build({ ...bundleOptions, outfile: 'dist/k6/traffic.js' })
await compileSchemas()
