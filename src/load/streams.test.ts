import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { ScriptStreams, StreamScript } from '../model/index.ts'
import { driveStreams } from './streams.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

type Handler = (response: ServerResponse, request: IncomingMessage, own: string) => unknown

/** A server that opens an event stream for each request, and has `handle` say something over it. */
async function serving(handle: Handler): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    await handle(response, request, body === '' ? '' : JSON.parse(body).id)
  })
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return listening(server)
}

const progress = (own: string, step: number) =>
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: own, progress: step } })
const answer = (own: string) => JSON.stringify({ jsonrpc: '2.0', id: own, result: {} })
const updated = (uri: string) => JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
const event = (data: string, id?: string) => `${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`

/** All three events of an answer. */
const whole = (own: string) => [progress(own, 1), progress(own, 2), answer(own)].map((data, at) => event(data, String(at + 1)))

function asking(url: string, count = 1, more: Partial<ScriptStreams> = {}): ScriptStreams {
  return {
    name: 'calls',
    url,
    every: 0,
    listens: false,
    due: ['progress 1', 'progress 2', 'answer'],
    credentials: {},
    streams: Array.from({ length: count }, (_, at) => ({
      own: `own-${at}`,
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: `own-${at}`, method: 'tools/call' }),
      resuming: {},
    })),
    ...more,
  }
}

function hearing(url: string, count = 1): ScriptStreams {
  const streams = Array.from({ length: count }, (_, at) => ({ own: `own-${at}`, method: 'GET' as const, headers: {} }))
  return { ...asking(url), name: 'listening', listens: true, due: [], streams }
}

const script = (flow: ScriptStreams, more: Partial<StreamScript> = {}): StreamScript => ({
  timeout: 2_000,
  lasts: 5_000,
  within: [250],
  flows: [flow],
  ...more,
})

const drive = async (flow: ScriptStreams, more: Partial<StreamScript> = {}) => {
  const { flows } = await driveStreams(script(flow, more))
  return Object.values(flows)[0]!
}

test('counts what comes, and when', async () => {
  const url = await serving(async (response, _, own) => {
    for (const each of whole(own)) {
      response.write(each)
      await delay(60)
    }
    response.end()
  })
  const { streams, events, first, gaps } = await drive(asking(url, 3))
  expect(streams).toEqual({ asked: 3, opened: 3, refused: {}, ended: {}, renewed: 0 })
  expect(events).toEqual({ due: 9, received: 9, lost: 0, duplicated: 0, disordered: 0, foreign: 0 })
  expect(first.count).toBe(3)
  expect(gaps.count).toBe(6)
  expect(gaps.latency.p50).toBeGreaterThan(40)
})

test('reads events that are cut anywhere, in the middle of a character too', async () => {
  const url = await serving(async (response, _, own) => {
    const noted = JSON.stringify({ ...JSON.parse(progress(own, 1)), note: 'Größe ✓' })
    for (const byte of Buffer.from(event(noted) + event(progress(own, 2)) + event(answer(own)))) {
      response.write(Buffer.of(byte))
      if (byte > 127) await delay(1)
    }
    response.end()
  })
  expect((await drive(asking(url))).events).toMatchObject({ received: 3, lost: 0 })
})

test('events that are held back come late, and close upon one another', async () => {
  const url = await serving(async (response, _, own) => {
    await delay(300)
    response.end(whole(own).join(''))
  })
  const { first, gaps } = await drive(asking(url))
  expect(first.latency.p50).toBeGreaterThan(250)
  expect(first.within).toEqual({ 250: 0 })
  expect(gaps.latency.max).toBeLessThan(100)
})

test('tells events that come twice, in the wrong order, or to the wrong stream', async () => {
  const url = await serving((response, _, own) => {
    response.end(
      [progress(own, 2), progress(own, 1), progress(own, 1), progress('another', 1), answer(own)].map((data) => event(data)).join(''),
    )
  })
  expect((await drive(asking(url))).events).toEqual({ due: 3, received: 4, lost: 0, duplicated: 1, disordered: 1, foreign: 1 })
})

test('tells events that do not come', async () => {
  const url = await serving((response, _, own) => response.end(event(progress(own, 2)) + event(answer(own))))
  expect((await drive(asking(url))).events).toMatchObject({ due: 3, lost: 1 })
})

test('a stream that breaks off within an event has ended early, and that event has not come', async () => {
  const url = await serving((response, _, own) => {
    response.write(event(progress(own, 1)) + event(progress(own, 2)).slice(0, -9), () => response.socket?.resetAndDestroy())
  })
  const { streams, events } = await drive(asking(url))
  expect(streams.ended).toEqual({ 'broken off': 1 })
  expect(events).toMatchObject({ due: 0, received: 1, lost: 0 })
})

test('an answer that is an error, one that does not come, and one that is no stream are told apart', async () => {
  const failing = await serving((response, _, own) =>
    response.end(event(JSON.stringify({ jsonrpc: '2.0', id: own, error: { code: -32603, message: 'no' } }))),
  )
  expect((await drive(asking(failing))).streams.ended).toEqual({ 'error -32603': 1 })
  const silent = await serving(() => {})
  expect((await drive(asking(silent), { lasts: 300 })).streams.ended).toEqual({ 'no answer in time': 1 })
  const plain = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  closers.push(() => plain.close())
  expect((await drive(asking(await listening(plain)))).streams.refused).toEqual({ 'no stream': 1 })
  const busy = createServer((_, response) => response.writeHead(503).end())
  closers.push(() => busy.close())
  expect((await drive(asking(await listening(busy)))).streams.refused).toEqual({ 'HTTP 503': 1 })
})

test('a head that does not end, and a peer that is not there, keep nobody waiting', async () => {
  const sockets = createSocketServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\n')
    const dripping = setInterval(() => socket.write('x-more: and more\r\n'), 20)
    socket.on('close', () => clearInterval(dripping))
  })
  closers.push(() => sockets.close())
  expect((await drive(asking(await listening(sockets)), { timeout: 300 })).streams.refused).toEqual({ timeout: 1 })
  expect((await drive(asking('http://127.0.0.1:1/'))).streams.refused).toEqual({ 'connection refused': 1 })
})

test('a stream without events that does not end is left', async () => {
  const url = await serving((response) => {
    const piece = 'x'.repeat(1 << 20)
    response.on('drain', () => response.write(piece))
    for (let at = 0; at < 4; at += 1) response.write(piece)
  })
  const { streams } = await drive(asking(url))
  expect(Object.keys(streams.ended)[0]).toMatch(/bytes without an event/)
})

const cut = { after: 1, pause: 50 }

/** Gives the first event, and what a resumption brings. */
const resumable = (brings: (own: string) => string[]) =>
  serving((response, request, own) => {
    if (request.method === 'POST') response.write(whole(own)[0]!)
    else if (request.headers['last-event-id'] === '1') response.end(brings('own-0').join(''))
  })

test('a stream that we cut is taken up again', async () => {
  const exact = await drive(asking(await resumable((own) => whole(own).slice(1)), 1, { cut }))
  expect(exact.resumption).toEqual({ cut: 1, unnamed: 0, resumed: 1, refused: {}, brought: 2 })
  expect(exact.events).toMatchObject({ due: 3, lost: 0, duplicated: 0 })
  const twice = await drive(asking(await resumable(whole), 1, { cut }))
  expect(twice.events).toMatchObject({ lost: 0, duplicated: 1 })
  const less = await drive(asking(await resumable((own) => whole(own).slice(2)), 1, { cut }))
  expect(less.events).toMatchObject({ lost: 1, duplicated: 0 })
})

test('what cannot be resumed is not called lost', async () => {
  const nameless = await serving((response, _, own) => response.write(event(progress(own, 1))))
  const { resumption, events } = await drive(asking(nameless, 1, { cut }))
  expect(resumption).toMatchObject({ cut: 1, unnamed: 1, resumed: 0 })
  expect(events).toMatchObject({ due: 0, lost: 0 })
})

test('a stream that its server ends with an id is taken up again, as a client would', async () => {
  const url = await serving((response, request, own) => {
    const [first, ...rest] = whole(own === '' ? 'own-0' : own)
    response.end(request.method === 'POST' ? `retry: 20\n${first}` : rest.join(''))
  })
  const { streams, events } = await drive(asking(url))
  expect(streams).toMatchObject({ opened: 1, ended: {}, renewed: 1 })
  expect(events).toMatchObject({ lost: 0, duplicated: 0 })
})

test('streams that listen get what is announced, or have lost it', async () => {
  const open = new Set<ServerResponse>()
  const url = await serving((response) => void open.add(response))
  const { flows, conditions } = await driveStreams(script(hearing(url, 5)), {
    meanwhile: async ({ announced }) => {
      for (const uri of ['test://one', 'test://two']) {
        announced(uri)
        for (const [at, response] of [...open].entries()) if (at > 0 || uri !== 'test://two') response.write(event(updated(uri)))
      }
    },
  })
  expect(flows.listening!.streams).toMatchObject({ opened: 5, ended: {} })
  expect(flows.listening!.events).toEqual({ due: 10, received: 9, lost: 1, duplicated: 0, disordered: 0, foreign: 0 })
  expect(flows.listening!.delays.count).toBe(9)
  expect(conditions.cutShort).toBeUndefined()
})

test('what is interrupted ends at once and says so, and leaves no connection', async () => {
  const open = new Set<ServerResponse>()
  const url = await serving((response) => {
    open.add(response)
    response.on('close', () => open.delete(response))
  })
  const interruption = new AbortController()
  setTimeout(() => interruption.abort(), 200)
  const { flows, conditions } = await driveStreams(script(hearing(url, 20), { lasts: 60_000 }), {
    signal: interruption.signal,
    meanwhile: () => delay(400),
  })
  expect(conditions.cutShort).toBe('the run was interrupted')
  expect(flows.listening!.streams.opened).toBe(20)
  expect(flows.listening!.events).toMatchObject({ due: 0, lost: 0 })
  await delay(100)
  expect(open.size).toBe(0)
})

test('a thousand streams are held at once, in bounded memory', async () => {
  const many = 1_000
  const open = new Set<ServerResponse>()
  const url = await serving((response) => void open.add(response))
  const before = process.memoryUsage().rss
  let held = 0
  const { flows } = await driveStreams(script(hearing(url, many), { timeout: 20_000, lasts: 60_000 }), {
    meanwhile: async ({ announced }) => {
      for (let step = 0; step < 5; step += 1) {
        announced(`test://${step}`)
        for (const response of open) response.write(event(updated(`test://${step}`)))
        await delay(20)
      }
      held = process.memoryUsage().rss - before
    },
  })
  expect(flows.listening!.streams).toMatchObject({ opened: many, refused: {}, ended: {} })
  expect(flows.listening!.events).toMatchObject({ due: 5 * many, received: 5 * many, lost: 0, duplicated: 0 })
  // Both sides of each connection are in this process.
  expect(held / many).toBeLessThan(256 * 1024)
}, 60_000)
