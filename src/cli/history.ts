import { relative, resolve } from 'node:path'
import { type LoadedConfig, loadConfig } from '../config/index.ts'
import { fileHistory, type HistoryEntry, type HistoryStore, otavaCsv } from '../history/index.ts'
import { isRevision, revisions } from '../model/index.ts'
import { resultsDirectory } from '../store/index.ts'
import { defineCommand, usage } from './command.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'

export const history = defineCommand({
  name: 'history',
  synopsis: ['[OPTION …]'],
  summary: 'show what gates came to, night by night',
  about: [
    'Every run of `assay gate` adds an entry for each target and revision to the history: its verdict, its findings by outcome, and what it measured under load. The command shows them, the earliest first.',
    'With --csv, the latencies of one target at one revision are printed as Apache Otava reads them: the traffic the target is meant to carry, of the runs that came to a verdict.',
  ],
  options: {
    target: { type: 'string', short: 't', value: 'NAME', help: 'entries of this target' },
    revision: { type: 'string', value: 'REVISION', among: revisions, help: 'entries at this revision of MCP' },
    results: { type: 'string', value: 'DIR', help: 'look for the history below this directory instead of assay-results' },
    json: { type: 'boolean', help: 'print a JSON array, one object per entry' },
    csv: { type: 'boolean', help: 'print latencies as CSV' },
  },
  examples: [
    ['assay history', 'every entry'],
    ['assay history --target preprod --revision 2025-11-25 --csv > preprod.csv', 'a series for Apache Otava'],
    ["assay history --json | jq '.[] | {at, target, objectives}'", 'what was spent of the budgets'],
  ],
  exits: [0, 2],
  run: async (context, { options, positionals }) => {
    if (positionals.length > 0) throw usage('history', 'history takes no argument')
    if (options.json && options.csv) throw usage('history', '--json and --csv exclude each other')
    const store = historyOf(context, await loadConfig(options.config, context.cwd), options.results)
    const { target, revision } = options
    const entries = (await entriesIn(context, store)).filter(
      (entry) => (target === undefined || entry.target === target) && (revision === undefined || entry.revision === revision),
    )
    if (options.csv) context.out(otavaCsv(ofOneSeries(entries)))
    else if (options.json) context.out(`${JSON.stringify(entries, null, 2)}\n`)
    else context.out(entries.length === 0 ? `${store.place} has no such entries\n` : entries.map(lineOf).join(''))
    return exit.passed
  },
})

/** The history of a configuration; beside the runs where it does not say. */
export function historyOf({ cwd }: Context, { config, directory }: LoadedConfig, results: string | undefined): HistoryStore {
  const { file } = config.history ?? {}
  const path = file === undefined ? resolve(cwd, results ?? resultsDirectory, 'history.ndjson') : resolve(directory, file)
  return fileHistory(path, relative(cwd, path) || path)
}

/** What there is in it; what cannot be read is said. */
export async function entriesIn(context: Context, store: HistoryStore): Promise<HistoryEntry[]> {
  const { entries, damaged } = await store.read()
  for (const line of damaged) context.err(`history: ${line}\n`)
  return entries
}

/** A series is of one target at one revision. */
function ofOneSeries(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const targets = [...new Set(entries.map(({ target }) => target))]
  if (targets.length > 1) throw usage('history', '--csv needs one target', `add --target: ${targets.join(', ')}`)
  const at = [...new Set(entries.flatMap(({ revision }) => revision ?? []))].filter(isRevision)
  if (at.length > 1) throw usage('history', '--csv needs one revision', `add --revision: ${at.join(', ')}`)
  return entries
}

/** `2026-03-01T02:00:00Z  nightly  passed  preprod 2025-11-25  12 pass, 1 warn`. */
function lineOf({ at, run, gate, verdict, interrupted, target, revision, error, counts, objectives }: HistoryEntry): string {
  const found = Object.entries(counts).flatMap(([outcome, count]) => (count > 0 ? [`${count} ${outcome}`] : []))
  const spent = objectives.flatMap(({ name, spent }) => (spent === undefined ? [] : [`${name}: ${Math.round(spent * 100)} % spent`]))
  const words = [at, run, gate, interrupted ? 'interrupted' : verdict, [target, revision].filter(Boolean).join(' at ')]
  return `${[...words, [...(error ? [error] : []), ...found, ...spent].join(', ')].join('  ')}\n`
}
