/** The published revisions of the Model Context Protocol, oldest first. */
export const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const

export type Revision = (typeof revisions)[number]

/** `session` revisions open with `initialize`; `stateless` ones carry everything in each request. */
export type Era = 'session' | 'stateless'

/** `all`, one revision, or `from..to`, either end of which may be left out. */
export type RevisionRange = 'all' | Revision | `${Revision}..${Revision}` | `${Revision}..` | `..${Revision}`

export const isRevision = (text: unknown): text is Revision => revisions.includes(text as Revision)

export const eraOf = (revision: Revision): Era => (revision >= '2026-07-28' ? 'stateless' : 'session')

/** The revisions of a range, oldest first. */
export function revisionsIn(range: RevisionRange): Revision[] {
  if (range === 'all') return [...revisions]
  const [from, to = from] = range.split('..') as [string, string?]
  return revisions.filter((revision) => revision >= from && (to === '' || revision <= to))
}
