import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Revision } from '../../src/model/revision.ts'
import { readLiteral } from './literal.ts'

export type Schema = { [keyword: string]: any }
export type Definitions = { [name: string]: Schema }

const require = createRequire(import.meta.url)
const packageFile = require.resolve('@modelcontextprotocol/conformance/package.json')

/** The package that ships the official JSON Schemas, with its version. */
export const origin: string = (({ name, version }) => `${name} ${version}`)(JSON.parse(readFileSync(packageFile, 'utf8')))

// A definition that only this revision has, and how many definitions there are: a package that ships something else is refused.
const shipped = [
  { revision: '2025-03-26', mark: 'JSONRPCBatchRequest', count: 83 },
  { revision: '2025-06-18', mark: 'ResourceTemplateReference', count: 91 },
  { revision: '2025-11-25', mark: 'TaskStatusNotification', count: 145 },
  { revision: '2026-07-28', mark: 'DiscoverRequest', count: 154 },
] as const satisfies { revision: Revision; mark: string; count: number }[]

/** The definitions of every revision, in one notation (`$defs`, whatever the draft), without descriptions. */
export function readDefinitions(): Record<Revision, Definitions> {
  const bundle = readFileSync(join(dirname(packageFile), 'dist/index.js'), 'utf8')
  const found = [
    ...bundle.matchAll(/\{\s*["']?\$schema["']?:\s*["'`]https?:\/\/json-schema\.org[^"'`]*["'`],\s*["']?(?:\$defs|definitions)["']?:/g),
  ]
    .map(({ index }) => readLiteral(bundle, index) as Schema)
    .map((schema): Definitions => schema.$defs ?? schema.definitions)

  const read = {} as Record<Revision, Definitions>
  for (const { revision, mark, count } of shipped) {
    const at = found.findIndex((definitions) => mark in definitions && Object.keys(definitions).length === count)
    if (at < 0) {
      const counts = found.map((definitions) => Object.keys(definitions).length).join(', ')
      throw new Error(`${origin} ships no schema with ${mark} and ${count} definitions for ${revision}; it has schemas of ${counts}`)
    }
    read[revision] = normalise(found[at]!)
  }
  read['2024-11-05'] = withoutChangesOf20250326(read['2025-03-26'])
  return read
}

function normalise(definitions: Definitions): Definitions {
  const text = JSON.stringify(definitions, (_key, value) =>
    typeof value === 'object' && value !== null && typeof value.description === 'string' ? { ...value, description: undefined } : value,
  )
  return JSON.parse(text.replaceAll('"#/definitions/', '"#/$defs/'))
}

/**
 * No package ships the schema of 2024-11-05. The changelog of 2025-03-26 names what it added: batches, tool annotations, progress
 * messages, audio and the completions capability. Taking these away leaves the schema of 2024-11-05.
 */
function withoutChangesOf20250326(later: Definitions): Definitions {
  const { AudioContent, ToolAnnotations, JSONRPCBatchRequest, JSONRPCBatchResponse, ...definitions } = structuredClone(later)
  if (!(AudioContent && ToolAnnotations && JSONRPCBatchRequest && JSONRPCBatchResponse)) throw new Error('2025-03-26 lacks what it added')
  const remove = (members: Schema, name: string) => {
    if (!(name in members)) throw new Error(`2025-03-26 lacks the member ${name}, which it added`)
    delete members[name]
  }
  remove(definitions.Tool!.properties, 'annotations')
  remove(definitions.ServerCapabilities!.properties, 'completions')
  remove(definitions.ProgressNotification!.properties.params.properties, 'message')
  definitions.JSONRPCMessage!.anyOf = definitions.JSONRPCMessage!.anyOf.filter((branch: Schema) => branch.type !== 'array')
  return JSON.parse(JSON.stringify(definitions), (_key, value) =>
    Array.isArray(value) ? value.filter((branch) => branch?.$ref !== '#/$defs/AudioContent') : value,
  )
}
