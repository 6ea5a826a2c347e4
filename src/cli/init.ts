import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { configNames } from '../config/load.ts'
import { coded } from '../messages/index.ts'
import { writeWhole } from '../store/files.ts'
import { type Call, defineCommand, type Options, usage } from './command.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'
import { type Answers, configText, workflowText } from './scaffold.ts'

const options = {
  yes: { type: 'boolean', short: 'y', help: 'ask nothing; take the options, and defaults for the rest' },
  url: { type: 'string', value: 'URL', help: 'where the target is reached over HTTP' },
  command: { type: 'string', value: "'COMMAND …'", help: 'or the command that speaks MCP over stdio' },
  name: { type: 'string', value: 'NAME', help: 'what the target is called; gateway if left out' },
  kind: { type: 'string', value: 'KIND', among: ['gateway', 'server', 'agentcore-gateway'], help: 'what the target is' },
  auth: { type: 'string', value: 'HOW', among: ['none', 'bearer', 'client-credentials'], help: 'how a client gets in; bearer if left out' },
  gate: {
    type: 'string',
    value: 'SUITES',
    among: ['conformance', 'security', 'both'],
    help: 'what the release gate looks at; both if left out',
  },
  dir: { type: 'string', value: 'DIR', help: 'write into this directory instead of the working directory' },
  force: { type: 'boolean', help: 'replace files that exist' },
} as const satisfies Options

export const init = defineCommand({
  name: 'init',
  synopsis: ['[OPTION …]', '--yes --url URL [OPTION …]'],
  summary: 'write a configuration and a CI job',
  about: [
    'Asks three things: where the target is, how a client gets in, and what the gate looks at. Writes harness.config.ts and a GitHub workflow that runs the gate. No secret is asked for: the files name the environment variables that will hold them.',
    'Nothing is written when one of the files exists, unless --force is given.',
  ],
  options,
  examples: [
    ['assay init', 'with questions'],
    ['assay init --yes --url https://gateway.example/mcp --auth client-credentials', 'for a script'],
  ],
  exits: [0, 2, 130],
  run: async (context, call) => {
    const directory = resolve(context.cwd, call.options.dir ?? '.')
    const answers = await answersOf(context, call)
    if (answers === undefined) return exit.interrupted
    const extension = await extensionFor(directory)
    const files: [string, string][] = [
      [join(directory, `harness.config.${extension}`), configText(answers)],
      [join(directory, '.github', 'workflows', 'assay.yml'), workflowText(answers)],
    ]
    if (!call.options.force) refuseExisting(directory, files, context.cwd)
    for (const [path, text] of files) await writeWhole(path, text)
    context.out(`${files.map(([path]) => `wrote ${relative(context.cwd, path)}`).join('\n')}\n`)
    context.err(`${nextSteps(answers)}\n`)
    return exit.passed
  },
})

async function answersOf(context: Context, { options: given }: Call<typeof options>): Promise<Answers | undefined> {
  if (given.url && given.command) throw usage('init', '--url and --command exclude each other')
  if (!given.yes && context.terminal.in && context.terminal.err) return (await import('./questions.ts')).ask(given)
  if (!given.yes) throw usage('init', 'init has questions, and there is no terminal to ask them on', 'assay init --yes --url https://…/mcp')
  if (!given.url && !given.command) throw usage('init', 'init needs --url or --command', 'assay init --yes --url https://…/mcp')
  if (given.url && !URL.canParse(given.url)) throw usage('init', `"${given.url}" is no URL`)
  return {
    name: given.name ?? (given.url ? 'gateway' : 'server'),
    kind: given.kind ?? (given.url ? 'gateway' : 'server'),
    url: given.url,
    command: given.command?.split(/\s+/),
    auth: (given.auth ?? (given.url ? 'bearer' : 'none')) as Answers['auth'],
    gate: (given.gate ?? 'both') as Answers['gate'],
  }
}

/** TypeScript, unless the package says that its files are CommonJS. */
async function extensionFor(directory: string): Promise<'ts' | 'mjs'> {
  const text = await readFile(join(directory, 'package.json'), 'utf8').catch(() => '{}')
  try {
    return (JSON.parse(text) as { type?: string }).type === 'commonjs' ? 'mjs' : 'ts'
  } catch {
    return 'ts'
  }
}

function refuseExisting(directory: string, files: readonly [string, string][], cwd: string): void {
  const paths = [...configNames.map((name) => join(directory, name)), ...files.map(([path]) => path)]
  const there = paths.find((path) => existsSync(path))
  if (there) throw coded('E_OUTPUT_EXISTS', { file: relative(cwd, there) })
}

function nextSteps({ auth }: Answers): string {
  const variables = { none: [], bearer: ['MCP_TOKEN'], 'client-credentials': ['MCP_ISSUER', 'MCP_CLIENT_ID', 'MCP_CLIENT_SECRET'] }[auth]
  const set = variables.length > 0 ? [`set ${variables.join(', ')} here and as secrets of the CI job`] : []
  return ['next:', ...[...set, 'assay doctor', 'assay gate release'].map((step) => `  ${step}`)].join('\n')
}
