import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt, importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type StartedKeycloak, startKeycloak } from '../fixtures/keycloak/index.ts'
import { observable, type Parts, type StartedReference, startGatewayOver, startParts } from '../fixtures/reference/index.ts'
import { AssayError, formatError } from '../src/messages/index.ts'

const redirect = 'http://127.0.0.1/callback'
// The first start on a machine downloads the distribution and builds it.
const firstStart = 15 * 60_000

let keycloak: StartedKeycloak
let parts: Parts
let gateway: StartedReference
let unavailable: string | undefined

beforeAll(async () => {
  try {
    keycloak = await startKeycloak({ version: '26.7.0', progress: (line) => console.log(line) })
  } catch (error) {
    if (process.env.CI || !(error instanceof AssayError)) throw error
    unavailable = formatError(error)
    return
  }
  console.log(`Keycloak ${keycloak.version}: process ${keycloak.took.boot} ms, realm ${keycloak.took.realm} ms`)
  parts = await startParts()
  gateway = await startGatewayOver(parts, {
    extraIssuers: [{ issuer: keycloak.issuer, jwksUri: keycloak.jwksUri }],
    configure: observable,
  })
}, firstStart)

afterAll(async () => {
  await Promise.all([gateway?.close(), keycloak?.close()])
  await parts?.close()
})

beforeEach(({ skip }) => skip(unavailable !== undefined, unavailable))

const register = (metadata: object, token?: string) =>
  fetch(keycloak.registrationEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(metadata),
  })

async function toolsList(token: string): Promise<{ status: number; tools: string[] }> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
  })
  const text = await response.text()
  return { status: response.status, tools: [...text.matchAll(/"name":"(\w[\w-]*___\w+)"/g)].map(([, name]) => name!) }
}

describe('registration', () => {
  test('is open to clients of this machine, for what may be registered', async () => {
    const answer = await register({ client_name: 'Anonymous', redirect_uris: [redirect], scope: 'mcp:tools' })
    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({ client_id: expect.any(String), registration_access_token: expect.any(String) })
    const elsewhere = await register({ client_name: 'Elsewhere', redirect_uris: ['https://agent.example/callback'] })
    expect([elsewhere.status, await elsewhere.text()]).toEqual([403, expect.stringContaining('Trusted Hosts')])
    const administrator = await register({ client_name: 'Administrator', redirect_uris: [redirect], scope: 'mcp:admin' })
    expect(administrator.status).toBe(403)
  })

  test('with an initial access token reaches further, as often as the token says', async () => {
    const token = await keycloak.initialAccessToken({ uses: 1 })
    const metadata = { client_name: 'Protected', redirect_uris: ['https://agent.example/callback'] }
    expect((await register(metadata, token)).status).toBe(201)
    expect((await register(metadata, token)).status).toBe(401)
  })

  test('gives no tenant; an administrator does', async () => {
    const metadata = { client_name: 'M2M', grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic' }
    const client = (await (await register(metadata, await keycloak.initialAccessToken())).json()) as Record<string, string>
    const ask = async () => {
      const response = await fetch(keycloak.tokenEndpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'mcp:read' }),
      })
      return decodeJwt(((await response.json()) as { access_token: string }).access_token)
    }
    expect(await ask()).not.toHaveProperty('tenant')
    await keycloak.admin.assignTenant(client.client_id!, 'globex')
    expect(await ask()).toMatchObject({ tenant: 'globex', sub: expect.any(String), scope: expect.stringContaining('mcp:read') })
  })
})

describe('tokens', () => {
  test('are accepted by the gateway they are made for, and by no other', async () => {
    expect(await toolsList(await keycloak.tokens('acme'))).toMatchObject({ status: 401 })
    const forget = await keycloak.allowResource(gateway.url)
    const token = await keycloak.tokens('acme')
    expect(decodeJwt(token)).toMatchObject({ iss: keycloak.issuer, tenant: 'acme', aud: expect.arrayContaining([gateway.url]) })
    expect(await toolsList(token)).toEqual({ status: 200, tools: expect.arrayContaining(['custom___echo']) })
    expect(await toolsList(await keycloak.tokens('globex'))).toMatchObject({ status: 200 })
    await forget()
    expect(decodeJwt(await keycloak.tokens('acme')).aud).toEqual(expect.not.arrayContaining([gateway.url]))
  })

  test('are signed with a key that a test holds, and that can be replaced and withdrawn', async () => {
    const forget = await keycloak.allowResource(gateway.url)
    const token = await keycloak.tokens('acme')
    const { kid, ...key } = keycloak.signingKey
    const forged = (claims: object) =>
      importJWK(key).then((secret) =>
        new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid }).sign(secret),
      )
    expect(await toolsList(await forged({}))).toMatchObject({ status: 200 })
    expect(await toolsList(await forged({ aud: 'https://other.example/mcp' }))).toMatchObject({ status: 401 })

    const renewed = await keycloak.admin.rotateKey()
    expect(renewed).not.toBe(kid)
    expect(keycloak.signingKey.kid).toBe(renewed)
    await keycloak.admin.withdrawKey(kid!)
    const { keys } = (await (await fetch(keycloak.jwksUri)).json()) as { keys: { kid: string }[] }
    expect(keys.map((each) => each.kid)).toEqual(expect.not.arrayContaining([kid]))
    // The gateway asks the issuer for unknown keys at most so often.
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(await toolsList(await keycloak.tokens('acme'))).toMatchObject({ status: 200 })
    await forget()
  })

  test('of a person come by code with PKCE, carry the tenant of the person, and are refreshed once', async () => {
    const { clientId, clientSecret } = keycloak.clients.acme!
    const { username, password } = keycloak.users.acme!
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const ask = { client_id: clientId, response_type: 'code', redirect_uri: redirect, scope: 'openid mcp:read', state: 's' }

    const bare = await fetch(`${keycloak.authorizationEndpoint}?${new URLSearchParams(ask)}`, { redirect: 'manual' })
    expect(bare.headers.get('location')).toMatch(/error=invalid_request/)

    const query = new URLSearchParams({ ...ask, code_challenge: challenge, code_challenge_method: 'S256' })
    const page = await fetch(`${keycloak.authorizationEndpoint}?${query}`)
    const cookie = page.headers.getSetCookie().map((each) => each.split(';')[0])
    const action = /<form[^>]+action="([^"]+)"/.exec(await page.text())![1]!.replaceAll('&amp;', '&')
    const signedIn = await fetch(action, {
      method: 'POST',
      headers: { cookie: cookie.join('; ') },
      body: new URLSearchParams({ username, password }),
      redirect: 'manual',
    })
    const { searchParams } = new URL(signedIn.headers.get('location')!)
    expect(searchParams.get('iss')).toBe(keycloak.issuer)

    const token = async (form: Record<string, string>) => {
      const headers = { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` }
      const response = await fetch(keycloak.tokenEndpoint, { method: 'POST', headers, body: new URLSearchParams(form) })
      return [response.status, (await response.json()) as Record<string, string>] as const
    }
    const code = { grant_type: 'authorization_code', code: searchParams.get('code')!, redirect_uri: redirect, code_verifier: verifier }
    const [status, granted] = await token(code)
    expect(status).toBe(200)
    expect(decodeJwt(granted.access_token!)).toMatchObject({ tenant: 'acme', preferred_username: 'alice' })
    const refresh = { grant_type: 'refresh_token', refresh_token: granted.refresh_token! }
    expect((await token(refresh))[0]).toBe(200)
    expect(await token(refresh)).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })
})

test('nothing is left when it is closed', async () => {
  const begun = Date.now()
  await keycloak.close()
  console.log(`Keycloak ${keycloak.version}: closed in ${Date.now() - begun} ms`)
  await expect(fetch(keycloak.issuer)).rejects.toThrow('fetch failed')
})
