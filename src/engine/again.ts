import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { coded } from '../messages/index.ts'
import type { Finding } from '../model/index.ts'
import { clientInfo } from '../wire/index.ts'
import { evidenceFile, readEvidence, type UnitEvidence, writeEvidence } from './evidence.ts'
import { judgeUnit, withReplays } from './judge.ts'
import { checksFor } from './plan.ts'
import type { RegisteredCheck, RunRecord, RunResult } from './types.ts'

/** Judges the evidence of a saved run again, offline. With the same checks the findings are identical. */
export async function judgeAgain(directory: string, checks: RegisteredCheck[]): Promise<RunResult> {
  const record = JSON.parse(await readFile(join(directory, 'run.json'), 'utf8')) as RunRecord
  const asked = checks.filter(({ id }) => record.checks.includes(id))
  const findings: Finding[] = []
  for (const target of record.targets) {
    for (const facts of target.units) {
      const file = evidenceFile(target.name, facts.revision)
      const text = await readFile(join(directory, file), 'utf8').catch((cause) => {
        throw coded('E_RUN_DAMAGED', { run: directory, what: file }, { cause })
      })
      const evidence = readEvidence(text)
      findings.push(...withReplays(judgeUnit(checksFor(asked, facts), evidence, file), evidence))
    }
  }
  return { record, findings }
}

/** Judges what was gathered elsewhere, and keeps it in the directory of a run. */
export async function judgeGiven(evidence: UnitEvidence, checks: RegisteredCheck[], run: string, directory: string): Promise<RunResult> {
  const { facts } = evidence
  const asked = checksFor(checks, facts)
  const file = evidenceFile(facts.target, facts.revision)
  await mkdir(dirname(join(directory, file)), { recursive: true })
  await writeFile(join(directory, file), writeEvidence(evidence))
  const record: RunRecord = {
    schema: 'assay/run/1',
    run,
    assay: clientInfo.version,
    started: new Date().toISOString(),
    took: 0,
    checks: asked.map(({ id }) => id),
    targets: [{ name: facts.target, kind: facts.kind, url: facts.url, units: [facts] }],
    idle: 0,
    exchanges: evidence.exchanges.length,
  }
  return { record, findings: withReplays(judgeUnit(asked, evidence, file), evidence) }
}
