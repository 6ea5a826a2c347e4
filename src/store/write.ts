import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { Measured, RunEvent, RunResult } from '../engine/types.ts'
import type { Decision } from '../gate/index.ts'
import type { Findings } from '../model/index.ts'
import { jsonText, writeWhole } from './files.ts'

/** Where runs go, below the working directory. */
export const resultsDirectory = 'assay-results'

export interface OpenRun {
  readonly id: string
  readonly directory: string
  /** Appends an event to `events.ndjson`. */
  record(event: RunEvent): void
  /** Writes what the run came to. */
  finish(result: RunResult, decision: Decision): Promise<void>
  /** Writes a report beside it; returns its path. */
  report(file: string, text: string): Promise<string>
}

/** Makes the directory of a new run. */
export async function openRun(base: string, id: string): Promise<OpenRun> {
  const directory = join(base, id)
  await mkdir(directory, { recursive: true })
  const events = createWriteStream(join(directory, 'events.ndjson'))
  return {
    id,
    directory,
    record: (event) => void events.write(`${JSON.stringify(event)}\n`),
    finish: async (result, decision) => {
      events.end()
      await finished(events)
      await writeWhole(join(directory, 'findings.json'), jsonText(findingsFile(result)))
      await writeWhole(join(directory, 'decision.json'), jsonText(decision))
      if (result.loads) await writeWhole(join(directory, 'load.json'), jsonText(loadFile(result.loads)))
      // Last: a run with run.json is complete.
      await writeWhole(join(directory, 'run.json'), jsonText(result.record))
    },
    report: async (file, text) => {
      const path = join(directory, 'reports', file)
      await writeWhole(path, text)
      return path
    },
  }
}

/** The saved form of what became of the traffic of a run. */
export interface LoadFile {
  schema: 'assay/load/1'
  loads: readonly Measured[]
}

const loadFile = (loads: readonly Measured[]): LoadFile => ({ schema: 'assay/load/1', loads })

/** The saved form of a run's findings. */
export const findingsFile = ({ record, findings }: RunResult): Findings => ({ schema: 'assay/findings/1', run: record.run, findings })
