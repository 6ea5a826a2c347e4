import type { RegisteredCheck } from '../engine/types.ts'
import { coded, explainError, isErrorCode, nearest, orList, templates } from '../messages/index.ts'
import { linkOf, type Subject } from '../model/index.ts'
import { defineCommand, usage } from './command.ts'
import { exit } from './exit.ts'
import { described } from './list.ts'
import { citesClause } from './select.ts'

export const explain = defineCommand({
  name: 'explain',
  synopsis: ['CHECK|CLAUSE|ERROR-CODE [--json]'],
  summary: 'explain a check, a clause or an error code',
  about: [
    'For a check: the rule in plain words, where it stands, what the check needs, and how to mend what it finds. For a clause, such as basic/transports#session-management: the checks that cite it. For an error code: what it means and what to try.',
  ],
  options: { json: { type: 'boolean', help: 'print JSON' } },
  examples: [
    ['assay explain transport/ended-session', 'a check'],
    ['assay explain basic/transports', 'the checks of a page of the specification'],
    ['assay explain E_TARGET_UNREACHABLE', 'an error code'],
  ],
  exits: [0, 2],
  run: async (context, { options, positionals }) => {
    const [subject, ...more] = positionals
    if (subject === undefined || more.length > 0) throw usage('explain', 'explain takes one check, clause or error code')
    const code = subject.toUpperCase()
    if (isErrorCode(code)) {
      context.out(options.json ? `${JSON.stringify({ code, ...templates[code] }, null, 2)}\n` : `${explainError(code)}\n`)
      return exit.passed
    }
    const checks = explained(subject, await context.checks())
    if (options.json) context.out(`${JSON.stringify(checks.map(described), null, 2)}\n`)
    else context.out(`${checks.length === 1 ? page(checks[0]!) : overview(subject, checks)}\n`)
    return exit.passed
  },
})

function explained(subject: string, checks: readonly RegisteredCheck[]): RegisteredCheck[] {
  const check = checks.find(({ id, replaces }) => id === subject || replaces.includes(subject))
  if (check) return [check]
  const citing = checks.filter((candidate) => citesClause(candidate, subject))
  if (citing.length > 0) return citing
  const meant = orList(nearest(subject, [...checks.map(({ id }) => id), ...Object.keys(templates)]))
  throw coded('E_SELECTOR_UNKNOWN', { selector: subject }, { try: meant && `did you mean ${meant}?` })
}

const subjects: Record<Subject, string> = {
  endpoint: 'MCP endpoints',
  'authorization-server': 'authorization servers',
  manifests: 'documents that describe a deployment',
}

function page({
  id,
  title,
  keyword,
  says,
  cites,
  revisions,
  requires,
  over,
  of,
  needs,
  fix,
  weakness,
  covers,
  tags,
}: RegisteredCheck): string {
  const rows: [string, string | undefined][] = [
    [
      'rule',
      `${keyword === 'POLICY' ? 'policy of Assay, opt-in' : keyword}: a target ${{ MUST: 'must', SHOULD: 'should', MAY: 'may', POLICY: 'is to', OBJECTIVE: 'is to' }[keyword]} ${says}`,
    ],
    ['stands in', `${cites.spec} ${cites.page}`],
    ['link', linkOf(cites, revisions.at(-1)!)],
    ['revisions', revisions.join(', ')],
    ['binds', [subjects[of], over && `over ${over}`].filter(Boolean).join(', ')],
    ['requires', requires.join(', ') || undefined],
    [
      'sends',
      Object.values(needs)
        .map(({ name }) => name)
        .join('; ') || undefined,
    ],
    ['broken', keyword === 'MUST' ? 'the check fails' : 'the check warns'],
    ['fix', fix],
    ['weakness', weakness.join(', ') || undefined],
    ['covers', covers.join(', ') || undefined],
    ['tags', tags.join(', ') || undefined],
  ]
  return [`${id}: ${title}`, '', ...rows.flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(10)} ${text}`]))].join('\n')
}

const overview = (subject: string, checks: readonly RegisteredCheck[]): string =>
  [`${checks.length} checks cite ${subject}:`, '', ...checks.map(({ id, keyword, says }) => `  ${id}\n      ${keyword}: ${says}`)].join(
    '\n',
  )
