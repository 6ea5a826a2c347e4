import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { assay } from './assay.ts'

let cwd: string
let door: Server
let doorUrl: string

beforeAll(async () => {
  door = createServer((request, response) => {
    request.resume()
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  doorUrl = `http://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`
})
afterAll(() => {
  door.closeAllConnections()
  door.close()
})
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-'))
})
afterEach(() => rm(cwd, { recursive: true }))

const server = { kind: 'server', url: 'http://127.0.0.1:9/mcp' }

test.each<[string, object, RegExp[]]>([
  [
    'an unknown key',
    { targets: { gw: { ...server, limts: {} } } },
    [/E_CONFIG_UNKNOWN_KEY\] unknown key "limts" at targets\.gw/, /did you mean "limits"/],
  ],
  [
    'a missing environment variable',
    { targets: { gw: { ...server, identities: { ci: { token: { env: 'GW_TOKEN' } } } } } },
    [/E_CONFIG_MISSING_ENV\] .*GW_TOKEN.*targets\.gw\.identities\.ci\.token/, /export GW_TOKEN=/],
  ],
  [
    'a literal secret',
    { targets: { gw: { ...server, headers: { Authorization: 'Bearer hush' } } } },
    [/E_CONFIG_LITERAL_SECRET\] .*targets\.gw\.headers\.Authorization/, /env\('NAME'\)/],
  ],
])('%s is an error that names its place and its mending, and nothing is written', async (_, config, messages) => {
  await writeFile(join(cwd, 'harness.config.json'), JSON.stringify(config))
  const { code, stdout, stderr } = await assay(['run'], cwd)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  for (const message of messages) expect(stderr).toMatch(message)
  expect(stderr).not.toContain('hush')
  expect(await readdir(cwd)).toEqual(['harness.config.json'])
})

test('an unknown selector is an error with the nearest names, and nothing is written', async () => {
  const { code, stdout, stderr } = await assay(['run', 'http://127.0.0.1:9/mcp', 'transport/ended-sesion'], cwd)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/E_SELECTOR_UNKNOWN[\s\S]*"transport\/ended-session"/)
  expect(await readdir(cwd)).toEqual([])
})

test('an unreachable target is inconclusive, and says so where one looks', async () => {
  const { code, stdout, stderr } = await assay(['run', 'http://127.0.0.1:9/mcp'], cwd)
  expect(code).toBe(3)
  expect(stderr).toMatch(/E_TARGET_UNREACHABLE\] target "127\.0\.0\.1" does not answer\n {2}sent {6}POST http:\/\/127\.0\.0\.1:9\/mcp/)
  expect(stdout).toMatch(/inconclusive: nothing was judged on 127\.0\.0\.1/)
})

test('a token the target refuses is inconclusive, and never written down', async () => {
  const { code, stdout, stderr } = await assay(['run', doorUrl, '--bearer', 'env:WRONG', '--json'], cwd, { WRONG: 'wr0ng-token' })
  expect(code).toBe(3)
  expect(stderr).toMatch(/E_TARGET_REFUSED_TOKEN[\s\S]*got {7}HTTP 401[\s\S]*try/)
  expect(JSON.parse(stdout)).toMatchObject({ findings: [], decision: { verdict: 'inconclusive' } })
  expect(stdout + stderr).not.toContain('wr0ng-token')
})

test('a configuration in TypeScript imports the Assay that runs it', async () => {
  await writeFile(
    join(cwd, 'harness.config.ts'),
    `import { defineConfig, env } from 'mcp-assay'\nconst url: string = 'http://127.0.0.1:9/mcp'\nexport default defineConfig({ targets: { gw: { kind: 'server', url, identities: { ci: { token: env('TOKEN') } } } } })\n`,
  )
  const { code, stdout, stderr } = await assay(['doctor', '--json'], cwd, { TOKEN: 'x' })
  expect(stderr).toBe('')
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ subject: 'gw', state: 'bad', finds: expect.stringContaining('E_TARGET_UNREACHABLE') }),
  )
})
