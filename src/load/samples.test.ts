import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { expect, test } from 'vitest'
import { bucketOf, bucketStart, type LoadScript } from '../model/index.ts'
import { exampleFlow } from './example.ts'
import { latencies, Samples } from './samples.ts'

const flow = exampleFlow({ name: 'calls', rate: 10, lasts: 3_000, users: 5 })
const script: LoadScript = { warmUp: 1_000, timeout: 1_000, within: [50], flows: [flow] }

const line = (arrival: number, sent: number, took: number, ended = 'ok', note = '') =>
  `calls\tping\t${arrival}\t${sent}\t${took}\t${ended}\t${note}\n`

test('counts what was sent after the warm-up, in the second in which it was sent', () => {
  const samples = new Samples(script)
  samples.read(line(0, 0, 900))
  samples.read(line(12, 1_200, 20) + line(19, 1_950, 100) + line(21, 2_100, 40, 'HTTP 503'))
  const { arrivals, late, series } = samples.flows.calls!
  expect(arrivals).toEqual({ due: 30, dropped: 26 })
  expect(late).toEqual({ p50: 0, p99: 50 })
  expect(series.ping).toMatchObject({ count: 3, good: 2, bad: { 'HTTP 503': 1 }, within: { 50: 1 } })
  expect(series.ping!.seconds).toEqual([
    { at: 1, count: 2, good: 2, bad: {}, p50: 20, p99: 100, spread: { 8: 1, 13: 1 } },
    { at: 2, count: 1, good: 0, bad: { 'HTTP 503': 1 }, p50: 40, p99: 40, spread: { 10: 1 } },
  ])
})

test('buckets of latencies are half an octave wide', () => {
  for (const bucket of [-19, -3, 0, 1, 7, 26]) {
    expect(bucketOf(bucketStart(bucket) * 1.01)).toBe(bucket)
    expect(bucketOf(bucketStart(bucket + 1) * 0.99)).toBe(bucket)
  }
  expect(bucketOf(0)).toBe(bucketOf(0.001))
})

test('tells of the last second, and of what counts so far', () => {
  const samples = new Samples(script)
  samples.read(line(0, 0, 900) + line(12, 1_200, 20) + line(19, 1_300, 100) + line(21, 1_400, 40, 'HTTP 503'))
  expect(samples.progress(2, 3)).toEqual({
    at: 2,
    of: 3,
    flows: ['calls'],
    count: 3,
    bad: 1,
    p99: 100,
    series: { ping: { count: 3, good: 2, within: { 50: 1 }, p99: 100 } },
    counted: 0.5,
  })
  expect(samples.progress(5, 3)).toMatchObject({ flows: [], count: 0, p99: 0, counted: 1 })
})

test('takes a line in pieces, and what is no sample for none', () => {
  const samples = new Samples(script)
  const text = `something else\n${line(12, 1_200, 20)}`
  for (const piece of text) samples.read(piece)
  expect(samples.flows.calls!.series.ping!.count).toBe(1)
  expect(samples.arrivals).toBe(1)
})

test('knows the sessions that are still open, and ids that were given twice', () => {
  const samples = new Samples(script)
  samples.read('session\tcalls\ta\nsession\tcalls\tb\nsession\tcalls\ta\nended\tcalls\tb\n')
  expect(samples.open.map(({ session }) => session)).toEqual(['a'])
  expect(samples.flows.calls!.sessions).toEqual({ opened: 3, distinct: 2 })
})

test('keeps Retry-After', () => {
  const samples = new Samples(script)
  samples.read(line(12, 1_200, 1, 'HTTP 429', '3') + line(13, 1_300, 1, 'HTTP 429'))
  expect(samples.flows.calls!.series.ping).toMatchObject({ retryAfter: ['3'], bad: { 'HTTP 429': 2 } })
})

test('histograms of several machines join into what one of them would have seen', () => {
  const whole = latencies()
  const parts = [latencies(), latencies(), latencies(), latencies()]
  // A long tail: most take milliseconds, and one in a thousand a second.
  for (let at = 0; at < 40_000; at += 1) {
    const took = Math.round(1_000 + ((at * 7_919) % 9_973) * (at % 1_000 === 0 ? 100 : 1))
    whole.recordValue(took)
    parts[at % 4]!.recordValue(took)
  }
  const joined = latencies()
  for (const part of parts) joined.add(part)
  for (const percentile of [50, 99, 99.9]) expect(joined.getValueAtPercentile(percentile)).toBe(whole.getValueAtPercentile(percentile))
})

test('a histogram of a series can be read again', () => {
  const samples = new Samples(script)
  for (let at = 0; at < 100; at += 1) samples.read(line(at, 1_000 + at, 10 + at))
  const { histogram, latency } = samples.flows.calls!.series.ping!
  const read = decodeFromCompressedBase64(histogram)
  expect(read.totalCount).toBe(100)
  expect(Math.abs(read.getValueAtPercentile(99) / 1_000 - latency.p99)).toBeLessThan(0.1)
})
