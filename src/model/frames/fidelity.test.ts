import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { amend } from '../../../scripts/frames/shape.ts'
import { type Definitions, readDefinitions, type Schema } from '../../../scripts/frames/source.ts'
import { frameFile } from '../../../scripts/generate-frames.ts'
import { revisions } from '../revision.ts'
import { formats } from './formats.ts'
import { frameSchema } from './schema.ts'

const cases = 60

/** A repeatable source of numbers in 0..1. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

function makeInstance(root: Schema, definitions: Definitions, random: () => number): unknown {
  const pick = <Value>(values: Value[]): Value => values[Math.floor(random() * values.length)]!
  const words: Record<string, string> = { uri: 'a:b', byte: 'AAAA', 'uri-template': 'a:{b}' }
  const make = (schema: Schema, depth: number): unknown => {
    if (schema.$ref) return make(definitions[schema.$ref.replace('#/$defs/', '')]!, depth)
    if ('const' in schema) return schema.const
    if (schema.enum) return pick(schema.enum)
    if (schema.anyOf) return make(pick(schema.anyOf), depth)
    if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part: Schema) => make(part, depth)))
    switch (pick([schema.type].flat())) {
      case 'string':
        return words[schema.format] ?? pick(['', 'a'])
      case 'integer':
      case 'number':
        return pick([0, 1])
      case 'boolean':
        return random() < 0.5
      case 'array':
        return Array.from({ length: Math.floor(random() * 3) }, () => make(schema.items ?? {}, depth + 1))
      case 'object': {
        const members = Object.entries<Schema>(schema.properties ?? {})
        const chosen = members.filter(([name]) => schema.required?.includes(name) || (random() < 0.5 && depth < 6))
        const extra = typeof schema.additionalProperties === 'object' ? { extra: make(schema.additionalProperties, depth + 1) } : {}
        return { ...extra, ...Object.fromEntries(chosen.map(([name, member]) => [name, make(member, depth + 1)])) }
      }
      default:
        return null
    }
  }
  return make(root, 0)
}

function damage(value: unknown, random: () => number): void {
  const pick = <Value>(values: Value[]): Value => values[Math.floor(random() * values.length)]!
  const places: [any, string][] = []
  const walk = (inner: any) => {
    if (typeof inner !== 'object' || inner === null) return
    for (const key of Object.keys(inner)) {
      places.push([inner, key])
      walk(inner[key])
    }
  }
  walk(value)
  if (places.length === 0) return
  const [holder, key] = pick(places)
  const junk = [
    null,
    1,
    1.5,
    'x',
    'text',
    'image',
    'url',
    true,
    [],
    {},
    { type: 'text' },
    { uri: 'a:b', text: 't', blob: '#' },
    [{ type: 'text', text: '' }],
  ]
  if (random() < 0.4 && !Array.isArray(holder)) delete holder[key]
  else holder[random() < 0.8 || Array.isArray(holder) ? key : pick(['text', 'blob', 'mode', 'type'])] = structuredClone(pick(junk))
}

// Leaving definitions out and telling unions apart must change no verdict.
const official = readDefinitions()

test.each(revisions)('what is said of frames whole and damaged is what the official definitions of %s say', (revision) => {
  const definitions = amend(official[revision])
  const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false, formats }).addSchema({
    $id: 'official',
    $defs: definitions,
  })
  const random = numbers(7)
  const names = Object.keys(JSON.parse(readFileSync(frameFile(revision), 'utf8')).$defs)
  const tally = { valid: 0, broken: 0 }
  for (const name of names) {
    const theirs = ajv.getSchema(`official#/$defs/${name}`)!
    const ours = frameSchema(revision).compiled(name, 'first')
    for (let index = 0; index < cases; index++) {
      const value = { frame: makeInstance(definitions[name]!, definitions, random) }
      for (let times = index % 3; times > 0; times--) damage(value, random)
      const verdict = theirs(value.frame)
      tally[verdict ? 'valid' : 'broken']++
      expect(ours(value.frame), `${name}: ${JSON.stringify(value.frame)}`).toBe(verdict)
    }
  }
  expect(Math.min(tally.valid, tally.broken)).toBeGreaterThan((names.length * cases) / 5)
})
