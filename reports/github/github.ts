import { countOutcomes } from '../../src/gate/index.ts'
import { acceptedAs, type Finding, isOpen } from '../../src/model/index.ts'
import { markdown, plain } from '../plain.ts'
import type { Reporter } from '../reporter.ts'

const mostAnnotations = 10

const data = (text: string): string => plain(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** Workflow commands that GitHub shows as annotations; it shows ten of a step, so no more are written. */
export const github: Reporter = ({ record, findings, decision }) => {
  const troubles = findings.filter((finding) => finding.outcome === 'fail' && isOpen(finding))
  const doubts = findings.filter(({ outcome }) => outcome === 'inconclusive')
  const lines = [
    ...record.targets.flatMap(({ name, error }) =>
      error ? [`::error title=${property(`${name}: ${error.code}`)}::${data(error.message)}`] : [],
    ),
    ...[...troubles, ...doubts].map(annotation),
  ]
  const room = lines.length > mostAnnotations ? mostAnnotations - 1 : mostAnnotations
  const left = lines.length - room
  const rest = left > 0 ? [`::notice title=assay::${left} more; see the step summary, or: assay report ${data(record.run)}`] : []
  const verdict = decision ? [data(decision.sentence)] : []
  return [...lines.slice(0, room), ...rest, ...verdict, ''].join('\n')
}

function annotation({ outcome, check, target, revision, reason, expected, actual, fix, clause }: Finding): string {
  const level = outcome === 'fail' ? 'error' : 'warning'
  const message = [reason ?? clause.says, expected && `expected: ${expected}`, actual && `actual: ${actual}`, `fix: ${fix}`, clause.url]
  return `::${level} title=${property(`${check} (${target} ${revision})`)}::${data(message.filter(Boolean).join('\n'))}`
}

const mostRows = 200

/** Markdown for the summary page of a GitHub step. */
export const stepSummary: Reporter = ({ findings, decision, record }) => {
  const counts = countOutcomes(findings)
  const shown = findings.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn' || outcome === 'inconclusive')
  const rows = shown.slice(0, mostRows).map((finding) => {
    const state = [finding.outcome, acceptedAs(finding)].filter(Boolean).join(', ')
    const cells = [state, finding.check, finding.target, finding.revision, finding.reason ?? '']
    return `| ${cells.map(markdown).join(' | ')} |`
  })
  return [
    `## Assay: ${markdown(decision?.sentence ?? record.run)}`,
    '',
    Object.entries(counts)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(' · '),
    '',
    ...(rows.length > 0 ? ['| outcome | check | target | revision | reason |', '| --- | --- | --- | --- | --- |', ...rows, ''] : []),
    ...(shown.length > mostRows ? [`${shown.length - mostRows} more are in the report.`, ''] : []),
  ].join('\n')
}
