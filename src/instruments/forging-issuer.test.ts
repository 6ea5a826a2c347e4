import { createHmac } from 'node:crypto'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Forgery } from '../model/index.ts'
import { type StartedForgingIssuer, startForgingIssuer } from './forging-issuer.ts'

const audience = 'http://127.0.0.1:1/mcp'
let issuer: StartedForgingIssuer

beforeAll(async () => {
  issuer = await startForgingIssuer({ audience: () => audience, scopes: 'mcp admin', tenant: 'acme', slowness: 50 })
})

afterAll(() => issuer.close())

const verify = (token: string) => {
  const keys = createRemoteJWKSet(new URL(issuer.jwksUri), { cooldownDuration: 0 })
  return jwtVerify(token, keys, { issuer: issuer.issuer, audience, typ: 'at+jwt' })
}

const partsOf = (token: string) => token.split('.') as [string, string, string]

const hmacOf = (token: string, secret: string): string => {
  const [header, payload] = partsOf(token)
  return createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')
}

describe('a right token', () => {
  test('is accepted and says who it is for', async () => {
    const { payload, protectedHeader } = await verify(await issuer.mint())
    expect(payload).toMatchObject({ aud: audience, tenant: 'acme', scope: 'mcp admin', client_id: issuer.clientId, sub: issuer.clientId })
    expect(payload.exp! - payload.iat!).toBe(300)
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'at+jwt' })
  })

  test.each(['ES256', 'RS512', 'PS256'])('may be signed with %s', async (alg) => {
    const token = await issuer.mint({ alg })
    const { kid } = decodeProtectedHeader(token)
    const { keys } = (await (await fetch(issuer.jwksUri)).json()) as { keys: JWK[] }
    const key = await importJWK({ ...keys.find((one) => one.kid === kid)!, alg }, alg)
    await expect(jwtVerify(token, key)).resolves.toBeTruthy()
  })
})

describe('claims and header', () => {
  test('are replaced and removed', async () => {
    const token = await issuer.mint({ claims: { aud: 'other', exp: undefined }, header: { typ: 'JWT', kid: undefined, crit: ['b64'] } })
    expect(decodeJwt(token).aud).toBe('other')
    expect(decodeJwt(token)).not.toHaveProperty('exp')
    const header = JSON.parse(Buffer.from(partsOf(token)[0], 'base64url').toString())
    expect(header).toEqual({ alg: 'RS256', typ: 'JWT', crit: ['b64'] })
  })

  test('the payload may be any text', async () => {
    const payload = '{"sub":"a","sub":"b"}'
    expect(Buffer.from(partsOf(await issuer.mint({ payload }))[1], 'base64url').toString()).toBe(payload)
  })

  test('jwk, jku and x5u lead to the key that signs', async () => {
    const header = decodeProtectedHeader(await issuer.mint({ key: 'unknown', header: { jwk: true, jku: true, x5u: true } }))
    const token = await issuer.mint({ key: 'unknown', header: { jwk: true } })
    await expect(jwtVerify(token, await importJWK(header.jwk as JWK, 'RS256'))).resolves.toBeTruthy()
    const before = await issuer.strayHits()
    const { keys } = (await (await fetch(header.jku!)).json()) as { keys: JWK[] }
    expect(keys[0]!.kid).toBe(header.kid)
    expect((await fetch(header.x5u!)).status).toBe(404)
    expect(await issuer.strayHits()).toBe(before + 2)
  })
})

describe('forgeries that no target may accept', () => {
  test.each<[string, Forgery]>([
    ['an unknown key', { key: 'unknown' }],
    ['the public PEM as a secret', { key: 'public-as-secret-pem' }],
    ['the public JWK as a secret', { key: 'public-as-secret-jwk' }],
    ['a weak secret', { key: 'weak-secret' }],
    ['no signature', { key: 'none' }],
    ['a spelling of none', { alg: 'nOnE' }],
    ['a flipped signature', { tamper: 'signature' }],
    ['another payload', { tamper: 'payload' }],
    ['a stripped signature', { tamper: 'strip-signature' }],
    ['a zero signature', { alg: 'ES256', tamper: 'zero-signature' }],
    ['an unknown critical member', { header: { crit: ['example'], example: 1 } }],
    ['an expired token', { claims: { exp: 1 } }],
    ['an unknown kid', { header: { kid: 'nobody' } }],
  ])('%s', async (_, forgery) => {
    await expect(verify(await issuer.mint(forgery))).rejects.toThrow()
  })

  test('an unknown key under a published kid', async () => {
    const { jwk } = await issuer.publicKey()
    await expect(verify(await issuer.mint({ key: 'unknown', header: { kid: jwk.kid } }))).rejects.toThrow('signature verification failed')
  })

  test('the secrets are what they say', async () => {
    const { pem, jwk } = await issuer.publicKey()
    const secrets = { 'public-as-secret-pem': pem, 'public-as-secret-jwk': JSON.stringify(jwk), 'weak-secret': 'secret' } as const
    for (const key of Object.keys(secrets) as (keyof typeof secrets)[]) {
      const token = await issuer.mint({ key })
      expect(partsOf(token)[2]).toBe(hmacOf(token, secrets[key]))
      expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'HS256', kid: jwk.kid })
    }
  })

  test('signatures are damaged as named', async () => {
    expect(partsOf(await issuer.mint({ key: 'none' }))[2]).toBe('')
    expect(partsOf(await issuer.mint({ tamper: 'strip-signature' }))[2]).toBe('')
    expect(Buffer.from(partsOf(await issuer.mint({ alg: 'ES256', tamper: 'zero-signature' }))[2], 'base64url')).toEqual(Buffer.alloc(64))
    expect(decodeJwt(await issuer.mint({ tamper: 'payload' })).sub).toBe('somebody-else')
    const [header] = partsOf(await issuer.mint({ alg: 'NONE' }))
    expect(JSON.parse(Buffer.from(header, 'base64url').toString()).alg).toBe('NONE')
  })
})

describe('the authorization server', () => {
  test.each(['openid-configuration', 'oauth-authorization-server'])('publishes %s', async (name) => {
    const metadata = await (await fetch(`${issuer.issuer}/.well-known/${name}`)).json()
    expect(metadata).toMatchObject({ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, token_endpoint: issuer.tokenEndpoint })
  })

  const ask = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(issuer.tokenEndpoint, { method: 'POST', body: new URLSearchParams(form), headers })

  const basic = () => ({ authorization: `Basic ${btoa(`${issuer.clientId}:${issuer.clientSecret}`)}` })

  test('grants client credentials', async () => {
    const response = await ask({ grant_type: 'client_credentials', scope: 'mcp' }, basic())
    const body = (await response.json()) as any
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'mcp' })
    expect((await verify(body.access_token)).payload.scope).toBe('mcp')

    const posted = {
      grant_type: 'client_credentials',
      client_id: issuer.clientId,
      client_secret: issuer.clientSecret,
      resource: 'https://r',
    }
    expect(decodeJwt(((await (await ask(posted)).json()) as any).access_token).aud).toBe('https://r')
  })

  test.each([
    ['invalid_client', { grant_type: 'client_credentials' }, false, 401],
    ['unsupported_grant_type', { grant_type: 'password' }, true, 400],
    ['invalid_request', {}, true, 400],
    ['invalid_scope', { grant_type: 'client_credentials', scope: 'mcp other' }, true, 400],
  ] as const)('refuses with %s', async (error, form, known, status) => {
    const response = await ask(form, known ? basic() : {})
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error })
  })

  test('knows no audience until told', async () => {
    await using fresh = await startForgingIssuer()
    await expect(fresh.mint()).rejects.toThrow('setAudience')
    await fresh.setAudience('https://gateway/mcp')
    expect(decodeJwt(await fresh.mint()).aud).toBe('https://gateway/mcp')
  })
})

describe('the JWKS', () => {
  test('rotates', async () => {
    await using fresh = await startForgingIssuer({ audience: () => audience })
    const kids = async () => ((await (await fetch(fresh.jwksUri)).json()) as any).keys.map(({ kid }: JWK) => kid)
    const first = await kids()
    await fresh.rotate()
    expect(await kids()).toHaveLength(4)
    await fresh.rotate({ publish: false })
    expect(await kids()).not.toContain(decodeProtectedHeader(await fresh.mint()).kid)
    await fresh.rotate({ withdraw: true })
    expect(await kids()).toHaveLength(2)
    expect(await kids()).not.toContain(first[0])
    expect(await kids()).toContain(decodeProtectedHeader(await fresh.mint()).kid)
  })

  test('goes back to the keys before a rotation', async () => {
    await using fresh = await startForgingIssuer({ audience: () => audience })
    const kid = async () => decodeProtectedHeader(await fresh.mint()).kid
    const first = await kid()
    await fresh.rotate({ withdraw: true })
    expect(await kid()).not.toBe(first)
    await fresh.rotate({ back: true })
    expect(await kid()).toBe(first)
    const { keys } = (await (await fetch(fresh.jwksUri)).json()) as { keys: JWK[] }
    expect(keys[0]!.kid).toBe(first)
  })

  test('fails as told, and counts', async () => {
    const before = await issuer.jwksHits()
    await issuer.jwks('error')
    expect((await fetch(issuer.jwksUri)).status).toBe(500)
    await issuer.jwks('wrong-type')
    expect((await fetch(issuer.jwksUri)).headers.get('content-type')).toBe('text/html')
    await issuer.jwks('down')
    await expect(fetch(issuer.jwksUri)).rejects.toThrow()
    await issuer.jwks('slow')
    const began = performance.now()
    await (await fetch(issuer.jwksUri)).json()
    expect(performance.now() - began).toBeGreaterThanOrEqual(45)
    await issuer.jwks('up')
    expect((await fetch(issuer.jwksUri)).status).toBe(200)
    expect(await issuer.jwksHits()).toBeGreaterThanOrEqual(before + 5)
  })
})
