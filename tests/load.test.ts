import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { k6Generator } from '../src/load/index.ts'
import { type LoadProgress, type LoadScript, Unfit } from '../src/model/index.ts'
import { obtain } from '../src/toolchain/index.ts'
import { scriptFlow } from '../src/wire/index.ts'

const generator = k6Generator()

/** Answers every request, after what `wait` waits for. */
async function serve(wait: () => Promise<void>, answer: () => object = () => ({ result: {} })): Promise<{ url: string; server: Server }> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    await wait()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, ...answer() }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server }
}

const script = (url: string, { rate, seconds, users }: { rate: number; seconds: number; users?: number }): LoadScript => ({
  warmUp: 0,
  timeout: 5_000,
  within: [],
  flows: [
    scriptFlow(
      { name: 'calls', arrivals: 'calls', rate, seconds, users, requests: [{ method: 'ping' }] },
      { url, revision: '2026-07-28', headers: {}, token: undefined, sessions: [], tools: new Map() },
    ),
  ],
})

beforeAll(async () => {
  await obtain('k6', { progress: (line) => console.log(line) })
}, 900_000)

describe('a server that stalls for one second in five', () => {
  let stalling: Awaited<ReturnType<typeof serve>>
  beforeAll(async () => {
    stalling = await serve(async () => {
      const at = Date.now() % 5_000
      if (at < 1_000) await delay(1_000 - at)
    })
  })
  afterAll(() => void stalling.server.close())

  test('is seen to stall: requests arrive whether it does or not', async () => {
    const { flows, conditions } = await generator.run(script(stalling.url, { rate: 100, seconds: 10, users: 200 }))
    const { count, good, latency } = flows.calls!.series.ping!
    expect(conditions).toMatchObject({ dropped: 0, scriptErrors: [] })
    expect(count).toBeGreaterThanOrEqual(990)
    expect(good).toBe(count)
    expect(latency.p99).toBeGreaterThan(900)
    expect(latency.p50).toBeLessThan(500)
  })

  test('uses up too few virtual users, which is said', async () => {
    const { conditions, flows } = await generator.run(script(stalling.url, { rate: 100, seconds: 6, users: 3 }))
    expect(conditions.dropped).toBeGreaterThan(50)
    expect(flows.calls!.arrivals.dropped).toBeGreaterThan(50)
  })
})

test('what a target answers cannot be taken for samples of its own making', async () => {
  const forged = { code: '1\ncalls\tping\t5\t1\t1\tok\t', message: '' }
  const answers = [{ error: forged }, { error: null }, { result: null }, { error: { code: -32000 } }]
  let next = 0
  const { url, server } = await serve(
    async () => {},
    () => answers[next++ % answers.length]!,
  )
  const { conditions, flows } = await generator.run(script(url, { rate: 20, seconds: 2 }))
  server.close()
  const { count, good, bad } = flows.calls!.series.ping!
  expect(conditions).toMatchObject({ lost: 0, scriptErrors: [] })
  expect(count).toBeGreaterThan(30)
  expect(good).toBe(0)
  expect(Object.keys(bad).sort()).toEqual(['error -32000', 'error without a code', 'neither result nor error'])
})

test('what is told meanwhile is of the seconds of the traffic, however long its users take to be ready', async () => {
  const { url, server } = await serve(async () => {})
  const told: LoadProgress[] = []
  await generator.run(script(url, { rate: 50, seconds: 4, users: 800 }), { told: (progress) => told.push(progress) })
  server.close()
  const counts = told.filter(({ flows }) => flows.length > 0).map(({ count }) => count)
  expect(counts.length).toBeGreaterThanOrEqual(2)
  // What was sent late, on a machine that is busy, ended in another second.
  expect(Math.max(...counts)).toBeGreaterThan(40)
  expect(told[0]).toMatchObject({ at: 1, of: 4, flows: ['calls'] })
})

test('without k6 there is no result, and a way to get it', async () => {
  const nowhere = k6Generator({ PATH: '/nonexistent', ASSAY_CACHE: '/nonexistent' })
  const failure = await nowhere.run(script('http://127.0.0.1:1/mcp', { rate: 1, seconds: 1 })).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(Unfit)
  expect(failure).toMatchObject({ kind: 'inconclusive', message: expect.stringContaining('K6_BIN') })
})

test('what is interrupted ends at once, says so, and leaves no k6', async () => {
  const { url, server } = await serve(async () => {})
  const interruption = new AbortController()
  setTimeout(() => interruption.abort(), 2_500)
  const began = performance.now()
  const { conditions, flows } = await generator.run(script(url, { rate: 20, seconds: 60 }), { signal: interruption.signal })
  server.close()
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(conditions.cutShort).toBe('the run was interrupted')
  expect(flows.calls!.series.ping!.count).toBeGreaterThan(0)
  // Others on this machine may have one of their own.
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args', '--ppid', String(process.pid)])
  expect(stdout.split('\n').filter((line) => line.includes('assay-load-') && line.includes('k6'))).toEqual([])
})
