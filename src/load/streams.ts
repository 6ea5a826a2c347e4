import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import undici from 'undici/package.json' with { type: 'json' }
import { type OpenStreams, type StreamConditions, type StreamScript, type StreamsResult, Unfit } from '../model/index.ts'
import { watchMachine } from './machine.ts'
import { agentFor, OpenStream } from './open-stream.ts'
import { StreamTally } from './stream-tally.ts'

/** Milliseconds between two looks at whether the driver comes to its work. */
const resolution = 10
/** Milliseconds between two looks at whether everything that was announced has come. */
const tick = 50

interface StreamOptions {
  signal?: AbortSignal
  meanwhile?: (streams: OpenStreams) => Promise<void>
}

interface Lane {
  tally: StreamTally
  streams: OpenStream[]
}

/**
 * Opens streams and reads them as events arrive, all in this process. k6 hears of a response when it has ended: it sees neither when
 * its first event came, nor what came when it was taken up again.
 */
export async function driveStreams(
  script: StreamScript,
  { signal, meanwhile = async () => {} }: StreamOptions = {},
): Promise<StreamsResult> {
  if (signal?.aborted) throw new Unfit('inconclusive', 'the run was interrupted')
  const agents = script.flows.map(({ credentials }) => agentFor(credentials))
  const lanes = script.flows.map((flow, at): Lane => {
    const tally = new StreamTally(flow, script.within)
    return { tally, streams: flow.streams.map((stream) => new OpenStream(stream, tally, agents[at]!, script.timeout)) }
  })
  const loop = monitorEventLoopDelay({ resolution })
  const machine = watchMachine()
  loop.enable()
  try {
    const cutShort = await withinTime(script, lanes, signal, meanwhile)
    return {
      driver: { name: 'undici', version: undici.version },
      flows: Object.fromEntries(lanes.map(({ tally }) => [tally.flow.name, tally.result])),
      conditions: { held: heldOf(loop), ...machine(), ...(cutShort !== undefined && { cutShort }) },
    }
  } finally {
    loop.disable()
    for (const { streams } of lanes) for (const stream of streams) stream.abandon()
    await Promise.all(agents.map((agent) => agent.destroy()))
  }
}

/** Until everything is over, the time is, or the run is interrupted; tells why it ended early, if so. */
async function withinTime(
  { timeout, lasts }: StreamScript,
  lanes: readonly Lane[],
  signal: AbortSignal | undefined,
  meanwhile: NonNullable<StreamOptions['meanwhile']>,
): Promise<string | undefined> {
  const stopped = new AbortController()
  let cutShort: string | undefined
  let beside = true
  const stop = (reason: string) => {
    if (beside || reason === interrupted) cutShort ??= reason
    stopped.abort()
    for (const stream of streamsOf(lanes)) cutShort === undefined ? stream.end() : stream.abandon()
  }
  const onAbort = () => stop(interrupted)
  signal?.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(() => stop(`${lasts} ms were over before what was to happen beside the streams`), lasts)
  try {
    await Promise.all(lanes.map((lane) => openAll(lane, stopped.signal)))
    await Promise.all(streamsOf(lanes).map((stream) => stream.begun))
    if (!stopped.signal.aborted) await meanwhile({ announced: (uri) => announce(lanes, uri) })
    beside = false
    await Promise.all(lanes.map((lane) => endOf(lane, timeout)))
    return cutShort
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

const interrupted = 'the run was interrupted'

const streamsOf = (lanes: readonly Lane[]): OpenStream[] => lanes.flatMap(({ streams }) => streams)

/** One after the other, each at its time. */
async function openAll({ tally, streams }: Lane, stopped: AbortSignal): Promise<void> {
  const began = performance.now()
  for (const [at, stream] of streams.entries()) {
    const wait = began + at * tally.flow.every - performance.now()
    if (wait > 0) await delay(wait, undefined, { signal: stopped }).catch(() => {})
    if (stopped.aborted) return
    stream.open()
  }
}

function announce(lanes: readonly Lane[], uri: string): void {
  const now = performance.now()
  for (const { tally } of lanes) if (tally.flow.listens) tally.announce(uri, now)
}

/** Answers end by themselves; streams that listen are ended when they have what was announced. */
async function endOf({ tally, streams }: Lane, timeout: number): Promise<void> {
  if (tally.flow.listens) {
    const until = performance.now() + timeout
    while (performance.now() < until && streams.some(({ complete }) => !complete)) await delay(tick)
    for (const stream of streams) stream.end()
  }
  await Promise.all(streams.map(({ over }) => over))
}

function heldOf(loop: ReturnType<typeof monitorEventLoopDelay>): StreamConditions['held'] {
  const beyond = (nanoseconds: number) => Math.max(0, Math.round(nanoseconds / 1e6) - resolution)
  return { p99: beyond(loop.percentile(99)), max: beyond(loop.max) }
}
