import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startKeycloak } from '../fixtures/keycloak/index.ts'
import { startAuthorizationServer } from '../fixtures/reference/identity/authorization-server.ts'
import { authorizationCode, type ProviderContext, tokenProvider } from '../src/identity/index.ts'
import { type StartedBrowser, startBrowser } from '../src/instruments/index.ts'
import { AssayError, formatError } from '../src/messages/index.ts'
import { find, missing } from '../src/toolchain/index.ts'

const resource = 'http://127.0.0.1:9/mcp'
const redirectUri = 'http://127.0.0.1/callback'
// The first start on a machine downloads Keycloak and builds it.
const firstStart = 15 * 60_000

/** An authorization server with somebody who can sign in to a client of it. */
interface Place {
  issuer: string
  client: { clientId: string; clientSecret: string }
  user: { username: string; password: string }
}

let unavailable: string | undefined

beforeAll(async () => {
  if (await find('chromium')) return
  if (process.env.CI) throw new Error(missing('chromium'))
  unavailable = missing('chromium')
})

beforeEach(({ skip }) => skip(unavailable !== undefined, unavailable))

const context: ProviderContext = {
  target: 'gateway',
  identity: 'person',
  url: resource,
  text: (value) => String(value),
  secret: async (value) => (typeof value === 'function' ? value() : ''),
  atEnd: () => undefined,
}

const tokenFor = async ({ issuer, client, user }: Place, password = user.password): Promise<string> => {
  const secrets = { clientSecret: () => client.clientSecret, password: () => password }
  const source = authorizationCode({ issuer, clientId: client.clientId, username: user.username, scope: 'mcp:read', ...secrets })
  return (await tokenProvider(source, context))()
}

const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

/** The picture an error tells of. */
async function pictureIn(error: unknown): Promise<string> {
  const path = /picture of it is at (\S+\.png)/.exec((error as AssayError).got ?? '')?.[1] ?? ''
  const there = existsSync(path)
  await rm(path, { force: true })
  return there ? path : ''
}

describe('the embedded authorization server', () => {
  let server: Awaited<ReturnType<typeof startAuthorizationServer>>
  let place: Place
  let browser: StartedBrowser
  beforeAll(async () => {
    server = await startAuthorizationServer()
    server.allowResource(resource)
    place = { issuer: server.issuer, client: server.clients.acme!, user: server.users.acme! }
    browser = startBrowser()
  })
  afterAll(async () => {
    await Promise.all([server.close(), browser.close()])
  })

  const visit = (more: Parameters<StartedBrowser['open']>[1] = {}) => {
    const url = new URL(server.authorizationEndpoint)
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const request = { response_type: 'code', client_id: place.client.clientId, redirect_uri: redirectUri, scope: 'mcp:read', resource }
    url.search = String(new URLSearchParams({ ...request, code_challenge: challenge, code_challenge_method: 'S256' }))
    return browser.open(url.href, { redirectUri, ...more })
  }

  test('gives a person a token for the resource', async () => {
    const token = await tokenFor(place)
    expect(claimsOf(token)).toMatchObject({ aud: resource, sub: 'acme-user', scope: 'mcp:read', client_id: 'acme-agent' })
  })

  test('a wrong password is tried once, and told with a picture of the page', async () => {
    const error = await tokenFor(place, 'wrong').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'E_TOKEN_REFUSED', got: expect.stringContaining('The user name or the password is wrong.') })
    expect(await pictureIn(error)).not.toBe('')
  })

  test('a visit tells of pages, cookies and the end, and of no secret', async () => {
    const seen = await visit({ person: place.user, inFrame: true, evaluate: 'document.title' })
    expect(seen.pages.map(({ asks, value, inFrame }) => [asks, value, inFrame])).toEqual([
      ['sign-in', 'Sign in', 'refused'],
      ['consent', 'Allow access', 'refused'],
    ])
    expect(seen.arrived).toMatchObject({ names: expect.arrayContaining(['code', 'iss']), iss: server.issuer })
    expect(seen.cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax')).toBe(true)
    expect(JSON.stringify(seen)).not.toContain(place.user.password)
  })

  test('a visit ends where it is told to, and where nobody is there to sign in', async () => {
    const consent = await visit({ person: place.user, untilConsent: true })
    expect([consent.pages.at(-1)?.asks, consent.arrived]).toEqual(['consent', undefined])
    expect((await visit()).pages.map(({ asks }) => asks)).toEqual(['sign-in'])
  })

  test('what scripts cannot read is not carried away', async () => {
    await visit({ person: place.user, profile: 'robbed' })
    expect((await visit({ profile: 'robbed' })).pages.map(({ asks }) => asks)).toEqual(['consent'])
    expect((await visit({ profile: 'robbed', asCarriedAway: true })).pages.map(({ asks }) => asks)).toEqual(['sign-in'])
  })
})

describe('Keycloak', () => {
  let keycloak: Awaited<ReturnType<typeof startKeycloak>> | undefined
  beforeAll(async () => {
    if (unavailable !== undefined) return
    try {
      keycloak = await startKeycloak({ version: '26.7.0' })
      await keycloak.allowResource(resource)
    } catch (error) {
      if (process.env.CI || !(error instanceof AssayError)) throw error
      unavailable = formatError(error)
    }
  }, firstStart)
  afterAll(() => keycloak?.close())

  test('gives a person a token for the resource', async () => {
    const { issuer, clients, users } = keycloak!
    const token = await tokenFor({ issuer, client: clients.acme!, user: users.acme! })
    expect(claimsOf(token)).toMatchObject({ iss: issuer, azp: 'acme-agent', preferred_username: 'alice' })
  })

  test('a wrong password is told in the words of the page', async () => {
    const { issuer, clients, users } = keycloak!
    const error = await tokenFor({ issuer, client: clients.acme!, user: users.acme! }, 'wrong').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'E_TOKEN_REFUSED', got: expect.stringContaining('Invalid username or password') })
    expect(await pictureIn(error)).not.toBe('')
  })
})
