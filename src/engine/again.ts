import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { coded } from '../messages/index.ts'
import type { Finding } from '../model/index.ts'
import { evidenceFile, readEvidence } from './evidence.ts'
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
