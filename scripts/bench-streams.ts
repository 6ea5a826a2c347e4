/**
 * Measures the driver of event streams: memory a stream, and how late events are read, with a thousand and with five thousand streams
 * open at once. The server is another process: `npm run bench:streams`.
 */
import { fork } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { driveStreams } from '../src/load/streams.ts'

const rounds = 10

if (process.argv[2] === 'serve') serve()
else for (const many of [1_000, 5_000]) console.log(await measured(many))

/** Sends each event it is told of to all streams. */
function serve(): void {
  const open = new Set<ServerResponse>()
  const server = createServer((_, response) => {
    open.add(response.writeHead(200, { 'content-type': 'text/event-stream' }))
    response.on('close', () => open.delete(response))
    response.flushHeaders()
  })
  process.on('message', (uri) => {
    const message = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } }
    for (const response of open) response.write(`data: ${JSON.stringify(message)}\n\n`)
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
}

async function measured(many: number): Promise<string> {
  const server = fork(fileURLToPath(import.meta.url), ['serve'])
  try {
    const port = await new Promise<number>((resolve) => server.once('message', (told) => resolve(Number(told))))
    const streams = Array.from({ length: many }, (_, at) => ({ own: `own-${at}`, method: 'GET' as const, headers: {} }))
    const flow = { name: 'ears', url: `http://127.0.0.1:${port}/`, every: 0, listens: true, due: [], credentials: {}, streams }
    const before = process.memoryUsage().rss
    let held = 0
    const { flows, conditions } = await driveStreams(
      { timeout: 30_000, lasts: 120_000, within: [], flows: [flow] },
      {
        meanwhile: async ({ announced }) => {
          for (let round = 0; round < rounds; round += 1) {
            announced(`bench://${round}`)
            server.send(`bench://${round}`)
            await delay(1_000)
          }
          held = process.memoryUsage().rss - before
        },
      },
    )
    const { streams: seen, events, delays } = flows.ears!
    return [
      `${seen.opened} of ${many} streams`,
      `${events.received} of ${events.due} events`,
      `${Math.round(held / many / 1024)} KiB a stream`,
      `read p50 ${Math.round(delays.latency.p50)} ms, p99 ${Math.round(delays.latency.p99)} ms after they were announced`,
      `event loop late by ${conditions.held.p99} ms (p99)`,
    ].join(' · ')
  } finally {
    server.kill()
  }
}
