import { basename } from 'node:path'
import type { Kind, LoadedConfig, TargetConfig } from '../config/index.ts'
import { bearer, env, type Secret } from '../identity/index.ts'
import { usage } from './command.ts'

export interface AdHoc {
  url?: string
  command?: string[]
  headers?: string[]
  bearer?: string
  kind?: string
  tools?: string[]
  disruptive?: boolean
}

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text)

/** A configuration of one target, given on the command line. */
export function adHocConfig({ url, command, headers = [], bearer: token, kind, tools, disruptive }: AdHoc, cwd: string): LoadedConfig {
  if (url !== undefined && !URL.canParse(url)) throw usage('run', `"${url}" is no URL`)
  const name = url === undefined ? basename(command![0]!) : new URL(url).hostname
  const target: TargetConfig = {
    kind: (kind as Kind) ?? 'server',
    ...(url === undefined ? { command, cwd } : { url, headers: Object.fromEntries(headers.map(headerOf)) }),
    identities: token === undefined ? undefined : { 'command-line': { token: bearer(secretOf(token)) } },
    tools: tools && { allow: tools },
    disruptive,
  }
  return { config: { targets: { [name]: target } }, file: 'the command line', directory: cwd, embedded: false }
}

const secretOf = (text: string): Secret => (text.startsWith('env:') ? env(text.slice(4)) : () => text)

function headerOf(text: string): [string, string | Secret] {
  const colon = text.indexOf(':')
  const name = text.slice(0, colon).trim()
  if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    throw usage('run', `--header "${text}" is no header`, "write it as --header 'Name: value'")
  const value = text.slice(colon + 1).trim()
  return [name, /authorization|cookie|key|token|secret/i.test(name) ? secretOf(value) : value]
}
