import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LoadResult, LoadScript, UnitFacts } from '../model/index.ts'
import { exampleFlow } from './example.ts'
import { mergeResults, resultOfShards } from './merge.ts'
import { planOf, type ShardSummary } from './plan.ts'
import { Samples } from './samples.ts'

const [rate, seconds, shards] = [1_000, 20, 4]

const flow = exampleFlow({ name: 'agents', rate, lasts: seconds * 1_000, users: 100 })
const script: LoadScript = { warmUp: 2_000, timeout: 1_000, within: [50], flows: [flow] }
const plan = planOf(script, {} as UnitFacts, shards, '1.8.1')

/** A long tail: most take milliseconds, and one in a thousand up to a second. */
const took = (at: number) => (1_000 + ((at * 7_919) % 9_973) * (at % 1_000 === 7 ? 100 : 1)) / 1_000

const line = (at: number) => `agents\tping\t${at}\t${(at * 1_000) / rate}\t${took(at)}\t${at % 500 === 3 ? 'HTTP 503' : 'ok'}\t\n`

const arrivals = Array.from({ length: rate * seconds }, (_, at) => at)
const linesOf = (shard: number) => arrivals.filter((at) => at % shards === shard).map(line)
const counted = (lines: readonly string[], whole: LoadScript = script): LoadResult => {
  const samples = new Samples(whole)
  samples.read(lines.join(''))
  return {
    generator: { name: 'k6', version: '1.8.1' },
    flows: samples.flows,
    conditions: { dropped: 0, lost: 0, scriptErrors: [], machine: 0.2, clockSet: 0 },
  }
}
const single = counted(arrivals.map(line)).flows.agents!

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-merge-'))
})
afterEach(() => rm(folder, { recursive: true }))

const segments = ['0:1/4', '1/4:1/2', '1/2:3/4', '3/4:1']
const summary = (shard: number, more: Partial<ShardSummary> = {}): ShardSummary => ({
  schema: 'assay/load-shard/1',
  plan: plan.id,
  segment: segments[shard]!,
  dropped: 0,
  iterations: arrivals.length / shards,
  ...more,
})

async function written(shard: number, lines = linesOf(shard)): Promise<string> {
  const file = join(folder, `${shard}-${lines.length}.samples`)
  await writeFile(file, lines.join(''))
  return file
}

const all = [0, 1, 2, 3]

describe('lines of shards', () => {
  test('give what one process would have given', async () => {
    const { flows, conditions } = await resultOfShards(
      plan,
      all.map((shard) => summary(shard)),
      await Promise.all(all.map((shard) => written(shard))),
    )
    expect(flows.agents).toEqual(single)
    expect(conditions).toMatchObject({ dropped: 0, lost: 0, missing: [] })
    // Nothing is known of the machines of others.
    expect(conditions.machine).toBeUndefined()
  })

  test('of which one is missing are not whole', async () => {
    const three = [0, 1, 3]
    const { conditions } = await resultOfShards(
      plan,
      three.map((shard) => summary(shard)),
      await Promise.all(three.map((shard) => written(shard))),
    )
    expect(conditions.missing).toEqual(['the summary of segment 2/4:3/4', '5000 of 20000 arrivals'])
  })

  test('that are cut off are lost', async () => {
    const files = await Promise.all(all.map((shard) => written(shard, shard === 2 ? linesOf(2).slice(0, 4_000) : linesOf(shard))))
    const { conditions } = await resultOfShards(
      plan,
      all.map((shard) => summary(shard)),
      files,
    )
    expect(conditions).toMatchObject({ lost: 1_000, missing: [] })
  })

  test('fewer than were due are told, though every shard is content', async () => {
    const files = await Promise.all(all.map((shard) => written(shard, linesOf(shard).slice(0, 4_900))))
    const { conditions } = await resultOfShards(
      plan,
      all.map((shard) => summary(shard, { iterations: 4_900 })),
      files,
    )
    expect(conditions.missing).toEqual(['400 of 20000 arrivals'])
  })

  const refused = async (summaries: ShardSummary[], files: string[]) =>
    expect(resultOfShards(plan, summaries, files)).rejects.toMatchObject({ code: 'E_LOAD_MERGE' })

  test('that are there twice are refused, and those of another plan', async () => {
    const [first, second] = [await written(0), await written(1)]
    await refused([summary(0), summary(1)], [first, second, first])
    await refused([summary(0), summary(0)], [first])
    await refused([summary(0, { plan: 'another' })], [first])
  })

  test('of more than was sent are refused', async () => {
    await refused(
      all.map((shard) => summary(shard, { iterations: 10 })),
      await Promise.all(all.map((shard) => written(shard))),
    )
  })
})

describe('results', () => {
  const parts = all.map((shard) => counted(linesOf(shard), { ...script, flows: [{ ...flow, rate: rate / shards }] }))
  const whole = mergeResults([parts[0]!, ...parts.slice(1)])

  test('have the quantiles of one process, within 0.1 %', () => {
    const [is, was] = [whole.flows.agents!.series.ping!.latency, single.series.ping!.latency]
    for (const percentile of ['p50', 'p95', 'p99', 'p99.9', 'max'] as const)
      expect(Math.abs(is[percentile] / was[percentile] - 1)).toBeLessThan(0.001)
  })

  test('have its counts, and its seconds', () => {
    const { arrivals, series } = whole.flows.agents!
    expect(arrivals).toEqual(single.arrivals)
    const { count, good, bad, within, seconds } = series.ping!
    expect({ count, good, bad, within }).toEqual({
      count: single.series.ping!.count,
      good: single.series.ping!.good,
      bad: single.series.ping!.bad,
      within: single.series.ping!.within,
    })
    expect(seconds.map(({ at, count }) => [at, count])).toEqual(single.series.ping!.seconds.map(({ at, count }) => [at, count]))
  })

  test('keep the worst of the conditions', () => {
    const { conditions } = parts[0]!
    const [busy, other] = [
      { ...conditions, processor: 0.9, lost: 2, cutShort: 'a reason' },
      { ...conditions, machine: undefined, lost: 1 },
    ]
    const joined = mergeResults([
      { ...parts[0]!, conditions: busy },
      { ...parts[1]!, conditions: other },
    ]).conditions
    expect(joined).toMatchObject({ processor: 0.9, lost: 3, cutShort: 'a reason' })
    expect(joined.machine).toBeUndefined()
  })

  test('that are there twice are refused, and those of other traffic', () => {
    expect(() => mergeResults([parts[0]!, parts[0]!])).toThrow('twice')
    expect(() => mergeResults([parts[0]!, { ...parts[1]!, flows: { other: parts[1]!.flows.agents! } }])).toThrow('cannot be joined')
  })
})
