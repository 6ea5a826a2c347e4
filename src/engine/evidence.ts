import { join } from 'node:path'
import type { Exchange, UnitFacts } from '../model/index.ts'

/** What one unit of a run has gathered. In the file each exchange stands once, and values point at it. */
export interface UnitEvidence {
  facts: UnitFacts
  exchanges: Exchange[]
  probes: Record<string, ProbeEvidence>
}

export type ProbeEvidence = { value: unknown } | { unfit: 'not-applicable' | 'not-testable' | 'inconclusive'; reason: string }

/** Where the evidence of a unit stands within its run directory. */
export const evidenceFile = (target: string, revision: string): string =>
  join('evidence', target.replaceAll(/[^\w.-]+/g, '-').slice(0, 80), `${revision}.json`)

/** The saved text of a unit's evidence. */
export function writeEvidence(evidence: UnitEvidence): string {
  const known = new Set<unknown>(evidence.exchanges)
  const probes = JSON.stringify(evidence.probes, (_key, value) => (known.has(value) ? { $exchange: (value as Exchange).id } : value))
  return `{"schema":"assay/evidence/1","facts":${JSON.stringify(evidence.facts)},\n"probes":${probes},\n"exchanges":[\n${evidence.exchanges.map((each) => JSON.stringify(each)).join(',\n')}\n]}\n`
}

/** Reads it back: pointers become the exchanges again, one object each. */
export function readEvidence(text: string): UnitEvidence {
  const { facts, probes, exchanges } = JSON.parse(text) as UnitEvidence
  const byId = new Map(exchanges.map((exchange) => [exchange.id, exchange]))
  const revive = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(revive)
    const pointer = (value as { $exchange?: number }).$exchange
    if (pointer !== undefined) return byId.get(pointer)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revive(each)]))
  }
  return { facts, exchanges, probes: revive(probes) as UnitEvidence['probes'] }
}
