import type { Finding } from '../model/index.ts'

/** An entry of a waiver or baseline file: a failure someone has accepted until a date. */
export interface Accepted {
  /** A check id, or a pattern with `*`. */
  check: string
  target?: string
  revision?: string
  reason: string
  owner: string
  /** The last day on which it holds, `YYYY-MM-DD`. */
  expires: string
}

/** Why an entry cannot stand; the gate fails with it. */
export interface EntryProblem {
  code: 'E_WAIVER_INVALID' | 'E_WAIVER_EXPIRED' | 'E_WAIVER_STALE'
  message: string
}

export interface Applied {
  findings: Finding[]
  problems: EntryProblem[]
}

const keys = ['check', 'target', 'revision', 'reason', 'owner', 'expires']
const required = ['check', 'reason', 'owner', 'expires'] as const
const longest = 366

/** What is wrong with the form of an entry, if anything. */
export function problemOf(entry: unknown, place: string, today: string): EntryProblem | undefined {
  const invalid = (what: string): EntryProblem => ({ code: 'E_WAIVER_INVALID', message: `${place} ${what}` })
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return invalid('is not a mapping')
  const given = entry as Record<string, unknown>
  const missing = required.filter((key) => typeof given[key] !== 'string' || given[key] === '')
  if (missing.length > 0) return invalid(`lacks ${missing.join(', ')}`)
  const unknown = Object.keys(given).find((key) => !keys.includes(key))
  if (unknown !== undefined) return invalid(`has the unknown member "${unknown}"`)
  const { check, expires, owner } = given as unknown as Accepted
  if (!/^\d{4}-\d{2}-\d{2}$/.test(expires) || Number.isNaN(Date.parse(expires))) return invalid(`expires on "${expires}", which is no date`)
  if (expires < today) return { code: 'E_WAIVER_EXPIRED', message: `${place} (${check}, ${owner}) expired on ${expires}` }
  if (daysBetween(today, expires) > longest) return invalid(`(${check}) expires on ${expires}, more than a year ahead`)
  return undefined
}

const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 86_400_000

/** Whether a pattern with `*` fits a whole name. */
export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return pattern === name
  if (!name.startsWith(parts[0]!) || !name.endsWith(parts.at(-1)!)) return false
  let at = parts[0]!.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= name.length - parts.at(-1)!.length
}

export const speaksOf = (entry: Accepted, finding: Finding): boolean =>
  fits(entry.check, finding.check) &&
  (entry.target === undefined || entry.target === finding.target) &&
  (entry.revision === undefined || entry.revision === finding.revision)

/** Only what went wrong can be accepted; what could not be judged cannot. */
export const isAcceptable = ({ outcome }: Finding): boolean => outcome === 'fail' || outcome === 'warn'

function staleness(entry: Accepted, findings: readonly Finding[], place: string): EntryProblem | undefined {
  const spoken = findings.filter((finding) => speaksOf(entry, finding))
  if (spoken.some(isAcceptable)) return undefined
  const why = spoken.length === 0 ? 'matches nothing that was judged' : 'is no longer needed: nothing it speaks of fails'
  return { code: 'E_WAIVER_STALE', message: `${place} (${entry.check}) ${why}` }
}

/** Annotates each finding that an entry accepts, and names the entries that are wrong, expired or no longer needed. */
export function accept(
  findings: readonly Finding[],
  entries: readonly unknown[],
  today: string,
  file: string,
  annotate: (finding: Finding, entry: Accepted) => Finding,
): Applied {
  const problems: EntryProblem[] = []
  const standing: Accepted[] = []
  for (const [index, entry] of entries.entries()) {
    const place = `${file}, entry ${index + 1}`
    const accepted = entry as Accepted
    const problem = problemOf(entry, place, today) ?? staleness(accepted, findings, place)
    if (problem) problems.push(problem)
    else standing.push(accepted)
  }
  return {
    findings: findings.map((finding) => {
      const entry = isAcceptable(finding) ? standing.find((candidate) => speaksOf(candidate, finding)) : undefined
      return entry ? annotate(finding, entry) : finding
    }),
    problems,
  }
}
