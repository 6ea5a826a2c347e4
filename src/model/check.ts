import type { Judgement } from './judgement.ts'
import type { Keyword } from './outcome.ts'
import type { Probe } from './probe.ts'
import { eraOf, type Revision, type RevisionRange, revisionsIn } from './revision.ts'
import type { Facility, UnitFacts } from './target.ts'

/** Where a rule stands. */
export interface Citation {
  /** `mcp`, `json-rpc`, `policy`, or an RFC such as `rfc9728`. */
  spec: string
  /** Page and section: `basic/transports#session-management`, or a section number for an RFC. */
  page: string
  /** Where the same rule stands from 2026-07-28 on, when its section has moved. */
  movedTo?: string
}

export type Needs = Record<string, Probe<any>>

export type Evidence<N extends Needs> = { [K in keyof N]: N[K] extends Probe<infer E> ? E : never }

export interface Check {
  /** `area/noun`, stable for ever. */
  readonly id: string
  /** What a good target does, in a few words. */
  readonly title: string
  readonly keyword: Keyword
  /** The requirement in our own words, continuing "must …". */
  readonly says: string
  readonly cites: Citation
  readonly revisions: readonly Revision[]
  readonly requires: readonly Facility[]
  readonly over?: 'http' | 'stdio'
  /** Only targets of these kinds; all if left out. */
  readonly appliesTo?: readonly string[]
  readonly needs: Needs
  readonly judge: (evidence: never, about: UnitFacts) => Judgement
  /** One imperative sentence. */
  readonly fix: string
  /** Ids of the requirement rows this check observes. */
  readonly covers: readonly string[]
  readonly tags: readonly string[]
  /** Former ids, so that waivers and baselines keep working. */
  readonly replaces: readonly string[]
}

type Requirement = { must: string } | { should: string } | { may: string } | { policy: string }

export type CheckDeclaration<N extends Needs> = Requirement & {
  title: string
  needs: N
  judge: (evidence: Evidence<N>, about: UnitFacts) => Judgement
  fix: string
  covers?: string | readonly string[]
  requires?: Facility | readonly Facility[]
  appliesTo?: string | readonly string[]
  tags?: readonly string[]
  replaces?: readonly string[]
} & Partial<SectionHead>

export interface SectionHead {
  spec: string
  page: string
  movedTo?: string
  revisions: RevisionRange
  over?: 'http' | 'stdio'
  requires?: Facility | readonly Facility[]
}

/** A check that still lacks what its section says. */
export interface DeclaredCheck {
  id: `${string}/${string}`
  declaration: CheckDeclaration<Needs>
}

/** Declares one check; the evidence type follows from `needs`. */
export const check = <N extends Needs>(id: `${string}/${string}`, declaration: CheckDeclaration<N>): DeclaredCheck => ({
  id,
  declaration: declaration as unknown as CheckDeclaration<Needs>,
})

const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T]

/** The checks of one section of a source, in the order of its text. What a check says itself overrides the head. */
export function section(head: SectionHead, declared: readonly DeclaredCheck[]): Check[] {
  return declared.map(({ id, declaration }) => {
    const { keyword, says } = requirementOf(declaration)
    return {
      id,
      title: declaration.title,
      keyword,
      says,
      cites: citationOf(head, declaration),
      revisions: revisionsIn(declaration.revisions ?? head.revisions),
      requires: [...new Set([...list(head.requires), ...list(declaration.requires)])],
      over: declaration.over ?? head.over,
      appliesTo: declaration.appliesTo === undefined ? undefined : list(declaration.appliesTo),
      needs: declaration.needs,
      judge: declaration.judge as Check['judge'],
      fix: declaration.fix,
      covers: list(declaration.covers),
      tags: declaration.tags ?? [],
      replaces: declaration.replaces ?? [],
    }
  })
}

// A page of its own leaves the section, and with it where that has moved to.
function citationOf(head: SectionHead, own: Partial<SectionHead>): Citation {
  const movedTo = own.page === undefined ? (own.movedTo ?? head.movedTo) : own.movedTo
  return { spec: own.spec ?? head.spec, page: own.page ?? head.page, ...(movedTo === undefined ? {} : { movedTo }) }
}

function requirementOf(declaration: Requirement): { keyword: Keyword; says: string } {
  if ('must' in declaration) return { keyword: 'MUST', says: declaration.must }
  if ('should' in declaration) return { keyword: 'SHOULD', says: declaration.should }
  if ('may' in declaration) return { keyword: 'MAY', says: declaration.may }
  return { keyword: 'POLICY', says: declaration.policy }
}

/** The page and section of a citation at a revision. */
export const pageOf = (cites: Citation, revision: Revision): string =>
  cites.movedTo !== undefined && eraOf(revision) === 'stateless'
    ? cites.movedTo
    : revision === '2024-11-05'
      ? firstPage(cites.page)
      : cites.page

// The first revision keeps the rules on messages on a page of their own.
const firstPage = (page: string): string =>
  page.replace(/^basic#(requests|responses|notifications)$/, 'basic/messages#$1').replace(/^basic#messages$/, 'basic/messages')

/** The web address of a citation at a revision. */
export function linkOf(cites: Citation, revision: Revision): string {
  if (cites.spec === 'mcp') return `https://modelcontextprotocol.io/specification/${revision}/${pageOf(cites, revision)}`
  if (cites.spec === 'json-rpc') return `https://www.jsonrpc.org/specification#${cites.page}`
  if (cites.spec === 'whatwg-sse') return `https://html.spec.whatwg.org/multipage/server-sent-events.html#${cites.page}`
  if (cites.spec.startsWith('rfc')) return `https://www.rfc-editor.org/${cites.spec}.html#section-${cites.page}`
  return `https://github.com/mcp-assay/assay/blob/main/docs/policies.md#${cites.page}`
}
