import type { RegisteredCheck } from '../engine/types.ts'

export type Engine = Pick<
  typeof import('../engine/index.ts'),
  'assess' | 'judgeAgain' | 'judgeGiven' | 'newRunId' | 'readContracts' | 'readEvidence'
>

/** What a command has of the world. Everything slow to load is asked for when it is needed. */
export interface Context {
  cwd: string
  env: NodeJS.ProcessEnv
  /** The result. */
  out(text: string): void
  /** Progress and errors. */
  err(text: string): void
  terminal: { in: boolean; out: boolean; err: boolean; width: number }
  color: { out: boolean; err: boolean }
  /** Aborted when the person interrupts. */
  signal: AbortSignal
  checks(): Promise<RegisteredCheck[]>
  engine(): Promise<Engine>
  /** The run directory, told when there is one, for the report of a bug. */
  running(directory: string): void
}
