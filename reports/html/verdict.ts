import { countOutcomes } from '../../src/gate/index.ts'
import { acceptedAs, type Finding, isOpen, type Outcome } from '../../src/model/index.ts'
import { byReason, type Group, grouped } from '../pretty/groups.ts'
import type { Reported } from '../reporter.ts'
import { html, type Markup } from './markup.ts'

/** Groups of findings that are written out: whoever has more looks into findings.json. */
const most = 200

/** What the gate says, and why. */
export function verdictSection({ decision, findings, record }: Reported): Markup {
  const unreached = record.targets.flatMap(({ name, error }) => (error ? [html`<li>${name}: ${error.message}</li>`] : []))
  const counts = Object.entries(countOutcomes(findings)).filter(([, count]) => count > 0)
  return html`<section class="verdict" aria-label="Verdict">
${decision === undefined ? html`<p>Nothing was decided.</p>` : html`<p class="sentence ${decision.verdict}"><strong>${decision.verdict}</strong> ${decision.sentence}</p>`}
${decision !== undefined && decision.verdict !== 'passed' && decision.reasons.length > 1 ? html`<ul>${decision.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>` : undefined}
<p>${counts.map(([outcome, count], at) => html`${at === 0 ? '' : ' · '}${count} ${outcome}`)}</p>
${unreached.length === 0 ? undefined : html`<h2>Not judged</h2><ul>${unreached}</ul>`}
</section>`
}

/** What is wrong, what is accepted, and what nothing is known of. */
export const findingsSection = ({ findings }: Reported): Markup =>
  html`${troubles('Failures', findings, 'fail')}${troubles('Warnings', findings, 'warn')}${unjudged('Inconclusive', findings, 'inconclusive')}${unjudged('Not testable', findings, 'not-testable')}${accepted(findings)}`

function troubles(title: string, findings: readonly Finding[], outcome: Outcome): Markup {
  const groups = grouped(findings.filter((finding) => finding.outcome === outcome && isOpen(finding)))
  return section(
    title,
    groups.map((group) => trouble(group)),
  )
}

function trouble({ finding, revisions }: Group): Markup {
  const { check, title, target, reason, expected, actual, clause, keyword, fix } = finding
  const rows: [string, string | undefined][] = [
    ['Finds', reason],
    ['Rule', `${keyword === 'POLICY' ? 'policy' : keyword}: ${clause.says}`],
    ['Expected', expected],
    ['Actual', actual],
    ['Fix', fix],
  ]
  return html`<li><strong>${check}</strong> ${title}<br><span class="place">${target} at ${revisions.join(', ')}</span>
<dl>${rows.map(([name, text]) => (text === undefined ? undefined : html`<dt>${name}</dt><dd>${text}</dd>`))}</dl></li>`
}

const unjudged = (title: string, findings: readonly Finding[], outcome: Outcome): Markup =>
  section(
    title,
    [...byReason(findings.filter((finding) => finding.outcome === outcome))].map(
      ([reason, checks]) => html`<li>${reason}<br><span class="place">${checks.join(', ')}</span></li>`,
    ),
  )

const accepted = (findings: readonly Finding[]): Markup =>
  section(
    'Accepted',
    grouped(findings.filter((finding) => !isOpen(finding))).map(
      ({ finding, revisions }) =>
        html`<li><strong>${finding.check}</strong> on ${finding.target} at ${revisions.join(', ')}: ${acceptedAs(finding)}</li>`,
    ),
  )

function section(title: string, items: readonly Markup[]): Markup {
  if (items.length === 0) return html``
  const left = items.length - most
  return html`<section><h2>${title}</h2><ul class="findings">${items.slice(0, most)}</ul>${left > 0 ? html`<p>And ${left} more, in findings.json.</p>` : undefined}</section>\n`
}
