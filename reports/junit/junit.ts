import { acceptedAs, type Finding, isOpen } from '../../src/model/index.ts'
import { plainLine, xml } from '../plain.ts'
import type { Reporter } from '../reporter.ts'

/** JUnit XML: a suite per area, a case per check, target and revision. What could not be judged is skipped or an error, never passed. */
export const junit: Reporter = ({ record, findings }) => {
  const areas = Map.groupBy(findings, ({ suite, check }) => `${suite}/${check.split('/')[0]}`)
  const suites = [...areas].map(([area, of]) => suiteOf(area, of, record.started))
  const errors = record.targets.filter(({ error }) => error).map(({ name, error }) => unreached(name, error!))
  const totals = countsOf(findings)
  totals.tests += errors.length
  totals.errors += errors.length
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="assay ${xml(record.run)}" ${attributes(totals)} time="${(record.took / 1000).toFixed(3)}">`,
    ...suites,
    ...(errors.length > 0
      ? [
          `  <testsuite name="targets" ${attributes({ tests: errors.length, failures: 0, errors: errors.length, skipped: 0 })}>`,
          ...errors,
          '  </testsuite>',
        ]
      : []),
    '</testsuites>',
    '',
  ].join('\n')
}

const isFailure = (finding: Finding): boolean => finding.outcome === 'fail' && isOpen(finding)

const isSkipped = (finding: Finding): boolean =>
  finding.outcome === 'not-applicable' || finding.outcome === 'not-testable' || (finding.outcome === 'fail' && !isOpen(finding))

const countsOf = (findings: readonly Finding[]) => ({
  tests: findings.length,
  failures: findings.filter(isFailure).length,
  errors: findings.filter(({ outcome }) => outcome === 'inconclusive').length,
  skipped: findings.filter(isSkipped).length,
})

const attributes = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name}="${count}"`)
    .join(' ')

function suiteOf(area: string, findings: readonly Finding[], started: string): string {
  return [
    `  <testsuite name="${xml(area)}" ${attributes(countsOf(findings))} timestamp="${xml(started)}">`,
    ...findings.map(caseOf),
    '  </testsuite>',
  ].join('\n')
}

function caseOf(finding: Finding): string {
  const { check, target, revision, suite, title } = finding
  const head = `    <testcase classname="${xml(`${suite}.${check.split('/')[0]}`)}" name="${xml(`${check} [${target} ${revision}] ${title}`)}"`
  const body = bodyOf(finding)
  return body === '' ? `${head}/>` : `${head}>\n${body}\n    </testcase>`
}

function bodyOf(finding: Finding): string {
  const reason = xml(plainLine(finding.reason ?? finding.outcome))
  const accepted = acceptedAs(finding)
  if (accepted !== undefined) return `      <skipped message="${xml(plainLine(accepted))}"/>`
  if (isSkipped(finding)) return `      <skipped message="${finding.outcome}: ${reason}"/>`
  if (isFailure(finding)) return `      <failure message="${reason}" type="${xml(finding.keyword)}">${xml(detailsOf(finding))}</failure>`
  if (finding.outcome === 'inconclusive') return `      <error message="${reason}" type="inconclusive">${xml(detailsOf(finding))}</error>`
  return finding.outcome === 'warn' ? `      <system-out>${xml(`warning: ${finding.reason}\n${detailsOf(finding)}`)}</system-out>` : ''
}

function detailsOf({ clause, sent, expected, actual, fix, replay }: Finding): string {
  const rows = [
    ['rule', clause.says],
    ['sent', sent],
    ['expected', expected],
    ['actual', actual],
    ['fix', fix],
    ['clause', clause.url],
    ['replay', replay],
  ]
  return rows.flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`])).join('\n')
}

const unreached = (name: string, error: { code: string; message: string }): string =>
  `    <testcase classname="targets" name="${xml(name)}">\n      <error message="${xml(error.message)}" type="${xml(error.code)}"/>\n    </testcase>`
