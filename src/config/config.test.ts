import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../fixtures/child-process.ts'
import { bearer, clientCredentials, env } from '../identity/index.ts'
import { type Config, loadConfig, resolveTargets, validate } from './index.ts'

const file = 'harness.config.ts'
const gateway = { kind: 'gateway', url: 'https://gw.example/mcp' } as const
const check = (config: unknown) => () => validate(config, file)

describe('validation names the place and the way on', () => {
  test.each<[string, unknown, string, RegExp, RegExp]>([
    ['an unknown key', { targets: { gw: { ...gateway, urll: 'x' } } }, 'E_CONFIG_UNKNOWN_KEY', /"urll" at targets\.gw/, /"url"/],
    ['an unknown key at the top', { targets: { gw: gateway }, gate: {} }, 'E_CONFIG_UNKNOWN_KEY', /"gate" at the top/, /"gates"/],
    ['a wrong kind', { targets: { gw: { ...gateway, kind: 'gatewy' } } }, 'E_CONFIG_INVALID', /targets\.gw\.kind/, /"gateway"/],
    ['no way to reach it', { targets: { gw: { kind: 'server' } } }, 'E_CONFIG_INVALID', /targets\.gw/, /url for HTTP/],
    ['two ways to reach it', { targets: { gw: { ...gateway, command: ['x'] } } }, 'E_CONFIG_INVALID', /targets\.gw/, /url for HTTP/],
    [
      'an unknown target in a gate',
      { targets: { gw: gateway }, gates: { release: { suites: ['x'], targets: ['gv'] } } },
      'E_TARGET_UNKNOWN',
      /"gv"/,
      /"gw"/,
    ],
    [
      'an unknown target to be compared with',
      { targets: { gw: { ...gateway, load: { direct: 'gv' } } } },
      'E_TARGET_UNKNOWN',
      /"gv"/,
      /"gw"/,
    ],
    [
      'production that may be disturbed',
      { targets: { gw: { ...gateway, environment: 'production', disruptive: true } } },
      'E_CONFIG_INVALID',
      /disruptive/,
      /another environment/,
    ],
  ])('%s', (_, config, code, message, attempt) => {
    expect(check(config)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message), try: expect.stringMatching(attempt) }),
    )
  })

  test.each<[string, unknown]>([
    ['targets.gw.identities.a.token', { identities: { a: { token: 'eyJ' } } }],
    ['targets.gw.identities.a.token.bearer', { identities: { a: { token: bearer('eyJ' as never) } } }],
    [
      'targets.gw.identities.a.token.clientCredentials.clientSecret',
      { identities: { a: { token: clientCredentials({ issuer: 'https://x', clientId: 'me', clientSecret: 'hush' as never }) } } },
    ],
    ['targets.gw.headers.Authorization', { headers: { Authorization: 'Bearer x' } }],
    ['targets.gw.env.GITHUB_TOKEN', { env: { GITHUB_TOKEN: 'x' } }],
  ])('a secret written out at %s', (path, extra) => {
    expect(check({ targets: { gw: { ...gateway, ...(extra as object) } } })).toThrow(
      expect.objectContaining({ code: 'E_CONFIG_LITERAL_SECRET', message: expect.stringContaining(path) }),
    )
  })
})

const loaded = (config: Config) => ({ config: validate(config, file), file, directory: '.', embedded: false })

describe('targets made ready', () => {
  const config: Config = {
    targets: {
      gw: { kind: 'gateway', url: env('GW_URL'), headers: { 'x-api-key': env('KEY') }, identities: { acme: { token: env('TOKEN') } } },
      local: { kind: 'server', command: ['node', 'server.js'] },
    },
  }

  test('values come from the environment, and the secret ones are remembered', async () => {
    const variables = { GW_URL: 'https://gw.example/mcp', KEY: 'k3y', TOKEN: 't0ken' }
    const { targets, policies } = await resolveTargets(loaded(config), ['gw'], variables)
    expect(targets[0]).toMatchObject({ reach: { url: variables.GW_URL, headers: { 'x-api-key': 'k3y' } }, secrets: ['k3y', 't0ken'] })
    expect(await targets[0]!.identities[0]!.token!()).toBe('t0ken')
    expect(policies).toBe(false)
  })

  test.each<[string, object, RegExp, RegExp]>([
    ['a URL of another scheme', { url: 'ftp://gw.example/mcp' }, /targets\.gw\.url/, /no http or https/],
    ['an issuer that is no URL', { kind: 'authorization-server', url: 'id.example' }, /targets\.gw\.url/, /no http or https/],
    [
      'an authorization server without a name',
      { url: 'https://gw.example/mcp', authority: {} },
      /targets\.gw\.authority\.issuer/,
      /nothing/,
    ],
    ['a certificate that is not there', { url: 'https://gw.example/mcp', tls: { ca: 'gone.pem' } }, /targets\.gw\.tls\.ca/, /gone\.pem/],
  ])('%s is an error that names its place', async (_, given, message, got) => {
    const wrong = { targets: { gw: { kind: 'gateway', ...given } } } as Config
    await expect(resolveTargets(loaded(wrong), ['gw'], {})).rejects.toMatchObject({
      code: 'E_CONFIG_INVALID',
      message: expect.stringMatching(message),
      got: expect.stringMatching(got),
    })
  })

  test('somebody the issuer vouches for is named by the environment as well, with claims as they are', async () => {
    const employee = { sub: env('EMPLOYEE'), email: 'ada@acme.example' }
    const issuer: Config = { targets: { id: { kind: 'authorization-server', url: 'https://id.example', authority: { employee } } } }
    const { targets } = await resolveTargets(loaded(issuer), ['id'], { EMPLOYEE: 'ada' })
    expect(targets[0]!.access?.employee).toEqual({ sub: 'ada', email: 'ada@acme.example' })
    expect(() => validate({ targets: { id: { ...issuer.targets.id, authority: { employee: {} } } } }, file)).toThrow(/authority\.employee/)
  })

  test('a missing variable names itself, its place, and how to set it', async () => {
    await expect(resolveTargets(loaded(config), ['gw'], { GW_URL: 'https://gw.example/mcp', KEY: 'k' })).rejects.toMatchObject({
      code: 'E_CONFIG_MISSING_ENV',
      message: expect.stringMatching(/TOKEN .* targets\.gw\.identities\.acme\.token/),
      try: expect.stringContaining('export TOKEN='),
    })
  })

  test('only the targets named are read', async () => {
    const { targets } = await resolveTargets(loaded(config), ['local'], {})
    expect(targets[0]).toMatchObject({ reach: { command: 'node', args: ['server.js'] }, identities: [{ name: 'anonymous' }] })
  })

  test('what was started is stopped when a later target fails', async () => {
    let closed = 0
    const started: Config = {
      targets: {
        a: { kind: 'server', start: async () => ({ url: 'http://127.0.0.1:9/mcp', close: async () => void closed++ }) },
        b: { kind: 'server', url: env('MISSING') },
      },
    }
    await expect(resolveTargets(loaded(started), [], {})).rejects.toMatchObject({ code: 'E_CONFIG_MISSING_ENV' })
    expect(closed).toBe(1)
  })
})

describe('instruments', () => {
  const http = { url: 'http://127.0.0.1:9/mcp' }

  test('stand where the configuration says, and show the origin the target knows them by', async () => {
    const [listener, documents, upstream, issuer] = [await freePort(), await freePort(), await freePort(), await freePort()]
    const config: Config = {
      targets: {
        gw: {
          kind: 'gateway',
          ...http,
          instruments: {
            listener: { port: listener, origin: 'http://harness.example' },
            documents: { port: documents, origin: 'https://clients.example' },
            upstream: { port: upstream },
            issuer: { port: issuer, tenant: 'acme', scopes: 'mcp:read' },
          },
        },
      },
    }
    const { targets, close } = await resolveTargets(loaded(config), ['gw'])
    try {
      const { instruments } = targets[0]!
      expect(await instruments.listener!.url()).toMatch(/^http:\/\/harness\.example\//)
      const client = await instruments.documents!.url()
      expect(client).toMatch(/^https:\/\/clients\.example\//)
      await instruments.documents!.answer(client, { status: 203, body: '{"client_id":"assay"}' })
      const answer = await fetch(`http://127.0.0.1:${documents}${new URL(client).pathname}`)
      expect([answer.status, await answer.json()]).toEqual([203, { client_id: 'assay' }])
      expect(await instruments.documents!.hits(client)).toHaveLength(1)
      const { status } = await fetch(`http://127.0.0.1:${upstream}/mcp`, { method: 'PUT' })
      expect(status).toBe(405)
      const claims = decodeJwt(await instruments.issuer!.mint())
      expect(claims).toMatchObject({ iss: `http://127.0.0.1:${issuer}`, aud: http.url, tenant: 'acme', scope: 'mcp:read' })
      await expect(resolveTargets(loaded(config), ['gw'])).rejects.toMatchObject({ code: 'E_INSTRUMENT_PLACE' })
    } finally {
      await close()
    }
    await expect(fetch(`http://127.0.0.1:${issuer}/jwks`)).rejects.toThrow()
  })

  test('a browser is kept for those who name people or ask for one', async () => {
    const people = { issuer: 'http://127.0.0.1:9', users: [{ username: 'ada', password: env('PASSWORD') }] }
    const config: Config = {
      targets: {
        plain: { kind: 'server', ...http },
        asked: { kind: 'server', ...http, instruments: { browser: true } },
        people: { kind: 'server', ...http, authority: people },
        declined: { kind: 'server', ...http, authority: people, instruments: { browser: false } },
      },
    }
    const { targets, close } = await resolveTargets(loaded(config), Object.keys(config.targets), { PASSWORD: 'hush' })
    await close()
    expect(targets.filter(({ instruments }) => instruments.browser).map(({ name }) => name)).toEqual(['asked', 'people'])
  })
})

describe('loading', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'assay-config-'))
    await writeFile(join(directory, 'good.json'), JSON.stringify({ $schema: 'x', targets: { gw: gateway } }))
    await writeFile(join(directory, 'cut.json'), '{"targets":')
    await writeFile(join(directory, 'empty.mjs'), 'export const x = 1')
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('the embedded configuration stands in where there is none, and holds', async () => {
    const { config, embedded } = await loadConfig(undefined, directory)
    expect(embedded).toBe(true)
    expect(Object.keys(config.targets)).toEqual(['reference', 'everything'])
  })

  test('JSON and code', async () => {
    expect((await loadConfig('good.json', directory)).config.targets).toHaveProperty('gw')
    await expect(loadConfig('cut.json', directory)).rejects.toMatchObject({ code: 'E_CONFIG_INVALID' })
    await expect(loadConfig('empty.mjs', directory)).rejects.toMatchObject({ code: 'E_CONFIG_INVALID', got: 'no default export' })
    await expect(loadConfig('gone.ts', directory)).rejects.toMatchObject({ code: 'E_CONFIG_NOT_FOUND' })
  })
})
