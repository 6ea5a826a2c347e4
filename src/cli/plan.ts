import type { RegisteredCheck } from '../engine/types.ts'
import { type Probe, type Revision, revisions, transcript } from '../model/index.ts'

/** What would be done, without doing it. */
export function planOf(checks: readonly RegisteredCheck[], targets: readonly string[], json: boolean): string {
  const perRevision = revisions.map((revision) => partAt(checks, revision)).filter(({ checks: count }) => count > 0)
  if (json) return `${JSON.stringify({ targets, checks: checks.map(({ id }) => id), revisions: perRevision }, null, 2)}\n`
  return [
    `${checks.length} checks on ${targets.join(', ')}; at each revision the target serves:`,
    ...perRevision.map(
      ({ revision, checks: count, probes, alone, disruptive }) =>
        `  ${revision}  ${count} checks, ${probes} probes${alone ? `, ${alone} of them alone on the target` : ''}${disruptive.length > 0 ? `, disruptive: ${disruptive.join(', ')}` : ''}`,
    ),
    '',
  ].join('\n')
}

function partAt(checks: readonly RegisteredCheck[], revision: Revision) {
  const bound = checks.filter((check) => check.revisions.includes(revision))
  const probes = [...new Set<Probe>(bound.flatMap(({ needs }) => Object.values(needs)))].filter((probe) => probe !== transcript)
  return {
    revision,
    checks: bound.length,
    probes: probes.length,
    alone: probes.filter((probe) => probe.alone).length,
    disruptive: probes.filter((probe) => probe.disruptive).map(({ name }) => name),
  }
}
