import type { Finding, Keyword } from '../../src/model/index.ts'
import { plainLine } from '../plain.ts'
import { type Taxonomy, taxonomies } from './taxonomies.ts'

/** On the scale of CVSS, as code scanning sorts by it: a broken requirement is high, a broken recommendation medium. */
const severities: Record<Keyword, string> = { MUST: '8.0', SHOULD: '5.0', MAY: '3.0', POLICY: '3.0', OBJECTIVE: '8.0' }

const verbs: Record<Keyword, string> = { MUST: 'must', SHOULD: 'should', MAY: 'may', POLICY: 'is to', OBJECTIVE: 'is to' }

const levels = { MUST: 'error', SHOULD: 'warning', MAY: 'note', POLICY: 'warning', OBJECTIVE: 'error' } as const

export const weaknessesOf = (findings: readonly Finding[]): string[] =>
  [...new Set(findings.flatMap(({ weakness }) => weakness ?? []))].toSorted()

/** The rule of a check, from one of its findings. */
export function ruleOf({ check, title, suite, keyword, clause, fix, weakness = [] }: Finding) {
  const isSecurity = suite === 'security'
  const says = `A target ${verbs[keyword]} ${plainLine(clause.says)}.`
  return {
    id: check,
    name: nameOf(check),
    shortDescription: { text: plainLine(title) },
    fullDescription: { text: says },
    helpUri: clause.url,
    help: {
      text: `${says} ${fix}`,
      markdown: `${says}\n\n**How to mend it:** ${fix}\n\nIt stands in [${clause.spec} ${clause.page}](${clause.url}).`,
    },
    defaultConfiguration: { level: levels[keyword] },
    properties: {
      tags: [suite, check.split('/')[0]!, ...weakness.flatMap(tagsOf)],
      keyword,
      ...(isSecurity ? { 'security-severity': severities[keyword] } : {}),
    },
    relationships: weakness.flatMap((id) => {
      const of = taxonomies.find((taxonomy) => taxonomy.has(id))
      return of === undefined ? [] : [{ target: { id, toolComponent: { name: of.name } }, kinds: ['relevant'] }]
    }),
  }
}

const nameOf = (check: string): string =>
  check
    .split(/[/-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

/** Both as code scanning wants weaknesses named, and as people do. */
const tagsOf = (id: string): string[] =>
  id.startsWith('CWE-') ? [`external/cwe/${id.toLowerCase()}`, id] : [`external/owasp/${id.toLowerCase()}`, id]

/** The part of a list of weaknesses that findings refer to. */
export function taxonomyOf({ name, organization, version, about, home, has, titleOf, linkOf }: Taxonomy, used: readonly string[]) {
  const taxa = used.filter(has).map((id) => ({ id, ...textOf(titleOf?.(id)), ...(linkOf === undefined ? {} : { helpUri: linkOf(id) }) }))
  return {
    name,
    organization,
    ...(version === undefined ? {} : { version }),
    informationUri: home,
    shortDescription: { text: about },
    taxa,
  }
}

const textOf = (text: string | undefined) => (text === undefined ? {} : { name: text, shortDescription: { text } })
