import type { Facility, Probe, UnitFacts } from '../model/index.ts'
import type { RegisteredCheck } from './types.ts'
import { isTranscript } from './unit.ts'

/** The checks that speak about this unit at all: right kind of thing, revision and transport, and an area that is wanted. */
export const checksFor = (checks: readonly RegisteredCheck[], { of, areas, revision, via }: UnitFacts): RegisteredCheck[] =>
  checks.filter(
    (check) =>
      check.of === of &&
      check.revisions.includes(revision) &&
      (check.over === undefined || check.over === via) &&
      (areas === undefined || areas.includes(check.area)),
  )

/** The probes those checks need, without those of checks whose facilities are missing; each once. */
export function probesFor(checks: readonly RegisteredCheck[], facts: UnitFacts): Probe[] {
  const given = (requires: readonly Facility[]) => requires.every((facility) => facts.facilities[facility] === true)
  const needed = new Set<Probe>(checks.filter(({ requires }) => given(requires)).flatMap(({ needs }) => Object.values(needs)))
  return [...needed].filter((probe) => !isTranscript(probe)).sort((a, b) => turnOf(a) - turnOf(b))
}

/** Those that wait come first, and the others fill their wait; those that run alone hold everyone up, and come last. */
const turnOf = ({ waits, alone }: Probe): number => (alone ? 2 : waits ? 0 : 1)
