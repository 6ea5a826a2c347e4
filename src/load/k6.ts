import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadGenerator, type LoadProgress, type LoadResult, type LoadScript, Unfit } from '../model/index.ts'
import { type Found, find, missing } from '../toolchain/index.ts'
import { trafficScript } from './bundle.ts'
import { watchMachine } from './machine.ts'
import { numbered, outputArguments } from './outputs.ts'
import { Samples } from './samples.ts'
import { segmentArguments } from './segments.ts'
import { endSessions } from './sessions.ts'
import { driveStreams } from './streams.ts'

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

export interface K6Options {
  /** Processes of k6 that share each traffic, split exactly by execution segments; 1 if left out. */
  shards?: number
  /** Outputs of k6 itself, as its `--out` takes them. Files are numbered from the second process on. */
  outputs?: readonly string[]
}

/** Sends traffic with k6, one after the other: two at once would measure each other. What k6 cannot see is read by a driver of our own. */
export function k6Generator(env: NodeJS.ProcessEnv = process.env, options: K6Options = {}): LoadGenerator {
  let last: Promise<unknown> = Promise.resolve()
  const started = { count: 0 }
  return {
    run(script, running = {}) {
      const run = last.then(async () => {
        const k6 = await find('k6', { env })
        if (k6 === undefined) throw new Unfit('inconclusive', missing('k6'))
        return runScript({ k6, env, started, ...options }, script, running)
      })
      last = run.catch(() => undefined)
      return run
    },
    streams: driveStreams,
  }
}

interface Setting extends K6Options {
  k6: Found
  env: NodeJS.ProcessEnv
  /** Processes of k6 that this generator has started. */
  started: { count: number }
}

async function runScript(setting: Setting, script: LoadScript, { signal, told }: RunOptions): Promise<LoadResult> {
  if (signal?.aborted) throw new Unfit('inconclusive', 'the run was interrupted')
  // Holds tokens: nobody else may read it, and it does not outlive the traffic, however this process ends.
  const folder = await mkdtemp(join(tmpdir(), 'assay-load-'))
  const forgotten = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', forgotten)
  const samples = new Samples(script)
  try {
    const places = Array.from({ length: setting.shards ?? 1 }, (_, index) => join(folder, `${index}`))
    await Promise.all([
      writeFile(join(folder, 'script.json'), JSON.stringify(script), { mode: 0o600 }),
      ...places.map((place) => writeFile(samplesAt(place), '', { mode: 0o600 })),
    ])
    const traffic = await trafficScript(folder)
    // At once, and watched at once: whatever happens from here on, no k6 is left alone.
    const shards = places.map((place, index) => startShard(setting, place, join(folder, 'script.json'), traffic, index))
    const watched = await watch(shards, script, samples, { signal, told })
    const summaries = await Promise.all(shards.map(({ summary }) => readSummary(summary)))
    if (watched.ended !== undefined && samples.arrivals === 0)
      throw new Unfit('inconclusive', watched.cutShort ?? `k6 sent nothing: ${watched.ended}`)
    const { flows } = samples
    const iterations = sumOf(summaries.map((summary) => summary?.iterations)) ?? samples.arrivals
    const cutShort = watched.cutShort ?? watched.ended
    return {
      generator: { name: 'k6', version: setting.k6.version },
      flows,
      conditions: {
        dropped:
          sumOf(summaries.map((summary) => summary?.dropped)) ??
          Object.values(flows).reduce((sum, { arrivals }) => sum + arrivals.dropped, 0),
        lost: Math.max(0, iterations - samples.arrivals),
        scriptErrors: watched.errors,
        ...(watched.processor !== undefined && { processor: watched.processor }),
        machine: watched.machine,
        exhausted: watched.exhausted,
        clockSet: watched.clockSet,
        ...(cutShort !== undefined && { cutShort }),
      },
    }
  } finally {
    await endSessions(samples.open, script.timeout)
    await rm(folder, { recursive: true, force: true })
    process.removeListener('exit', forgotten)
  }
}

/** One process of k6, with the files it writes. */
interface Shard {
  child: ChildProcess
  samples: string
  summary: string
}

const samplesAt = (place: string): string => `${place}.samples`

function startShard(
  { k6, env, started, shards = 1, outputs = [] }: Setting,
  place: string,
  script: string,
  traffic: string,
  index: number,
): Shard {
  const samples = samplesAt(place)
  const summary = `${place}.summary.json`
  started.count += 1
  const page = env.K6_WEB_DASHBOARD_EXPORT
  const args = ['run', '--quiet', '--no-color', '--no-usage-report', '--address', '', '--console-output', samples, '--log-format', 'raw']
  const child = spawn(k6.path, [...args, ...segmentArguments(index, shards), ...outputArguments(outputs, started.count), traffic], {
    env: {
      ...env,
      ASSAY_SCRIPT: script,
      ASSAY_SUMMARY: summary,
      ...(page && { K6_WEB_DASHBOARD_EXPORT: numbered(page, started.count) }),
      ...(outputs.length > 0 && { ASSAY_TAGS: 'yes' }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return { child, samples, summary }
}

/** What k6 itself counted; nothing if it did not come to its end. */
const readSummary = async (file: string): Promise<{ dropped: number; iterations: number } | undefined> =>
  readFile(file, 'utf8')
    .then((text) => JSON.parse(text))
    .catch(() => undefined)

/** Nothing where one of them is unknown. */
const sumOf = (counts: readonly (number | undefined)[]): number | undefined =>
  counts.reduce((sum, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0)

interface Watched {
  /** How a process of k6 ended that was not told to, if it did not send its part. */
  ended?: string
  errors: string[]
  processor?: number
  machine: number
  exhausted: number
  clockSet: number
  cutShort?: string
}

/** Reads along until k6 ends, which it is made to when it is told to or takes too long. */
async function watch(shards: readonly Shard[], script: LoadScript, samples: Samples, { signal, told }: RunOptions): Promise<Watched> {
  const lasts = Math.max(...script.flows.map((flow) => flow.starts + flow.lasts))
  const children = shards.map(({ child }) => child)
  const said = children.map(gather)
  const ended = Promise.all(children.map(endOf))
  const send = (name: NodeJS.Signals) => {
    for (const child of children) child.kill(name)
  }
  // k6 does not end with its parent by itself.
  const orphaned = () => send('SIGKILL')
  process.once('exit', orphaned)
  let cutShort: string | undefined
  const cut = (reason: string) => {
    cutShort ??= reason
    send('SIGINT')
    setTimeout(() => send('SIGKILL'), patience).unref()
  }
  const interrupted = () => cut('the run was interrupted')
  signal?.addEventListener('abort', interrupted)
  // While k6 was being started nobody listened.
  if (signal?.aborted) interrupted()
  const late = setTimeout(() => cut('k6 did not end in time'), lasts + script.timeout + allowance)
  const began = performance.now()
  const machine = watchMachine()
  const followers = await Promise.all(shards.map((shard, index) => follow(shard.samples, (text) => samples.read(text, index))))
  const usage = processorUsage(children.flatMap(({ pid }) => pid ?? []))
  let second = 0
  // k6 begins when all its users are ready, which takes seconds where there are many: requests tell what time it is for them.
  let behind = Number.POSITIVE_INFINITY
  const timer = setInterval(async () => {
    usage.look()
    const since = performance.now() - began
    await Promise.all(followers.map((follower) => follower.read()))
    behind = Math.min(behind, since - samples.latest)
    const over = Math.floor((since - behind - settling) / 1000)
    if (over <= second) return
    second = over
    told?.(samples.progress(second, lasts / 1000))
  }, tick)
  try {
    const codes = await ended
    const failed = codes.findIndex((code) => code !== sent)
    return {
      ended: failed < 0 ? undefined : said[failed]!().slice(-500) || `exit ${codes[failed]}`,
      errors: said
        .flatMap((text) => text().split('\n'))
        .filter((line) => /\b(GoError|TypeError|ReferenceError|SyntaxError|RangeError)\b|Uncaught/.test(line))
        .slice(0, keptErrors),
      processor: usage.most,
      ...machine(),
      cutShort,
    }
  } finally {
    clearInterval(timer)
    clearTimeout(late)
    signal?.removeEventListener('abort', interrupted)
    process.removeListener('exit', orphaned)
    await Promise.all(followers.map((follower) => follower.close()))
  }
}

/** The exit code, when there is one. */
const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.on('error', () => resolve(null))
    child.on('exit', (code) => resolve(code))
  })

function gather(child: ChildProcess): () => string {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-20_000)
  })
  return () => said
}

/** Reads a file as it grows. */
async function follow(path: string, take: (text: string) => void): Promise<{ read(): Promise<void>; close(): Promise<void> }> {
  const file = await open(path)
  const decoder = new TextDecoder()
  const buffer = Buffer.alloc(1 << 20)
  let reading: Promise<void> = Promise.resolve()
  const all = async () => {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return
      take(decoder.decode(buffer.subarray(0, bytesRead), { stream: true }))
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

/** The share of all processors that processes use together, second by second, where the kernel tells. */
function processorUsage(pids: readonly number[]): { look(): void; readonly most: number | undefined } {
  let most: number | undefined
  let last: { at: number; used: number } | undefined
  const look = () => {
    const used = pids.length === 0 ? undefined : sumOf(pids.map(processorTime))
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
