import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { type AssayError, coded, nearest, orList } from '../messages/index.ts'
import type { Context } from './context.ts'
import { exitMeanings } from './exit.ts'

export interface Option {
  type: 'string' | 'boolean'
  multiple?: true
  short?: string
  /** What its value is called in the help. */
  value?: string
  help: string
  /** The values it may have. */
  among?: readonly string[]
}

export type Options = Record<string, Option>

type ValueOf<O extends Option> = O['type'] extends 'boolean' ? boolean : O extends { multiple: true } ? string[] : string
export type Values<O extends Options> = { [K in keyof O]?: ValueOf<O[K]> }

export interface Call<O extends Options> {
  options: Values<O & typeof globalOptions>
  positionals: string[]
  /** What stands after `--`. */
  rest: string[]
}

export interface Command<O extends Options = Options> {
  name: string
  /** Argument lists, without `assay` and the name. */
  synopsis: readonly string[]
  /** One line. */
  summary: string
  /** Paragraphs. */
  about: readonly string[]
  options: O
  examples: readonly (readonly [line: string, does: string])[]
  /** Exit codes it can end with. */
  exits: readonly number[]
  run(context: Context, call: Call<O>): Promise<number>
}

/** Options that every command has. */
export const globalOptions = {
  config: { type: 'string', value: 'FILE', help: 'read this configuration instead of harness.config.* in the working directory' },
  'no-color': { type: 'boolean', help: 'no colours; NO_COLOR and FORCE_COLOR are honoured too' },
  debug: { type: 'boolean', help: 'show stack traces' },
  help: { type: 'boolean', short: 'h', help: 'show this page' },
} as const satisfies Options

/** Types a command: the values of its options follow from their declaration. */
export const defineCommand = <const O extends Options>(command: Command<O>): Command => command as unknown as Command

/** The command line of a command, understood; throws what is wrong with it. */
export function parseCall(command: Command, args: readonly string[]): Call<Options> {
  const split = args.indexOf('--')
  const own = split < 0 ? args : args.slice(0, split)
  const options = { ...command.options, ...globalOptions }
  try {
    const { values, positionals } = parseArgs({ args: [...own], options: parserOptions(options), allowPositionals: true, strict: true })
    for (const [name, option] of Object.entries<Option>(options))
      checkAmong(command, name, option, (values as Record<string, unknown>)[name])
    return { options: values as Call<Options>['options'], positionals, rest: split < 0 ? [] : args.slice(split + 1) }
  } catch (error) {
    throw rephrased(error, command, options)
  }
}

const parserOptions = (options: Options): ParseArgsOptionsConfig =>
  Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple, short }]) => [
      name,
      { type, multiple: multiple ?? false, ...(short && { short }) },
    ]),
  )

function checkAmong(command: Command, name: string, { among }: Option, value: unknown): void {
  if (among === undefined || value === undefined) return
  const wrong = (Array.isArray(value) ? value : [value]).find((each) => !among.includes(each))
  if (wrong === undefined) return
  const meant = orList(nearest(wrong, among))
  throw usage(command.name, `--${name} cannot be "${wrong}"`, meant ? `did you mean ${meant}?` : `it may be ${among.join(', ')}`)
}

function rephrased(error: unknown, command: Command, options: Options): unknown {
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const name = /'(-[^']*)'/.exec(message)?.[1] ?? ''
    const meant = nearest(name.replace(/^-+/, ''), Object.keys(options)).map((option) => `--${option}`)
    return usage(
      command.name,
      `${command.name} has no option ${name}`,
      meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : undefined,
    )
  }
  if (code?.startsWith('ERR_PARSE_ARGS')) return usage(command.name, message.split('\n')[0]!.replace(/\.$/, ''))
  return error
}

/** The error for a command line that is not understood. */
export const usage = (command: string, problem: string, attempt?: string): AssayError =>
  coded('E_USAGE', { command, problem }, { try: attempt })

/** The page that `--help` prints. */
export function helpPage({ name, summary, synopsis, about, options, examples, exits }: Command): string {
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => (line ? `    ${line}` : '')), '']
  return [
    ...section('NAME', [`assay ${name} - ${summary}`]),
    ...section(
      'SYNOPSIS',
      synopsis.map((arguments_) => `assay ${name} ${arguments_}`.trim()),
    ),
    ...section(
      'DESCRIPTION',
      about.flatMap((paragraph, index) => [...(index > 0 ? [''] : []), ...wrap(paragraph, 90)]),
    ),
    ...section('OPTIONS', optionLines(options)),
    ...section('GLOBAL OPTIONS', optionLines(globalOptions)),
    ...section(
      'EXAMPLES',
      examples.flatMap(([line, does]) => [line, `    ${does}`]),
    ),
    ...section(
      'EXIT STATUS',
      exits.map((code) => `${String(code).padEnd(4)} ${exitMeanings[code]}`),
    ),
  ]
    .join('\n')
    .trimEnd()
}

function optionLines(options: Options): string[] {
  return Object.entries(options).flatMap(([name, { short, value, multiple, help, among }]) => {
    const head = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}${multiple ? ' …' : ''}`
    return [head, ...wrap(`${help}${among ? ` (${among.join(', ')})` : ''}`, 86).map((line) => `    ${line}`)]
  })
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
