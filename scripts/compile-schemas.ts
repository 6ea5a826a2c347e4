/**
 * Writes schemas as code to `dist/compiled`: those of frames by revision, that of the configuration, and those of JSON Schema
 * itself by dialect. Compiling them anew costs a run more than judging with them.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { _, Ajv, type Options } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { build } from 'esbuild'
import configSchema from '../schema/config.schema.json' with { type: 'json' }
import { configOptions } from '../src/config/validate.ts'
import { formats } from '../src/model/frames/formats.ts'
import { frameOptions } from '../src/model/frames/schema.ts'
import { revisions } from '../src/model/index.ts'
import { packageRoot } from '../src/place.ts'
import { modules, options } from '../suites/conformance/tools/json-schema.ts'

export async function compileSchemas(): Promise<void> {
  for (const revision of revisions) {
    const { $defs } = JSON.parse(readFileSync(new URL(`schema/frames/${revision}.json`, packageRoot), 'utf8')) as { $defs: object }
    const code = { source: true, formats: _`require("./src/model/frames/formats.ts").formats` }
    // Definitions call one another: copied into one another they would be ten times as long.
    const ajv = new Ajv({ ...frameOptions, formats, code, inlineRefs: false }).addSchema({ $id: 'frames', $defs })
    await write(
      revision,
      standaloneCode.default(ajv, Object.fromEntries(Object.keys($defs).map((name) => [name, `frames#/$defs/${name}`]))),
    )
  }
  const config = new Ajv({ ...configOptions, code: { source: true } }).addSchema(configSchema, 'config')
  await write('config', standaloneCode.default(config, { config: 'config' }))
  const dialects = Object.entries(modules).map(([dialect, module], index) => {
    const { default: Compiler } = createRequire(import.meta.url)(module) as { default: new (options: Options) => Ajv }
    const code = standaloneCode.default(new Compiler({ ...options, code: { source: true } }), { [`dialect${index}`]: dialect })
    return { code, line: `exports[${JSON.stringify(dialect)}] = exports.dialect${index}` }
  })
  await write('dialects', dialects.map(({ code, line }) => `{${code.replace('"use strict";', '')}}\n${line}`).join('\n'))
}

async function write(name: string, contents: string): Promise<void> {
  await build({
    stdin: { contents, resolveDir: '.' },
    outfile: `dist/compiled/${name}.cjs`,
    bundle: true,
    minify: true,
    format: 'cjs',
    platform: 'node',
    logLevel: 'warning',
  })
}
