import pico from 'picocolors'
import { plainLine } from '../../reports/plain.ts'
import { type LoadedConfig, loadConfig, resolveTargets, targetNames } from '../config/index.ts'
import type { Target } from '../engine/types.ts'
import { AssayError, type ErrorRecord, recordOf } from '../messages/index.ts'
import { type Found, find, obtain, remedy, type ToolName, toolNames, tools } from '../toolchain/index.ts'
import { adHocConfig, isUrl } from './adhoc.ts'
import { type Call, defineCommand, type Options } from './command.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'

const oldestNode = [22, 22] as const
const skewAllowed = 30_000
const patience = 5_000

interface Line {
  subject: string
  state: 'ok' | 'warn' | 'bad'
  finds: string
  fix?: string
}

const options = {
  target: { type: 'string', multiple: true, short: 't', value: 'NAME', help: 'look at this target' },
  bearer: { type: 'string', value: 'TOKEN', help: 'with a URL: the bearer token, or env:NAME' },
  fix: { type: 'boolean', help: 'obtain the tools that are missing' },
  json: { type: 'boolean', help: 'print JSON' },
} as const satisfies Options

export const doctor = defineCommand({
  name: 'doctor',
  synopsis: ['[URL] [OPTION …]'],
  summary: 'see whether everything needed is there',
  about: [
    'Looks at the Node version, the configuration, and each target: whether it is reached, whether its identities get a token, which revisions of MCP it serves, and whether its clock agrees with the one here. Each line that is not well says how to mend it. Nothing is judged and no tool is called.',
    'Some suites use programs that are not npm packages. Each is shown with its version and how it was found: by its variable, on PATH, or in the cache (ASSAY_CACHE, else the cache folder of the user). One that is missing is no fault: what needs it is not testable. --fix obtains it with an installer the machine has (Maven, Go, or apt-get as root).',
  ],
  options,
  examples: [
    ['assay doctor', 'the targets of the configuration'],
    ['assay doctor https://gateway.example/mcp --bearer env:TOKEN', 'a URL'],
    ['assay doctor --fix', 'and obtain what is missing'],
  ],
  exits: [0, 2, 3],
  run: async (context, call) => {
    const lines: Line[] = [nodeLine(process.versions.node)]
    const loaded = await configuration(context, call, lines)
    if (loaded) for (const name of targetNames(loaded, call.options.target ?? [])) lines.push(...(await targetLines(context, loaded, name)))
    lines.push(...(await toolLines(context, call.options.fix === true)))
    context.out(call.options.json ? `${JSON.stringify(lines, null, 2)}\n` : table(lines, context))
    if (!loaded || lines[0]!.state === 'bad') return exit.usage
    return lines.some(({ state }) => state === 'bad') ? exit.inconclusive : exit.passed
  },
})

export function nodeLine(version: string): Line {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [least, leastMinor] = oldestNode
  const old = major < least || (major === least && minor < leastMinor)
  return {
    subject: 'node',
    state: old ? 'bad' : 'ok',
    finds: version,
    fix: old ? `install Node ${oldestNode.join('.')} or newer, for example: npx node@24` : undefined,
  }
}

const badLine = (subject: string, { code, message, got, attempt, likely }: ErrorRecord): Line => ({
  subject,
  state: 'bad',
  finds: `[${code}] ${message}${got ? `: ${got}` : ''}`,
  // An error that points at doctor would point at itself here.
  fix: attempt?.startsWith('assay doctor') ? `see whether ${likely}` : attempt,
})

async function configuration(
  context: Context,
  { options: given, positionals }: Call<typeof options>,
  lines: Line[],
): Promise<LoadedConfig | undefined> {
  const url = positionals.find(isUrl)
  if (url) return adHocConfig({ url, bearer: given.bearer }, context.cwd)
  try {
    const loaded = await loadConfig(given.config, context.cwd)
    targetNames(loaded, given.target ?? [])
    lines.push({
      subject: 'configuration',
      state: 'ok',
      finds: `${loaded.file}, targets ${Object.keys(loaded.config.targets).join(', ')}`,
      fix: loaded.embedded ? 'write one of your own: assay init' : undefined,
    })
    return loaded
  } catch (error) {
    if (!(error instanceof AssayError)) throw error
    lines.push(badLine('configuration', recordOf(error)))
    return undefined
  }
}

async function targetLines(context: Context, loaded: LoadedConfig, name: string): Promise<Line[]> {
  try {
    const { targets, close } = await resolveTargets(loaded, [name], context.env)
    try {
      const lines = await Promise.all(
        targets.map(async (target) => [
          ...(await tokenLines(target)),
          ...(await reachLines(context, target)),
          ...(await clockLines(target)),
        ]),
      )
      return lines.flat()
    } finally {
      await close()
    }
  } catch (error) {
    return [badLine(name, asRecord(error))]
  }
}

const asRecord = (error: unknown): ErrorRecord =>
  error instanceof AssayError
    ? recordOf(error)
    : { code: 'E_TARGET_UNREACHABLE', message: error instanceof Error ? error.message : String(error) }

async function tokenLines(target: Target): Promise<Line[]> {
  const lines = target.identities.map(async ({ name, token }): Promise<Line[]> => {
    if (token === undefined) return []
    const subject = `${target.name}: token of ${name}`
    try {
      return [expiryLine(subject, await token())]
    } catch (error) {
      return [badLine(subject, asRecord(error))]
    }
  })
  return (await Promise.all(lines)).flat()
}

function expiryLine(subject: string, token: string): Line {
  const { exp } = claimsOf(token)
  if (typeof exp !== 'number') return { subject, state: 'ok', finds: 'given' }
  const left = Math.round(exp - Date.now() / 1000)
  return left > 0
    ? { subject, state: 'ok', finds: `given, for another ${left} s` }
    : {
        subject,
        state: 'bad',
        finds: `expired ${-left} s ago`,
        fix: 'give a fresh token, or a source that renews it: clientCredentials(…)',
      }
}

/** What a token says of itself, if it is a JWT; nothing is verified here. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) ?? {}
  } catch {
    return {}
  }
}

async function reachLines(context: Context, target: Target): Promise<Line[]> {
  const { assess } = await context.engine()
  const { record } = await assess([target], { checks: [], allowDisruptive: false, signal: context.signal }, () => undefined)
  const [about] = record.targets
  if (about?.error) return [badLine(target.name, about.error)]
  const units = about?.units ?? []
  const info = units.at(-1)?.serverInfo
  const server = [info?.name, info?.version].filter((part) => typeof part === 'string').join(' ')
  return [
    { subject: target.name, state: 'ok', finds: `answers at ${about?.url}${server ? ` as ${server}` : ''}` },
    { subject: `${target.name}: revisions`, state: 'ok', finds: units.map(({ revision }) => revision).join(', ') },
  ]
}

async function clockLines(target: Target): Promise<Line[]> {
  if (!('url' in target.reach)) return []
  const subject = `${target.name}: clock`
  try {
    const response = await fetch(target.reach.url, { method: 'GET', redirect: 'manual', signal: AbortSignal.timeout(patience) })
    await response.body?.cancel()
    const date = Date.parse(response.headers.get('date') ?? '')
    if (Number.isNaN(date))
      return [
        {
          subject,
          state: 'warn',
          finds: 'the target sends no Date header',
          fix: 'compare its clock by hand: expiry of tokens depends on it',
        },
      ]
    const skew = Math.round((date - Date.now()) / 1000)
    if (Math.abs(skew) * 1000 <= skewAllowed) return [{ subject, state: 'ok', finds: 'agrees' }]
    return [
      {
        subject,
        state: 'warn',
        finds: `${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`,
        fix: 'set both clocks by NTP: tokens are judged by them',
      },
    ]
  } catch {
    // That it cannot be reached is said by another line.
    return []
  }
}

/** Looking is done side by side; obtaining one after the other, because each keeps the machine busy. */
async function toolLines(context: Context, fix: boolean): Promise<Line[]> {
  const lines = await Promise.all(toolNames.map((tool) => toolLine(tool, () => find(tool, { env: context.env }))))
  if (!fix) return lines
  const progress = (text: string) => context.err(`${text}\n`)
  const settled: Line[] = []
  for (const [index, line] of lines.entries()) {
    const tool = toolNames[index]!
    const obtained = () => obtain(tool, { env: context.env, progress, signal: context.signal })
    settled.push(line.state === 'warn' ? await toolLine(tool, obtained) : line)
  }
  return settled
}

async function toolLine(tool: ToolName, look: () => Promise<Found | undefined>): Promise<Line> {
  const subject = `tool: ${tool}`
  try {
    const found = await look()
    if (!found) return { subject, state: 'warn', finds: `not found; needed for ${tools[tool].for}`, fix: remedy(tool) }
    return { subject, state: 'ok', finds: `${found.version}, ${found.path} (${found.how})` }
  } catch (error) {
    if (!(error instanceof AssayError)) throw error
    return badLine(subject, recordOf(error))
  }
}

function table(lines: readonly Line[], { color }: Context): string {
  const colors = pico.createColors(color.out)
  const paint = { ok: colors.green, warn: colors.yellow, bad: colors.red }
  const width = Math.max(...lines.map(({ subject }) => subject.length))
  const rows = lines.flatMap(({ subject, state, finds, fix }) => [
    `${paint[state](state.padEnd(4))}  ${plainLine(subject).padEnd(width)}  ${plainLine(finds)}`,
    ...(fix ? [`${' '.repeat(width + 8)}${colors.dim(`try: ${plainLine(fix)}`)}`] : []),
  ])
  return `${rows.join('\n')}\n`
}
