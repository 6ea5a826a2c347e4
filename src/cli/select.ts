import type { RegisteredCheck } from '../engine/types.ts'
import { fits } from '../gate/accepted.ts'
import { coded, nearest, orList } from '../messages/index.ts'
import { isRevision } from '../model/index.ts'
import { usage } from './command.ts'

/** Further conditions on a selection; all must hold. */
export interface Filters {
  tag?: string[]
  /** Start of a cited page, `spec:page`, or the id of a requirement. */
  clause?: string[]
  /** Only checks of rules that no revision before this one has. */
  since?: string
}

export const filterOptions = {
  tag: { type: 'string', multiple: true, value: 'TAG', help: 'only checks with this tag' },
  clause: { type: 'string', multiple: true, value: 'CLAUSE', help: 'only checks that cite this clause: the start of a page, or spec:page' },
  since: { type: 'string', value: 'REVISION', help: 'only checks of rules that no revision before this one has' },
} as const

/** The checks that selectors name: suites, areas, check ids, former ids, or patterns with `*`. All without selectors. */
export function selectChecks(checks: readonly RegisteredCheck[], selectors: readonly string[], filters: Filters = {}): RegisteredCheck[] {
  const chosen = new Set<RegisteredCheck>()
  for (const selector of selectors) {
    const found = checks.filter((check) => matches(check, selector))
    if (found.length === 0) throw unknownSelector(selector, namesOf(checks))
    for (const check of found) chosen.add(check)
  }
  const selected = checks.filter((check) => (selectors.length === 0 || chosen.has(check)) && passes(check, filters))
  if (selected.length === 0) throw unknownSelector(wordsOf(selectors, filters), [])
  return selected
}

/** What is run when nothing is asked for by name: a target is sent load only by somebody who means to. */
export const unasked = (checks: readonly RegisteredCheck[]): RegisteredCheck[] => checks.filter(({ suite }) => suite !== 'load')

/** Refuses an area that no check is in. */
export function knowArea(checks: readonly RegisteredCheck[], area: string): void {
  const areas = [...new Set(checks.map((check) => check.area))]
  if (!areas.includes(area)) throw unknownSelector(area, areas)
}

/**
 * Without the rules of no specification, unless they are wanted, or named one by one. Documents that describe a deployment are
 * judged by hardly anything else, and whoever names them wants them judged.
 */
export const withoutPolicies = (checks: readonly RegisteredCheck[], selectors: readonly string[], policies: boolean): RegisteredCheck[] =>
  checks.filter(({ keyword, of, id }) => policies || keyword !== 'POLICY' || of === 'manifests' || selectors.includes(id))

const namesOfCheck = ({ id, suite, area, replaces }: RegisteredCheck): string[] => [
  id,
  suite,
  area,
  `${suite}/${area}`,
  `${suite}/${id}`,
  ...replaces,
]

const matches = (check: RegisteredCheck, selector: string): boolean => namesOfCheck(check).some((name) => fits(selector, name))

const namesOf = (checks: readonly RegisteredCheck[]): string[] => [...new Set(checks.flatMap(namesOfCheck))]

function passes(check: RegisteredCheck, { tag, clause, since }: Filters): boolean {
  if (since !== undefined && !isRevision(since)) throw usage('list', `--since cannot be "${since}"`, 'it is a revision, such as 2025-11-25')
  if (tag && !tag.some((name) => check.tags.includes(name))) return false
  if (clause && !clause.some((name) => citesClause(check, name))) return false
  return since === undefined || check.revisions.every((revision) => revision >= since)
}

/** Whether a check cites a clause. */
export const citesClause = ({ cites, covers }: RegisteredCheck, clause: string): boolean =>
  cites.page === clause ||
  cites.page.startsWith(clause) ||
  `${cites.spec}:${cites.page}`.startsWith(clause) ||
  cites.page.endsWith(`#${clause}`) ||
  covers.includes(clause)

const wordsOf = (selectors: readonly string[], { tag = [], clause = [], since }: Filters): string =>
  [
    ...selectors,
    ...tag.map((name) => `--tag ${name}`),
    ...clause.map((name) => `--clause ${name}`),
    ...(since ? [`--since ${since}`] : []),
  ].join(' ')

function unknownSelector(selector: string, names: readonly string[]) {
  const meant = orList(nearest(selector.replaceAll('*', ''), names))
  return coded('E_SELECTOR_UNKNOWN', { selector }, { try: meant && `did you mean ${meant}?` })
}
