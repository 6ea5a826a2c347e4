import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { RunRecord, RunResult } from '../engine/types.ts'
import type { Decision } from '../gate/index.ts'
import { coded, nearest, orList } from '../messages/index.ts'
import type { Findings } from '../model/index.ts'
import type { LoadFile } from './write.ts'

export interface StoredRun extends RunResult {
  directory: string
  decision?: Decision
}

const runId = /^\d{8}-\d{6}-[0-9a-f]{4}$/

/** The directory of a run: given by path, by id, or as `latest`. */
export async function findRun(run: string, base: string): Promise<string> {
  const known = await runsIn(base)
  if (run === 'latest') {
    const newest = known.at(-1)
    if (newest !== undefined) return join(base, newest)
  } else if (known.includes(run)) return join(base, run)
  else if (existsSync(resolve(run)) && (await stat(run)).isDirectory()) return resolve(run)
  const meant = orList(nearest(run, known))
  throw coded(
    'E_RUN_NOT_FOUND',
    { run },
    { got: known.length === 0 ? `no runs in ${base}` : `${known.length} runs in ${base}`, try: meant && `did you mean ${meant}?` },
  )
}

// Ids begin with the time, so their order is that of the runs. A run that has not ended is not there yet.
async function runsIn(base: string): Promise<string[]> {
  const names = await readdir(base).catch(() => [])
  return names.filter((name) => runId.test(name) && existsSync(join(base, name, 'run.json'))).sort()
}

/** Reads what a run came to. */
export async function readRun(directory: string): Promise<StoredRun> {
  const record = await readPart<RunRecord>(directory, 'run.json', 'assay/run/1')
  const { findings } = await readPart<Findings>(directory, 'findings.json', 'assay/findings/1')
  const decision = existsSync(join(directory, 'decision.json'))
    ? await readPart<Decision>(directory, 'decision.json', 'assay/decision/1')
    : undefined
  const loads = existsSync(join(directory, 'load.json'))
    ? (await readPart<LoadFile>(directory, 'load.json', 'assay/load/1')).loads
    : undefined
  return { directory, record, findings, decision, ...(loads && { loads: [...loads] }) }
}

async function readPart<T extends { schema: string }>(directory: string, name: string, schema: T['schema']): Promise<T> {
  const damaged = (what: string) => coded('E_RUN_DAMAGED', { run: directory, what: `${name} ${what}` })
  const text = await readFile(join(directory, name), 'utf8').catch(() => {
    throw damaged('is missing')
  })
  let value: T
  try {
    value = JSON.parse(text) as T
  } catch {
    throw damaged('is not whole')
  }
  if (value?.schema !== schema) throw damaged(`has the schema ${JSON.stringify(value?.schema)}, and ${schema} is understood`)
  return value
}
