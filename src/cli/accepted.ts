import { resolve } from 'node:path'
import type { GateConfig, LoadedConfig } from '../config/index.ts'
import type { RegisteredCheck } from '../engine/types.ts'
import { type Accepted, applyBaseline, applyWaivers, type EntryProblem, fits, readEntries } from '../gate/index.ts'
import type { Finding } from '../model/index.ts'

/** Waivers and baseline of a gate, as they stand in their files. */
export interface AcceptedFiles {
  waivers?: { file: string; entries: unknown[] }
  baseline?: { file: string; entries: unknown[] }
}

/** Reads the files a gate names. */
export async function readAccepted({ waivers, baseline }: GateConfig, { directory }: LoadedConfig): Promise<AcceptedFiles> {
  const read = async (file: string | undefined) => file && { file, entries: await readEntries(resolve(directory, file), file) }
  return { waivers: (await read(waivers)) || undefined, baseline: (await read(baseline)) || undefined }
}

export interface Scope {
  /** Every check there is, for former ids and for checks outside this run. */
  all: readonly RegisteredCheck[]
  /** Ids of the checks of this run. */
  checks: readonly string[]
  /** Targets of this run, and all those of the configuration. */
  targets: readonly string[]
  known: readonly string[]
}

/** Annotates findings with what is accepted, and names the entries that cannot stand. */
export function applyAccepted(
  findings: readonly Finding[],
  { waivers, baseline }: AcceptedFiles,
  scope: Scope,
  today: string,
): { findings: Finding[]; problems: EntryProblem[] } {
  const waived = applyWaivers(findings, inScope(waivers?.entries ?? [], scope), today, waivers?.file)
  const based = applyBaseline(waived.findings, inScope(baseline?.entries ?? [], scope), today, baseline?.file)
  return { findings: based.findings, problems: [...waived.problems, ...based.problems] }
}

/** Entries with their checks' present names, without those about checks and targets that exist but are no part of this run. */
function inScope(entries: readonly unknown[], { all, checks, targets, known }: Scope): unknown[] {
  return entries
    .map((entry) => renamed(entry, all))
    .filter((entry) => {
      const { check, target } = (entry ?? {}) as Partial<Accepted>
      if (typeof check !== 'string') return true
      const elsewhere = !checks.some((id) => fits(check, id)) && all.some(({ id }) => fits(check, id))
      const otherTarget = target !== undefined && !targets.includes(target) && known.includes(target)
      return !elsewhere && !otherTarget
    })
}

function renamed(entry: unknown, all: readonly RegisteredCheck[]): unknown {
  const { check } = (entry ?? {}) as Partial<Accepted>
  const now = all.find(({ replaces }) => check !== undefined && replaces.includes(check))
  return now ? { ...(entry as Accepted), check: now.id } : entry
}
