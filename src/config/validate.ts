import { createRequire } from 'node:module'
import type { ErrorObject, ValidateFunction } from 'ajv'
import configSchema from '../../schema/config.schema.json' with { type: 'json' }
import { type AssayError, coded, nearest, orList } from '../messages/index.ts'
import { compiledAhead } from '../model/index.ts'
import { hasWindow, percentileNames, windowAdvice } from './objectives.ts'
import { refuseLiteralSecrets } from './secrets.ts'
import type { Config, ObjectiveConfig, TargetConfig } from './types.ts'

// Every error is listed, because the first of them is not the one to report: an unknown key goes before what it may have caused.
export const configOptions = { allErrors: true, verbose: true, allowUnionTypes: true, strictRequired: false } as const

const compiled = (): ValidateFunction => {
  const { Ajv } = createRequire(import.meta.url)('ajv') as typeof import('ajv')
  return new Ajv(configOptions).compile(configSchema)
}

/** Checks a configuration whole; throws the first thing that is wrong, with its place and what to do. */
export function validate(value: unknown, file: string): Config {
  refuseLiteralSecrets(value, file)
  const check = compiledAhead('config')?.config ?? compiled()
  if (!check(withoutFunctions(value))) {
    const errors = check.errors!
    throw errorFrom(errors.find(({ keyword }) => keyword === 'additionalProperties') ?? errors[0]!, file)
  }
  const config = value as Config
  for (const [name, target] of Object.entries(config.targets)) checkReach(name, target, file)
  for (const [name, objective] of Object.entries(config.objectives ?? {})) checkQueries(`objectives.${name}.prometheus`, objective, file)
  checkReferences(config, file)
  return config
}

// The schema is for JSON, where there are no functions; each stands for itself as a marker.
function withoutFunctions(value: unknown): unknown {
  if (typeof value === 'function') return '<function>'
  if (Array.isArray(value)) return value.map(withoutFunctions)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, withoutFunctions(member)]),
  )
}

function errorFrom(error: ErrorObject, file: string): AssayError {
  const at = error.instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')
  const path = at || 'the top'
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty)
    const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {})
    const meant = orList(nearest(key, known))
    return coded(
      'E_CONFIG_UNKNOWN_KEY',
      { key, path, file },
      { try: meant ? `did you mean ${meant}? (${file})` : `known here: ${known.join(', ')} (${file})` },
    )
  }
  return invalid(path, describe(error), file, suggestion(error))
}

function describe(error: ErrorObject): string {
  if (error.keyword === 'required') return `"${error.params.missingProperty}" is missing`
  if (error.keyword === 'enum') return `${JSON.stringify(error.data)}; it must be one of ${error.params.allowedValues.join(', ')}`
  if (error.keyword === 'propertyNames')
    return `the name "${error.params.propertyName}"; letters, digits, dot, dash and underscore may be used`
  return `${JSON.stringify(error.data)?.slice(0, 80)}; it ${error.message}`
}

function suggestion(error: ErrorObject): string | undefined {
  if (error.keyword !== 'enum' || typeof error.data !== 'string') return undefined
  const meant = orList(nearest(error.data, error.params.allowedValues))
  return meant && `did you mean ${meant}?`
}

export const invalid = (path: string, got: string, file: string, attempt?: string): AssayError =>
  coded('E_CONFIG_INVALID', { path, file }, { got, try: attempt })

function checkReach(name: string, target: TargetConfig, file: string): void {
  const path = `targets.${name}`
  const given = (['url', 'command', 'start', 'files'] as const).filter((key) => target[key] !== undefined)
  if (target.kind === 'reference') {
    if (given.length > 0) throw invalid(path, `"${given[0]}"; the reference is started by Assay itself`, file)
    return
  }
  if (given.length !== 1)
    throw invalid(
      path,
      given.length === 0 ? 'neither "url" nor "command"' : `${given.map((key) => `"${key}"`).join(' and ')} together`,
      file,
      `say how "${name}" is reached: url for HTTP, command for stdio, files for manifests`,
    )
  if ((target.files !== undefined) !== (target.kind === 'manifests'))
    throw invalid(
      path,
      target.files ? `"files" for a ${target.kind}` : 'no "files"',
      file,
      'files go with kind: manifests, and with nothing else',
    )
  if (target.start && typeof target.start !== 'function') throw invalid(`${path}.start`, 'a string', file, 'start is a function')
  if (target.environment === 'production' && target.disruptive)
    throw invalid(`${path}.disruptive`, 'true for a production target', file, 'disturb a target of another environment')
  for (const [identity, { token }] of Object.entries(target.identities ?? {})) {
    if (typeof token !== 'object' || !('clientCredentials' in token)) continue
    const { issuer, tokenEndpoint } = token.clientCredentials
    if (issuer === undefined && tokenEndpoint === undefined)
      throw invalid(`${path}.identities.${identity}.token.clientCredentials`, 'neither "issuer" nor "tokenEndpoint"', file)
  }
}

function checkQueries(path: string, { prometheus, ...objective }: ObjectiveConfig, file: string): void {
  if (prometheus === undefined) return
  const { good, bad } = prometheus
  if ((good === undefined) === (bad === undefined))
    throw invalid(path, good === undefined ? 'neither "good" nor "bad"' : '"good" and "bad" together', file, 'count good or bad requests')
  for (const [member, query] of Object.entries(prometheus))
    if (!hasWindow(query)) throw invalid(`${path}.${member}`, `a query without {{window}}: ${query}`, file, `write ${windowAdvice}`)
  const times = (['within', ...percentileNames] as const).filter((member) => objective[member] !== undefined)
  if (times.length > 1)
    throw invalid(path, `queries for ${times.join(' and ')} at once`, file, 'give each time an objective of its own, with its own queries')
}

function checkReferences(config: Config, file: string): void {
  const names = Object.keys(config.targets)
  const lists: [string, string[] | undefined][] = [
    ['defaultTargets', config.defaultTargets],
    ...Object.entries(config.gates ?? {}).map(([name, gate]): [string, string[] | undefined] => [`gates.${name}.targets`, gate.targets]),
    ...Object.entries(config.objectives ?? {}).map(([name, { targets }]): [string, string[] | undefined] => [
      `objectives.${name}.targets`,
      targets,
    ]),
  ]
  for (const [name, { load }] of Object.entries(config.targets))
    for (const which of ['direct', 'previous'] as const) {
      const other = load?.[which]
      if (other === undefined) continue
      lists.push([`targets.${name}.load.${which}`, [other]])
    }
  for (const [path, list] of lists)
    for (const target of list ?? []) if (!names.includes(target)) throw unknownTarget(target, names, file, path)
}

/** The error for a target that is not in the configuration. */
export function unknownTarget(target: string, names: readonly string[], file: string, at?: string): AssayError {
  const meant = orList(nearest(target, names))
  return coded(
    'E_TARGET_UNKNOWN',
    { target, file },
    { got: at && `named at ${at}`, try: meant ? `did you mean ${meant}?` : `targets of ${file}: ${names.join(', ')}` },
  )
}
