import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadGenerator, type LoadProgress, type LoadResult, type LoadScript, Unfit } from '../model/index.ts'
import { type Found, find, missing } from '../toolchain/index.ts'
import { trafficScript } from './bundle.ts'
import { Samples } from './samples.ts'
import { endSessions } from './sessions.ts'

const tick = 250
/** Milliseconds after which what was written of a second has been read. */
const settling = 500
/** Milliseconds k6 may take to start, and to end after its last request. */
const allowance = 20_000
/** Milliseconds between asking k6 to stop and making it. */
const patience = 3_000
const keptErrors = 5
/** Of k6's codes, those that say that the traffic itself was sent. */
const sent = 0
/** Kernel ticks a second, as Linux tells them to every program. */
const ticksPerSecond = 100

interface RunOptions {
  signal?: AbortSignal
  told?: (progress: LoadProgress) => void
}

/** Sends traffic with k6, one after the other: two at once would measure each other. */
export function k6Generator(env: NodeJS.ProcessEnv = process.env): LoadGenerator {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(script, options = {}) {
      const run = last.then(async () => {
        const k6 = await find('k6', { env })
        if (k6 === undefined) throw new Unfit('inconclusive', missing('k6'))
        return runScript(k6, script, env, options)
      })
      last = run.catch(() => undefined)
      return run
    },
  }
}

async function runScript(k6: Found, script: LoadScript, env: NodeJS.ProcessEnv, { signal, told }: RunOptions): Promise<LoadResult> {
  if (signal?.aborted) throw new Unfit('inconclusive', 'the run was interrupted')
  // Holds tokens: nobody else may read it, and it does not outlive the traffic.
  const folder = await mkdtemp(join(tmpdir(), 'assay-load-'))
  const place = (name: string) => join(folder, name)
  const samples = new Samples(script)
  try {
    await Promise.all([
      writeFile(place('script.json'), JSON.stringify(script), { mode: 0o600 }),
      writeFile(place('samples'), '', { mode: 0o600 }),
    ])
    const traffic = await trafficScript(folder)
    const args = ['run', '--quiet', '--no-color', '--no-usage-report', '--address', '', '--console-output', place('samples')]
    const child = spawn(k6.path, [...args, '--log-format', 'raw', traffic], {
      env: { ...env, ASSAY_SCRIPT: place('script.json'), ASSAY_SUMMARY: place('summary.json') },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const watched = await watch(child, script, samples, place('samples'), { signal, told })
    const { dropped, iterations } = JSON.parse(await readFile(place('summary.json'), 'utf8').catch(() => '{}')) as {
      dropped?: number
      iterations?: number
    }
    if (watched.code !== sent && samples.arrivals === 0)
      throw new Unfit('inconclusive', `k6 sent nothing: ${watched.said || `exit ${watched.code}`}`)
    const { flows } = samples
    return {
      generator: { name: 'k6', version: k6.version },
      flows,
      conditions: {
        dropped: dropped ?? Object.values(flows).reduce((sum, { arrivals }) => sum + arrivals.dropped, 0),
        lost: Math.max(0, (iterations ?? samples.arrivals) - samples.arrivals),
        scriptErrors: watched.errors,
        ...(watched.processor !== undefined && { processor: watched.processor }),
        machine: watched.machine,
        exhausted: watched.exhausted,
        clockSet: watched.clockSet,
        ...(watched.cutShort !== undefined && { cutShort: watched.cutShort }),
      },
    }
  } finally {
    await endSessions(samples.open, script.timeout)
    await rm(folder, { recursive: true, force: true })
  }
}

interface Watched {
  code: number | null
  said: string
  errors: string[]
  processor?: number
  machine: number
  exhausted: number
  clockSet: number
  cutShort?: string
}

/** Reads along until k6 ends, which it is made to when it is told to or takes too long. */
async function watch(
  child: ChildProcess,
  script: LoadScript,
  samples: Samples,
  file: string,
  { signal, told }: RunOptions,
): Promise<Watched> {
  const lasts = Math.max(...script.flows.map((flow) => flow.starts + flow.lasts))
  const said = gather(child)
  const ended = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null))
    child.on('exit', (code) => resolve(code))
  })
  // k6 does not end with its parent by itself.
  const orphaned = () => child.kill('SIGKILL')
  process.once('exit', orphaned)
  let cutShort: string | undefined
  const cut = (reason: string) => {
    cutShort ??= reason
    child.kill('SIGINT')
    setTimeout(() => child.kill('SIGKILL'), patience).unref()
  }
  const interrupted = () => cut('the run was interrupted')
  signal?.addEventListener('abort', interrupted)
  const late = setTimeout(() => cut('k6 did not end in time'), lasts + script.timeout + allowance)
  const began = { clock: Date.now(), steady: performance.now() }
  const machine = machineUsage()
  const follower = await follow(file, samples)
  const usage = processorUsage(child.pid)
  let second = 0
  // k6 begins when all its users are ready, which takes seconds where there are many: requests tell what time it is for them.
  let behind = Number.POSITIVE_INFINITY
  const timer = setInterval(async () => {
    usage.look()
    machine.look()
    const since = performance.now() - began.steady
    await follower.read()
    behind = Math.min(behind, since - samples.latest)
    const over = Math.floor((since - behind - settling) / 1000)
    if (over <= second) return
    second = over
    told?.(samples.progress(second, lasts / 1000))
  }, tick)
  try {
    const code = await ended
    return {
      code,
      said: said().slice(-500),
      errors: said()
        .split('\n')
        .filter((line) => /\b(GoError|TypeError|ReferenceError|SyntaxError|RangeError)\b|Uncaught/.test(line))
        .slice(0, keptErrors),
      processor: usage.most,
      machine: machine.mean(),
      exhausted: machine.exhausted(),
      clockSet: Math.round(Math.abs(Date.now() - began.clock - (performance.now() - began.steady))),
      cutShort,
    }
  } finally {
    clearInterval(timer)
    clearTimeout(late)
    signal?.removeEventListener('abort', interrupted)
    process.removeListener('exit', orphaned)
    await follower.close()
  }
}

function gather(child: ChildProcess): () => string {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-20_000)
  })
  return () => said
}

/** Reads a file as it grows. */
async function follow(path: string, samples: Samples): Promise<{ read(): Promise<void>; close(): Promise<void> }> {
  const file = await open(path)
  const decoder = new TextDecoder()
  const buffer = Buffer.alloc(1 << 20)
  let reading: Promise<void> = Promise.resolve()
  const all = async () => {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return
      samples.read(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }))
    }
  }
  const read = () => {
    reading = reading.then(all)
    return reading
  }
  return {
    read,
    close: async () => {
      await read()
      await file.close()
    },
  }
}

/** Milliseconds of all processors since they were started: in use, and in all. */
function processorTimes(): { used: number; all: number } {
  const times = cpus().map((cpu) => cpu.times)
  const all = times.flatMap((each) => Object.values(each)).reduce((sum, time) => sum + time, 0)
  return { used: all - times.reduce((sum, { idle }) => sum + idle, 0), all }
}

/** Of this machine's processors less than this share is free. */
const nextToNothing = 0.05

/** How much of this machine is in use by anyone, second by second. */
function machineUsage(): { look(): void; mean(): number; exhausted(): number } {
  const first = processorTimes()
  let last = first
  let at = performance.now()
  let [seconds, without] = [0, 0]
  return {
    look: () => {
      if (performance.now() - at < 1000) return
      at = performance.now()
      const now = processorTimes()
      seconds += 1
      without += share(last, now) > 1 - nextToNothing ? 1 : 0
      last = now
    },
    mean: () => share(first, processorTimes()),
    exhausted: () => Math.round((without / Math.max(1, seconds)) * 100) / 100,
  }
}

const share = (before: { used: number; all: number }, after: { used: number; all: number }): number =>
  Math.round(((after.used - before.used) / Math.max(1, after.all - before.all)) * 100) / 100

/** The share of all processors a process uses, second by second, where the kernel tells. */
function processorUsage(pid: number | undefined): { look(): void; readonly most: number | undefined } {
  let most: number | undefined
  let last: { at: number; used: number } | undefined
  const look = () => {
    const used = pid === undefined ? undefined : processorTime(pid)
    if (used === undefined) return
    const now = performance.now()
    last ??= { at: now, used }
    if (now - last.at < 1000) return
    most = Math.max(most ?? 0, (used - last.used) / ((now - last.at) / 1000) / availableParallelism())
    last = { at: now, used }
  }
  return {
    look,
    get most() {
      return most === undefined ? undefined : Math.round(most * 100) / 100
    },
  }
}

/** Seconds of processor time, from the kernel. */
function processorTime(pid: number): number | undefined {
  try {
    // The name of the program stands in parentheses, and may hold spaces.
    const members = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(members[11]) + Number(members[12])) / ticksPerSecond
  } catch {
    return undefined
  }
}
