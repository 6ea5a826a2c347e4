import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { exchangeOverSocket } from './raw-socket.ts'
import { Activity, Pace, Recorder } from './recorder.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serving(answer: (socket: Socket, received: string) => void): Promise<URL> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (received) => answer(socket, received.toString('latin1')))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  return new URL(`http://127.0.0.1:${address.port}/mcp`)
}

const recorder = () => new Recorder({ maxBytes: 100_000, exchangeDeadline: 2_000 }, new Pace(1_000), new Activity())

test('sends the bytes as they are, and takes down the first head and what follows', async () => {
  let seen = ''
  const url = await serving((socket, received) => {
    seen = received
    socket.end('HTTP/1.1 400 Bad Request\r\nServer: a\r\nserver: b\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n')
  })
  const bytes = 'POST /mcp HTTP/1.1\r\nHost : x\r\n\r\n'
  const { response, request } = await exchangeOverSocket(recorder(), { url, bytes })
  expect(seen).toBe(bytes)
  expect(request).toMatchObject({ method: 'POST', pace: 'raw', body: bytes })
  expect(response).toMatchObject({ status: 400, headers: { server: 'a, b' }, body: 'HTTP/1.1 404 Not Found\r\n\r\n' })
  expect(response?.ended).toBeDefined()
})

test('a peer that falls silent has not closed', async () => {
  const url = await serving((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const { response } = await exchangeOverSocket(recorder(), { url, bytes: 'GET / HTTP/1.1\r\n\r\n' })
  expect(response).toMatchObject({ status: 200, body: 'ok' })
  expect(response?.ended).toBeUndefined()
})

test.each([
  ['a length', 'Content-Length: 2\r\n\r\nok'],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
])('an answer framed by %s is waited for no longer than it lasts', async (_, framed) => {
  const url = await serving((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    setTimeout(() => socket.write(framed), 20)
    setTimeout(() => socket.end('HTTP/1.1 200 OK\r\n\r\nlater'), 200)
  })
  const exchange = await exchangeOverSocket(recorder(), { url, bytes: 'GET / HTTP/1.1\r\n\r\n', untilAnswered: true })
  expect(exchange.response?.body).toBe(framed.slice(framed.indexOf('\r\n\r\n') + 4))
})

test('a peer that closes without a word has failed us', async () => {
  const url = await serving((socket) => socket.destroy())
  const { response, failure } = await exchangeOverSocket(recorder(), { url, bytes: 'GET / HTTP/1.1\r\n\r\n' })
  expect(response).toBeUndefined()
  expect(failure?.code).toBe('reset')
})
