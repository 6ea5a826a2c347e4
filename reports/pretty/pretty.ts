import pico from 'picocolors'
import { countOutcomes } from '../../src/gate/index.ts'
import { acceptedAs, type Finding, isOpen, type Outcome } from '../../src/model/index.ts'
import { plain, plainLine } from '../plain.ts'
import type { Reported, Reporter } from '../reporter.ts'
import { byClause, byReason, type Group, grouped } from './groups.ts'
import { fold } from './lines.ts'

type Colors = ReturnType<typeof pico.createColors>

interface Page {
  colors: Colors
  width: number
}

const marks: Partial<Record<Outcome, string>> = { fail: 'FAIL', warn: 'WARN', inconclusive: 'INCONCLUSIVE' }

/** What a person reads at the end of a run: the verdict, what is wrong and how to see it again, what nothing is known of. */
export const pretty: Reporter = (reported, { width, color, directory }) => {
  const page: Page = { colors: pico.createColors(color), width: Math.min(Math.max(width, 60), 140) }
  const { findings, record } = reported
  const open = findings.filter(isOpen)
  const parts = [
    verdict(reported, page),
    counts(findings, page),
    targetErrors(reported, page),
    troubles('Failures', open, 'fail', page),
    troubles('Warnings', open, 'warn', page),
    accepted(findings, page),
    unjudged('Inconclusive', findings, 'inconclusive', page),
    unjudged('Not testable: give the target what these need', findings, 'not-testable', page),
    passes(findings, page),
    ...(directory ? [page.colors.dim(`Run ${record.run}: ${directory}`)] : []),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function verdict({ decision }: Reported, { colors, width }: Page): string {
  if (!decision) return ''
  const paint = { passed: colors.green, failed: colors.red, inconclusive: colors.yellow }[decision.verdict]
  const [first, ...rest] = decision.reasons
  const more =
    decision.verdict === 'passed' || first === undefined ? [] : rest.flatMap((reason) => fold(`- ${plainLine(reason)}`, width, '  '))
  return [paint(colors.bold(plainLine(decision.sentence))), ...more].join('\n')
}

function counts(findings: readonly Finding[], { colors }: Page): string {
  const of = countOutcomes(findings)
  const paints: Partial<Record<Outcome, Colors['red']>> = {
    fail: colors.red,
    warn: colors.yellow,
    inconclusive: colors.yellow,
    pass: colors.green,
  }
  return Object.entries(of)
    .map(([outcome, count]) => {
      const text = `${count} ${outcome}`
      return count > 0 ? (paints[outcome as Outcome]?.(text) ?? text) : colors.dim(text)
    })
    .join(colors.dim(' · '))
}

const targetErrors = ({ record }: Reported, { colors }: Page): string =>
  record.targets
    .flatMap(({ name, error }) =>
      error ? [`${colors.red('NOT JUDGED')} ${plainLine(name)}: [${plainLine(error.code)}] ${plainLine(error.message)}`] : [],
    )
    .join('\n')

function troubles(title: string, findings: readonly Finding[], outcome: Outcome, page: Page): string {
  const groups = grouped(findings.filter((finding) => finding.outcome === outcome))
  if (groups.length === 0) return ''
  const clauses = [...byClause(groups)].map(([clause, of]) =>
    [page.colors.underline(clause), ...of.map((group) => trouble(group, page))].join('\n'),
  )
  return [page.colors.bold(title), ...clauses].join('\n\n')
}

function trouble({ finding, revisions }: Group, { colors, width }: Page): string {
  const { check, keyword, title, target, outcome, clause } = finding
  const paint = outcome === 'fail' ? colors.red : colors.yellow
  const rows: [string, string | undefined][] = [
    ['finds', finding.reason],
    ['rule', `${keyword === 'POLICY' ? 'policy' : keyword}: ${clause.says}`],
    ['sent', finding.sent],
    ['expected', finding.expected],
    ['actual', finding.actual],
    ['fix', finding.fix],
    ['clause', clause.url],
    [
      'evidence',
      finding.evidence &&
        `${finding.evidence.file}${finding.evidence.exchange === undefined ? '' : ` exchange ${finding.evidence.exchange}`}`,
    ],
  ]
  return [
    `  ${paint(marks[outcome] ?? outcome)} ${colors.bold(plainLine(check))}  ${plainLine(title)}`,
    `    ${colors.dim(`${plainLine(target)} at ${revisions.join(', ')}`)}`,
    ...rows.flatMap(([name, text]) => (text === undefined ? [] : row(name, text, width))),
    ...(finding.replay
      ? [
          '    replay',
          ...plain(finding.replay)
            .split('\n')
            .map((line) => `      ${line}`),
        ]
      : []),
  ].join('\n')
}

function row(name: string, text: string, width: number): string[] {
  const [first, ...rest] = fold(plainLine(text), width - 14, '')
  return [`    ${name.padEnd(9)} ${first ?? ''}`, ...rest.map((line) => `${' '.repeat(14)}${line}`)]
}

function accepted(findings: readonly Finding[], { colors, width }: Page): string {
  const groups = grouped(findings.filter((finding) => !isOpen(finding)))
  if (groups.length === 0) return ''
  const lines = groups.flatMap(({ finding, revisions }) => {
    return fold(
      plainLine(
        `${marks[finding.outcome] ?? finding.outcome} ${finding.check} on ${finding.target} at ${revisions.join(', ')}: ${acceptedAs(finding)}`,
      ),
      width,
      '  ',
    )
  })
  return [colors.bold('Accepted'), ...lines].join('\n')
}

function unjudged(title: string, findings: readonly Finding[], outcome: Outcome, { colors, width }: Page): string {
  const reasons = byReason(findings.filter((finding) => finding.outcome === outcome))
  if (reasons.size === 0) return ''
  const lines = [...reasons].flatMap(([reason, checks]) => [
    ...fold(plainLine(reason), width, '  '),
    ...fold(plainLine(checks.join(', ')), width, '    ').map((line) => colors.dim(line)),
  ])
  return [colors.bold(title), ...lines].join('\n')
}

function passes(findings: readonly Finding[], { colors, width }: Page): string {
  const areas = Map.groupBy(
    findings.filter(({ outcome }) => outcome === 'pass'),
    ({ check }) => check.split('/')[0]!,
  )
  if (areas.size === 0) return ''
  const text = [...areas].map(([area, of]) => `${area} ${new Set(of.map(({ check }) => check)).size}`).join(', ')
  return [colors.bold('Checks that pass, by area'), ...fold(plainLine(text), width, '  ')].join('\n')
}
