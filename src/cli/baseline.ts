import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadConfig } from '../config/index.ts'
import { type Accepted, applyBaseline, entriesText, problemOf, pruneBaseline, readEntries, updateBaseline } from '../gate/index.ts'
import { coded } from '../messages/index.ts'
import { findRun, readRun, resultsDirectory, type StoredRun, writeWhole } from '../store/index.ts'
import { type Call, defineCommand, type Options, usage } from './command.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'
import { gateNamed } from './gate.ts'

const daysByDefault = 90

const options = {
  gate: { type: 'string', value: 'NAME', help: 'use the baseline file of this gate' },
  file: { type: 'string', value: 'FILE', help: 'use this file; baseline.yaml if neither is given' },
  reason: { type: 'string', value: 'TEXT', help: 'update: why these failures are accepted for now' },
  owner: { type: 'string', value: 'NAME', help: 'update: who answers for them' },
  expires: { type: 'string', value: 'YYYY-MM-DD', help: `update: until when, at most a year ahead; ${daysByDefault} days if left out` },
  results: { type: 'string', value: 'DIR', help: 'look for runs below this directory instead of assay-results' },
  json: { type: 'boolean', help: 'show: print JSON' },
} as const satisfies Options

export const baseline = defineCommand({
  name: 'baseline',
  synopsis: ['show [RUN] [OPTION …]', 'update RUN --reason TEXT --owner NAME [OPTION …]', 'prune RUN [OPTION …]'],
  summary: 'keep the list of known failures',
  about: [
    'A baseline lets a gate be introduced before everything is mended: failures it names are known, and do not fail the gate. Every entry has a reason, an owner and a date on which it ends; an entry that is expired, or for something that no longer fails, fails the gate.',
    'show prints the entries, and with a run what became of each. update adds an entry for every failure of the run that is not known yet. prune removes entries for what no longer fails in the run.',
  ],
  options,
  examples: [
    ["assay baseline update latest --reason 'before the gateway upgrade' --owner platform", 'accept what fails today, for 90 days'],
    ['assay baseline prune latest', 'forget what is mended'],
  ],
  exits: [0, 2],
  run: async (context, call) => {
    const [action, name, ...more] = call.positionals
    if (more.length > 0) throw usage('baseline', `too many arguments: ${more.join(' ')}`)
    const file = await fileOf(context, call)
    const path = resolve(context.cwd, file)
    const entries = existsSync(path) ? await readEntries(path, file) : []
    const stored =
      name === undefined ? undefined : await readRun(await findRun(name, resolve(context.cwd, call.options.results ?? resultsDirectory)))
    if (action === 'show') return show(context, entries, file, stored, call.options.json ?? false)
    if (action !== 'update' && action !== 'prune')
      throw usage('baseline', action ? `baseline cannot ${action}` : 'baseline needs show, update or prune')
    if (stored === undefined) throw usage('baseline', `baseline ${action} needs a run`, `assay baseline ${action} latest`)
    const valid = checked(entries, file)
    const changed = action === 'prune' ? pruneBaseline(stored.findings, valid) : updateBaseline(stored.findings, valid, termsOf(call))
    await writeWhole(path, await entriesText(changed))
    context.out(
      `${file}: ${changed.length} entries, ${Math.abs(changed.length - valid.length)} ${action === 'prune' ? 'removed' : 'added'}\n`,
    )
    return exit.passed
  },
})

async function fileOf({ cwd }: Context, { options: given }: Call<typeof options>): Promise<string> {
  if (given.file !== undefined) return given.file
  if (given.gate === undefined) return 'baseline.yaml'
  return gateNamed(given.gate, await loadConfig(given.config, cwd)).baseline ?? 'baseline.yaml'
}

const today = (): string => new Date().toISOString().slice(0, 10)

// Only the form matters here: what has expired may still be pruned, or looked at.
function checked(entries: readonly unknown[], file: string): Accepted[] {
  for (const [index, entry] of entries.entries()) {
    const problem = problemOf(entry, `entry ${index + 1}`, today())
    if (problem?.code === 'E_WAIVER_INVALID') throw coded('E_WAIVER_INVALID', { entry: String(index + 1), file }, { got: problem.message })
  }
  return entries as Accepted[]
}

function termsOf({ options: { reason, owner, expires } }: Call<typeof options>): Pick<Accepted, 'reason' | 'owner' | 'expires'> {
  if (!reason || !owner)
    throw usage('baseline', `baseline update needs ${[!reason && '--reason', !owner && '--owner'].filter(Boolean).join(' and ')}`)
  const terms = { reason, owner, expires: expires ?? new Date(Date.now() + daysByDefault * 86_400_000).toISOString().slice(0, 10) }
  const problem = problemOf({ check: '*', ...terms }, 'the entry', today())
  if (problem) throw usage('baseline', `--expires ${terms.expires} will not do: ${problem.message}`)
  return terms
}

function show(context: Context, entries: readonly unknown[], file: string, stored: StoredRun | undefined, json: boolean): number {
  const rows = entries.map((entry, index) => {
    const { problems } = stored ? applyBaseline(stored.findings, [entry], today(), file) : { problems: [problemOf(entry, '', today())] }
    return {
      ...(entry as Accepted),
      entry: index + 1,
      state: problems[0]?.message.trim() ?? (stored ? 'known, and still fails' : 'stands'),
    }
  })
  if (json) context.out(`${JSON.stringify(rows, null, 2)}\n`)
  else if (rows.length === 0) context.out(`${file} has no entries\n`)
  else
    for (const { check, target, revision, reason, owner, expires, state } of rows)
      context.out(`${[check, target, revision].filter(Boolean).join(' ')}\n    ${reason} (${owner}, until ${expires}): ${state}\n`)
  return exit.passed
}
