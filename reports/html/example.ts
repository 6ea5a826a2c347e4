import type { Measured } from '../../src/engine/types.ts'
import { exampleFlow } from '../../src/load/example.ts'
import { Samples } from '../../src/load/samples.ts'
import { good, type LoadScript, type Objective } from '../../src/model/index.ts'

const objectives: Objective[] = [
  { name: 'calls answered', sli: 'availability', method: 'tools/call', target: 0.99 },
  { name: 'calls in time p99', sli: 'latency', method: 'tools/call', within: 500, target: 0.99 },
]

/** What one request of a flow comes to. */
type Ends = (second: number, at: number) => { as?: string; took: number; ended?: string }

interface Example {
  /** By flow: requests a second, its first second and the one after its last. */
  flows: Record<string, { rate: number; from: number; to: number; ends: Ends }>
  warmUp?: number
  probe: string
  objectives?: Objective[]
}

/** Traffic as it is read from what virtual users write down. */
function exampleLoad({ flows, warmUp = 0, probe, objectives: judged }: Example): Measured {
  const script: LoadScript = {
    warmUp,
    timeout: 10_000,
    within: (judged ?? []).flatMap(({ within }) => within ?? []),
    flows: Object.entries(flows).map(([name, { rate, from, to }]) => ({
      ...flow,
      name,
      rate,
      starts: from * 1000,
      lasts: (to - from) * 1000,
    })),
  }
  const samples = new Samples(script)
  for (const [name, { rate, from, to, ends }] of Object.entries(flows))
    for (let arrival = 0; arrival < rate * (to - from); arrival += 1) {
      const sent = (arrival * 1000) / rate
      const { as = 'tools/call', took, ended = good } = ends(from + Math.floor(sent / 1000), arrival)
      samples.read(`${name}\t${as}\t${arrival}\t${sent + 1}\t${took}\t${ended}\t\n`)
    }
  return {
    target: 'gateway',
    revision: '2025-11-25',
    probe,
    ...(judged && { objectives: judged }),
    result: {
      generator: { name: 'k6', version: '1.8.1' },
      flows: samples.flows,
      conditions: { dropped: 0, lost: 0, scriptErrors: [], processor: 0.12, machine: 0.34, exhausted: 0, clockSet: 0 },
    },
  }
}

const flow = exampleFlow({ name: '', rate: 1, lasts: 1_000, users: 1 })

/** Latencies with a tail, the same ones in each run. */
const usual = (at: number): number => 4 + ((at * 7919) % 97) / 20 + (at % 41 === 0 ? 40 : 0) + (at % 7 === 0 ? 12 : 0)

/** Traffic of every shape, for the tests of what shows it. */
export function exampleLoads(): Record<'steady' | 'burst' | 'many' | 'one' | 'none' | 'soak', Measured> {
  const calm: Ends = (_, at) => ({ took: usual(at), as: at % 5 === 4 ? 'tools/list' : 'tools/call' })
  return {
    // A pause of half a second, and a call in a hundred that fails.
    steady: exampleLoad({
      probe: 'the traffic the target is meant to carry',
      warmUp: 2_000,
      objectives,
      flows: {
        agents: {
          rate: 50,
          from: 0,
          to: 22,
          ends: (second, at) => ({ ...calm(second, at), ...(second === 14 && at % 5 === 1 ? { took: 540 } : {}) }),
        },
      },
    }),
    burst: exampleLoad({
      probe: 'ten times what the target is meant to carry, for a moment',
      warmUp: 1_000,
      flows: {
        before: { rate: 20, from: 0, to: 3, ends: calm },
        burst: {
          rate: 200,
          from: 3,
          to: 6,
          ends: (second, at) =>
            at % 3 === 0
              ? { took: 1.2, ended: 'HTTP 429' }
              : second === 5 && at % 10 === 1
                ? { took: 3_000, ended: 'timeout' }
                : { ...calm(second, at), took: usual(at) * (1 + (second - 2) * 9) },
        },
        after: { rate: 20, from: 9, to: 12, ends: calm },
        other: { rate: 10, from: 0, to: 12, ends: calm },
      },
    }),
    many: exampleLoad({
      probe: 'traffic that grows step by step',
      flows: Object.fromEntries(
        Array.from({ length: 12 }, (_, at) => [`step-${at + 1}`, { rate: 10 * (at + 1), from: at * 2, to: at * 2 + 2, ends: calm }]),
      ),
    }),
    one: exampleLoad({ probe: 'a single request', flows: { alone: { rate: 1, from: 0, to: 1, ends: () => ({ took: 0 }) } } }),
    none: exampleLoad({ probe: 'nothing but a warm-up', warmUp: 5_000, flows: { alone: { rate: 1, from: 0, to: 3, ends: calm } } }),
    soak: exampleLoad({
      probe: 'ten minutes',
      objectives,
      flows: {
        agents: { rate: 10, from: 0, to: 600, ends: (second, at) => ({ took: usual(at) * (1 + second / 100), as: 'tools/call' }) },
      },
    }),
  }
}
