import {
  broken,
  check,
  each,
  holdsWith,
  inconclusive,
  type Judgement,
  mannKendall,
  notTestable,
  section,
  theilSen,
} from '../../src/model/index.ts'
import type { Held, HeldAt } from './gauges.ts'
import { echoed, ofLoad } from './scenario.ts'
import { steady, warmUp } from './steady.ts'
import { enough, sound } from './verdicts.ts'

/** A trend that comes about by chance in less than one run of a hundred is taken for one. */
const unlikely = 0.01
/** The share by which anything may grow. */
const share = 0.1
const fewest = 6
/** More points than this make the trend no clearer, and the time to find it long. */
const most = 300
/** A run that is shorter, in seconds, shows a heap that fills for the first time as well: only what is gross counts there. */
const long = 600
/** Bytes for each request that no such heap is filled with. */
const gross = 256 * 1024

const megabyte = 1024 * 1024

/** How much of each may be added in any run. */
const floors: Record<keyof Held, number> = { memory: 128 * megabyte, descriptors: 200, sessions: 100 }

const words: Record<keyof Held, (value: number) => string> = {
  memory: (value) => `${Math.round(value / megabyte)} MiB`,
  descriptors: (value) => `${Math.round(value)} descriptors`,
  sessions: (value) => `${Math.round(value)} sessions`,
}

export default section({ ...ofLoad, page: 'soak', requires: echoed }, [
  check('load/soak', {
    title: 'Under level traffic nothing grows without end',
    objective: 'hold no more memory, descriptors and sessions as time goes on while the traffic is the same',
    requires: 'metrics',
    weakness: ['CWE-401', 'CWE-772'],
    needs: { steady },
    judge: ({ steady }) =>
      sound(steady.sent, () => {
        const counted = steady.held.filter(({ at }) => at > warmUp)
        const seen = (Object.keys(floors) as (keyof Held)[]).filter((what) => counted.some((held) => held[what] !== undefined))
        const requests = Object.values(steady.sent.flows.agents?.series ?? {}).reduce((sum, { count }) => sum + count, 0)
        return seen.length === 0
          ? notTestable(
              'its metrics were not to be read, or hold none of process_resident_memory_bytes, process_open_fds and a gauge of sessions: see `observe.metrics` of the target',
            )
          : enough(steady.sent.flows.agents, 'tools/call', 20, () => each(seen, '', (what) => level(what, counted, requests)))
      }),
    fix: 'Look at what each request adds to and nothing takes from: lists, listeners, timers, caches without a bound; sockets and files that are not closed.',
  }),
])

function level(what: keyof Held, samples: readonly HeldAt[], requests: number): Judgement {
  const all = samples.flatMap(({ at, [what]: y }) => (y === undefined ? [] : [{ x: at, y }]))
  if (all.length < fewest) return inconclusive(`${all.length} samples of ${what}, and ${fewest} are needed: give \`load\` more time`)
  const points = all.filter((_, at) => at % Math.ceil(all.length / most) === 0)
  const lasted = all.at(-1)!.x - all[0]!.x
  const grown = theilSen(points) * lasted
  const floor = what === 'memory' && lasted < long ? Math.max(floors[what], gross * requests) : floors[what]
  const says = words[what]
  const seen = `${says(all[0]!.y)} at first, ${says(all.at(-1)!.y)} after ${Math.round(lasted)} s`
  return grown > floor && grown > all[0]!.y * share && mannKendall(points.map(({ y }) => y)).p < unlikely
    ? broken(`holds more and more ${what} under level traffic`, { expected: `${says(floor)} more at most`, actual: seen })
    : holdsWith(seen)
}
