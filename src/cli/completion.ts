import { type Command, defineCommand, globalOptions, type Option, usage } from './command.ts'
import { commands } from './commands.ts'
import { exit } from './exit.ts'

const shells = ['bash', 'zsh', 'fish'] as const

export const completion = defineCommand({
  name: 'completion',
  synopsis: ['bash|zsh|fish'],
  summary: 'print a completion script for a shell',
  about: [
    'Prints a script that completes commands, options, and the ids of checks. The script is static: it starts nothing when a key is pressed. Print it again after an upgrade.',
  ],
  options: {},
  examples: [
    ['assay completion bash > ~/.local/share/bash-completion/completions/assay', 'for bash'],
    ['assay completion zsh > "$' + '{fpath[1]}/_assay"', 'for zsh'],
    ['assay completion fish > ~/.config/fish/completions/assay.fish', 'for fish'],
  ],
  exits: [0, 2],
  run: async (context, { positionals }) => {
    const [shell] = positionals
    if (!shells.includes(shell as never))
      throw usage(
        'completion',
        shell ? `there is no completion for "${shell}"` : 'completion needs a shell',
        `it may be ${shells.join(', ')}`,
      )
    const checks = await context.checks()
    const words = [...new Set(checks.flatMap(({ suite, area, id }) => [suite, area, id]))]
    const loaded = await Promise.all(Object.values(commands).map(({ load }) => load()))
    context.out({ bash, zsh, fish }[shell as (typeof shells)[number]](loaded, words))
    return exit.passed
  },
})

const takesChecks = new Set(['run', 'list', 'explain'])

const optionsOf = (command: Command): [string, Option][] => Object.entries<Option>({ ...command.options, ...globalOptions })

function bash(all: readonly Command[], checks: readonly string[]): string {
  const cases = all.map((command) => {
    const words = optionsOf(command).map(([name]) => `--${name}`)
    return `    ${command.name}) words="${words.join(' ')}"${takesChecks.has(command.name) ? ' ; words="$words $checks"' : ''} ;;`
  })
  return [
    '_assay() {',
    '  local current="$' + '{COMP_WORDS[COMP_CWORD]}" words checks',
    `  checks="${checks.join(' ')}"`,
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${all.map(({ name }) => name).join(' ')}"`,
    '  else case "$' + '{COMP_WORDS[1]}" in',
    ...cases,
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _assay assay',
    '',
  ].join('\n')
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function zsh(all: readonly Command[], checks: readonly string[]): string {
  const cases = all.map((command) => {
    const specs = optionsOf(command).map(([name, { type, help, multiple }]) => {
      const text = help.replaceAll(/[[\]:\\]/g, ' ')
      return quoted(`${multiple ? '*' : ''}--${name}[${text}]${type === 'string' ? ':value:_files' : ''}`)
    })
    const rest = takesChecks.has(command.name) ? "'*:check:compadd -a checks'" : "'*:file:_files'"
    return `    ${command.name}) _arguments ${specs.join(' ')} ${rest} ;;`
  })
  return [
    '#compdef assay',
    '_assay() {',
    `  local -a checks commands`,
    `  checks=(${checks.map(quoted).join(' ')})`,
    `  commands=(${all.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})`,
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local name=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $name in',
    ...cases,
    '  esac',
    '}',
    '_assay "$@"',
    '',
  ].join('\n')
}

function fish(all: readonly Command[], checks: readonly string[]): string {
  const lines = all.flatMap((command) => [
    `complete -c assay -n __fish_use_subcommand -f -a ${command.name} -d ${quoted(command.summary)}`,
    ...optionsOf(command).map(
      ([name, { type, short, help }]) =>
        `complete -c assay -n '__fish_seen_subcommand_from ${command.name}' -l ${name}${short ? ` -s ${short}` : ''}${type === 'string' ? ' -r' : ''} -d ${quoted(help)}`,
    ),
  ])
  const users = [...takesChecks].join(' ')
  return [...lines, `complete -c assay -n '__fish_seen_subcommand_from ${users}' -f -a ${quoted(checks.join(' '))}`, ''].join('\n')
}
