import { plain } from '../../reports/plain.ts'
import { AssayError, coded, formatError, nearest, orList } from '../messages/index.ts'
import { helpPage, parseCall } from './command.ts'
import { commands } from './commands.ts'
import type { Context } from './context.ts'
import { exit, exitMeanings } from './exit.ts'

/** Runs the command of this process and ends it with its exit code. */
export async function start(): Promise<void> {
  // A reader that has seen enough closes the pipe; that is no error of ours.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(exit.passed))
  quietTypeStripping()
  const interruption = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (interruption.signal.aborted) process.exit(exit.interrupted)
      process.stderr.write('\ninterrupted: writing what there is; once more to stop at once\n')
      interruption.abort()
    })
  const code = await execute(process.argv.slice(2), processContext(process.argv, interruption.signal))
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  process.exit(code)
}

/** Runs one command line; errors become messages and exit codes here and nowhere else. */
export async function execute(args: readonly string[], context: Context): Promise<number> {
  const debug = args.includes('--debug')
  let directory: string | undefined
  const own: Context = {
    ...context,
    running: (running) => {
      directory = running
    },
  }
  try {
    return await dispatch(args, own)
  } catch (error) {
    if (error instanceof AssayError) {
      context.err(`${plain(formatError(error))}\n`)
      if (debug && error.stack) context.err(`${error.stack}\n`)
      return error.exit
    }
    context.err(plain(bugReport(error, debug, directory)))
    return exit.bug
  }
}

async function dispatch(args: readonly string[], context: Context): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return overview(context, rest)
  if (name === '--version') return version(context)
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    const meant = orList(nearest(name, Object.keys(commands)))
    throw coded(
      'E_USAGE',
      { command: '', problem: `there is no command "${name}"` },
      { try: meant ? `did you mean ${meant}?` : 'assay --help' },
    )
  }
  const command = await entry.load()
  const call = parseCall(command, rest)
  if (call.options.help) {
    context.out(`${helpPage(command)}\n`)
    return exit.passed
  }
  return command.run(context, call)
}

async function overview(context: Context, [about]: string[]): Promise<number> {
  const entry = about === undefined ? undefined : commands[about]
  if (entry) {
    context.out(`${helpPage(await entry.load())}\n`)
    return exit.passed
  }
  const rows = Object.entries(commands).map(([name, { summary }]) => `    ${name.padEnd(12)}${summary}`)
  const codes = Object.entries(exitMeanings).map(([code, meaning]) => `    ${code.padEnd(12)}${meaning}`)
  context.out(
    [
      'Assay tells whether MCP gateways and servers can be trusted.',
      '',
      'USAGE',
      '    assay COMMAND [OPTION …]',
      '',
      'COMMANDS',
      ...rows,
      '',
      'FIRST STEPS',
      '    assay run https://gateway.example/mcp     assess a server without a configuration',
      '    assay run -- node server.js               the same over stdio',
      '    assay init                                write a configuration and a CI job',
      '    assay COMMAND --help                      everything about a command',
      '',
      'EXIT STATUS',
      ...codes,
      '',
    ].join('\n'),
  )
  return exit.passed
}

async function version(context: Context): Promise<number> {
  const { readFile } = await import('node:fs/promises')
  const { packageFile } = await import('./package.ts')
  const { version } = JSON.parse(await readFile(packageFile(), 'utf8')) as { version: string }
  context.out(`${version}\n`)
  return exit.passed
}

function bugReport(error: unknown, debug: boolean, directory: string | undefined): string {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return [
    `error[E_BUG] Assay itself failed: ${message}`,
    ...(directory ? [`  run       ${directory}`] : []),
    debug ? (stack ?? '') : '  try       the same command with --debug, and report what it prints',
    '',
  ].join('\n')
}

function processContext(argv: readonly string[], signal: AbortSignal): Context {
  const { env, stdin, stdout, stderr } = process
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  const wanted = (tty: boolean | undefined) => {
    if (own.includes('--no-color') || env.NO_COLOR) return false
    if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
    return tty === true && env.TERM !== 'dumb'
  }
  return {
    cwd: process.cwd(),
    env,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    terminal: {
      in: stdin.isTTY === true,
      out: stdout.isTTY === true,
      err: stderr.isTTY === true,
      width: stdout.columns || stderr.columns || 100,
    },
    color: { out: wanted(stdout.isTTY), err: wanted(stderr.isTTY) },
    signal,
    checks: async () => (await import('../../suites/index.ts')).loadChecks(),
    engine: () => import('../engine/index.ts'),
    running: () => undefined,
  }
}

// Node remarks on stderr that it strips types from a configuration; the person who wrote one knows.
function quietTypeStripping(): void {
  const print = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    const { code } = warning as NodeJS.ErrnoException
    if (code === 'MODULE_TYPELESS_PACKAGE_JSON' || warning.message.startsWith('Type Stripping')) return
    for (const listener of print) listener.call(process, warning)
  })
}
