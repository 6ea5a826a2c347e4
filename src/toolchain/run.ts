import { spawn } from 'node:child_process'

const heartbeat = 5_000
const kept = 4_000
const graceful = 2_000

/** Takes a line about work that goes on. */
export type Progress = (line: string) => void

export interface RunOptions {
  env: NodeJS.ProcessEnv
  timeoutMs: number
  cwd?: string
  signal?: AbortSignal
  progress?: Progress
  /** What is going on, for the lines of progress. */
  doing?: string
}

/** Says a line at once, and one every five seconds until the work is done. */
export async function accompany<T>(doing: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const start = Date.now()
  progress(doing)
  const timer = setInterval(() => progress(`${doing}: ${Math.round((Date.now() - start) / 1000)} s`), heartbeat)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/** Runs a program to its end and returns the end of what it says; fails when it fails, takes too long or is interrupted. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const work = () => execute(command, args, options)
  return options.progress && options.doing ? accompany(options.doing, options.progress, work) : work()
}

async function execute(command: string, args: readonly string[], { env, timeoutMs, cwd, signal }: RunOptions): Promise<string> {
  signal?.throwIfAborted()
  // A group of its own, so that what an installer starts ends with it.
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-kept)
    })
  }
  const kill = (name: NodeJS.Signals) => {
    try {
      if (child.pid) process.kill(-child.pid, name)
    } catch {
      // It has ended by itself.
    }
  }
  const hurry = () => kill('SIGKILL')
  let reason: Error | undefined
  let late: NodeJS.Timeout | undefined
  const end = (why: Error) => {
    reason ??= why
    kill('SIGTERM')
    late ??= setTimeout(hurry, graceful)
  }
  const interrupted = () => end(new Error('interrupted'))
  const limit = setTimeout(() => end(new Error(`took longer than ${Math.round(timeoutMs / 1000)} s`)), timeoutMs)
  signal?.addEventListener('abort', interrupted)
  process.once('exit', hurry)
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    signal?.throwIfAborted()
    if (reason) throw reason
    if (code !== 0) throw new Error(`ended with ${code ?? 'a signal'}: ${said.trim().slice(-600) || 'it says nothing'}`)
    return said
  } finally {
    clearTimeout(limit)
    clearTimeout(late)
    signal?.removeEventListener('abort', interrupted)
    process.removeListener('exit', hurry)
  }
}
