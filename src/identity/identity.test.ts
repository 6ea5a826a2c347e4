import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cached } from './cache.ts'
import { clientCredentials, dynamicRegistration, type ProviderContext, tokenProvider } from './index.ts'

let server: Server
let issuer: string
const seen: { url: string; method: string; authorization?: string; body: string }[] = []

const read = async (request: IncomingMessage) => {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const body = await read(request)
    seen.push({ url: request.url!, method: request.method!, authorization: request.headers.authorization, body })
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(value))
    if (request.url === '/.well-known/openid-configuration')
      return answer(200, { issuer, token_endpoint: `${issuer}/token`, registration_endpoint: `${issuer}/register` })
    if (request.url === '/register' && request.method === 'POST')
      return answer(201, {
        client_id: 'made',
        client_secret: 's3cret',
        client_secret_expires_at: 0,
        registration_client_uri: `${issuer}/register/made`,
        registration_access_token: 'rat',
      })
    if (request.url === '/token') {
      const [id, secret] = Buffer.from(request.headers.authorization!.slice(6), 'base64').toString().split(':')
      return secret === 's3cret'
        ? answer(200, { access_token: `token for ${id}`, token_type: 'Bearer', expires_in: 60 })
        : answer(401, { error: 'invalid_client', error_description: 'no such client' })
    }
    answer(404, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
})

const context = (variables: Record<string, string>, closers: (() => Promise<void>)[] = []): ProviderContext => ({
  target: 'gw',
  identity: 'acme',
  url: 'https://gw.example/mcp',
  text: (value) => (typeof value === 'string' ? value : variables[value.env]!),
  secret: async (value) => (typeof value === 'function' ? value() : variables[value.env]!),
  atEnd: (close) => closers.push(close),
})

test('client credentials, found by OpenID Connect discovery when RFC 8414 has nothing, for the resource of the target', async () => {
  const provider = await tokenProvider(
    clientCredentials({ issuer, clientId: 'me', clientSecret: { env: 'S' }, scope: 'a b' }),
    context({ S: 's3cret' }),
  )
  expect(await provider()).toBe('token for me')
  expect(new URLSearchParams(seen.at(-1)!.body).get('resource')).toBe('https://gw.example/mcp')
  expect(new URLSearchParams(seen.at(-1)!.body).get('scope')).toBe('a b')
})

test('a refusal is a coded error that says what was sent and what came back', async () => {
  const provider = await tokenProvider(
    clientCredentials({ tokenEndpoint: `${issuer}/token`, clientId: 'me', clientSecret: { env: 'S' }, resource: false }),
    context({ S: 'wrong' }),
  )
  await expect(provider()).rejects.toMatchObject({
    code: 'E_TOKEN_REFUSED',
    sent: expect.stringContaining('/token'),
    got: expect.stringContaining('invalid_client'),
  })
})

test('an issuer without metadata is a coded error', async () => {
  const provider = await tokenProvider(
    clientCredentials({ issuer: `${issuer}/nowhere`, clientId: 'me', clientSecret: { env: 'S' } }),
    context({ S: 's3cret' }),
  )
  await expect(provider()).rejects.toMatchObject({ code: 'E_TOKEN_REFUSED', got: expect.stringContaining('404') })
})

test('dynamic registration registers once, and removes the client at the end', async () => {
  const closers: (() => Promise<void>)[] = []
  const provider = await tokenProvider(
    dynamicRegistration({ issuer, initialAccessToken: { env: 'IAT' }, metadata: { tenant: 'acme' } }),
    context({ IAT: 'initial' }, closers),
  )
  expect(await Promise.all([provider(), provider()])).toEqual(['token for made', 'token for made'])
  const registrations = seen.filter(({ url }) => url === '/register')
  expect(registrations).toHaveLength(1)
  expect(registrations[0]).toMatchObject({ authorization: 'Bearer initial', body: expect.stringContaining('"tenant":"acme"') })
  await Promise.all(closers.map((close) => close()))
  expect(seen.at(-1)).toMatchObject({ method: 'DELETE', url: '/register/made', authorization: 'Bearer rat' })
})

test('a token is kept until shortly before it expires', async () => {
  let clock = 0
  let issued = 0
  const provider = cached(
    async () => ({ token: `t${++issued}`, lives: 100 }),
    () => clock,
  )
  expect(await provider()).toBe('t1')
  clock = 69_000
  expect(await provider()).toBe('t1')
  clock = 71_000
  expect(await provider()).toBe('t2')
})
