import type { Judgement } from './judgement.ts'
import type { Keyword } from './outcome.ts'
import type { Probe } from './probe.ts'
import { eraOf, type Revision, type RevisionRange, revisionsIn } from './revision.ts'
import type { Facility, Subject, UnitFacts } from './target.ts'

/** Where a rule stands. */
export interface Citation {
  /** `mcp`, `json-rpc`, `policy`, an RFC such as `rfc9728`, or another source `linkOf` knows. */
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
  /** What is judged: an MCP endpoint, the authorization server of its clients, or the documents that describe a deployment. */
  readonly of: Subject
  readonly needs: Needs
  readonly judge: (evidence: never, about: UnitFacts) => Judgement
  /** One imperative sentence. */
  readonly fix: string
  /** Ids of the requirement rows this check observes. */
  readonly covers: readonly string[]
  /** Weaknesses by the numbers of others: `CWE-639`, `API1:2023`, `LLM06:2025`, `MCP05:2025`. */
  readonly weakness: readonly string[]
  /** The threat it counters, by its id in the suite's list of threats. */
  readonly threat?: string
  readonly tags: readonly string[]
  /** Former ids, so that waivers and baselines keep working. */
  readonly replaces: readonly string[]
}

type Requirement = { must: string } | { should: string } | { may: string } | { policy: string } | { objective: string }

export type CheckDeclaration<N extends Needs> = Requirement & {
  title: string
  needs: N
  judge: (evidence: Evidence<N>, about: UnitFacts) => Judgement
  fix: string
  covers?: string | readonly string[]
  requires?: Facility | readonly Facility[]
  tags?: readonly string[]
  replaces?: readonly string[]
} & Partial<SectionHead>

export interface SectionHead {
  weakness?: string | readonly string[]
  threat?: string
  /** An MCP endpoint if left out. */
  of?: Subject
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
      of: head.of ?? 'endpoint',
      needs: declaration.needs,
      judge: declaration.judge as Check['judge'],
      fix: declaration.fix,
      covers: list(declaration.covers),
      weakness: list(declaration.weakness ?? head.weakness),
      threat: declaration.threat ?? head.threat,
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
  if ('objective' in declaration) return { keyword: 'OBJECTIVE', says: declaration.objective }
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

/** Where the sources stand, by what `spec` says; the page follows. */
const sources: Record<string, string> = {
  'json-rpc': 'https://www.jsonrpc.org/specification#',
  'whatwg-sse': 'https://html.spec.whatwg.org/multipage/server-sent-events.html#',
  'oauth-2.1': 'https://datatracker.ietf.org/doc/html/draft-ietf-oauth-v2-1-13#section-',
  cimd: 'https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-00#section-',
  ema: 'https://github.com/modelcontextprotocol/ext-auth/blob/main/specification/stable/enterprise-managed-authorization.mdx#',
  'id-jag': 'https://www.ietf.org/archive/id/draft-ietf-oauth-identity-assertion-authz-grant-04.html#section-',
  'oidc-core': 'https://openid.net/specs/openid-connect-core-1_0.html#',
  'oidc-discovery': 'https://openid.net/specs/openid-connect-discovery-1_0.html#',
  load: 'https://github.com/mcp-assay/assay/blob/main/docs/load.md#',
  kubernetes: 'https://kubernetes.io/',
  aws: 'https://docs.aws.amazon.com/',
  eksctl: 'https://github.com/eksctl-io/eksctl/blob/main/',
  trivy: 'https://github.com/aquasecurity/trivy-checks/blob/main/',
  'kube-linter': 'https://docs.kubelinter.io/#/generated/checks?id=',
  checkov: 'https://www.checkov.io/5.Policy%20Index/all.html#',
  policy: 'https://github.com/mcp-assay/assay/blob/main/docs/policies.md#',
}

/** The web address of a citation at a revision. */
export function linkOf(cites: Citation, revision: Revision): string {
  if (cites.spec === 'mcp') return `https://modelcontextprotocol.io/specification/${revision}/${pageOf(cites, revision)}`
  if (cites.spec.startsWith('rfc')) return `https://www.rfc-editor.org/rfc/${cites.spec}.html#section-${cites.page}`
  const source = sources[cites.spec]
  if (source === undefined) throw new Error(`no source is known as ${cites.spec}`)
  return `${source}${cites.page}`
}
