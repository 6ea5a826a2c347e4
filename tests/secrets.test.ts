import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startReference } from '../fixtures/reference/index.ts'
import { leaksIn } from '../suites/security/audit/canaries.ts'
import { assay } from './cli/assay.ts'

const secret = (): string => randomBytes(24).toString('base64url')

/** A deployment that tells every secret it gives out. */
async function startTelling(secrets: Record<string, string>) {
  const note = (what: string, value: unknown) => {
    if (typeof value === 'string') secrets[`${what} ${Object.keys(secrets).length}`] = value.slice(value.lastIndexOf('.') + 1)
  }
  return startReference({
    identity: {
      patch: {
        machineTokenResponse: (body) => {
          note('access token', body.access_token)
          return body
        },
        registrationResponse: (body) => {
          note('registered secret', body.client_secret)
          note('registration token', body.registration_access_token)
          return body
        },
      },
    },
  })
}

async function textsIn(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.slice(directory.length), await readFile(file, 'utf8')])))
}

test('no secret of a gate is written to a file or printed', async () => {
  const secrets: Record<string, string> = {}
  await using reference = await startTelling(secrets)
  const { identity } = reference.parts
  const [acme, globex] = [identity.clients.acme!, identity.clients.globex!]
  const given = {
    ACME_SECRET: acme.clientSecret,
    GLOBEX_SECRET: globex.clientSecret,
    INITIAL_TOKEN: await identity.initialAccessToken(),
    PASSWORD: identity.users.acme!.password,
    HEADER: secret(),
  }
  Object.assign(secrets, given)
  const source = (clientId: string, variable: string) => ({
    token: { clientCredentials: { issuer: identity.issuer, clientId, clientSecret: { env: variable }, scope: 'mcp:read mcp:tools' } },
  })
  const directory = await mkdtemp(join(tmpdir(), 'assay-secrets-'))
  const config = {
    targets: {
      gateway: {
        kind: 'gateway',
        url: reference.url,
        revisions: ['2025-11-25'],
        headers: { 'X-Deployment-Key': { env: 'HEADER' } },
        identities: {
          acme: { tenant: 'acme', ...source(acme.clientId, 'ACME_SECRET') },
          globex: { tenant: 'globex', ...source(globex.clientId, 'GLOBEX_SECRET') },
        },
        tools: { echo: 'custom___echo', failing: 'custom___failing' },
        authority: {
          issuer: identity.issuer,
          initialAccessToken: { env: 'INITIAL_TOKEN' },
          clients: [{ clientId: acme.clientId, clientSecret: { env: 'ACME_SECRET' }, scope: 'mcp:read mcp:tools' }],
          users: [{ username: identity.users.acme!.username, password: { env: 'PASSWORD' } }],
        },
        policies: true,
        disruptive: true,
      },
      authority: {
        kind: 'authorization-server',
        url: identity.issuer,
        authority: {
          initialAccessToken: { env: 'INITIAL_TOKEN' },
          clients: [{ clientId: acme.clientId, clientSecret: { env: 'ACME_SECRET' }, scope: 'mcp:read mcp:tools' }],
          users: [{ username: identity.users.acme!.username, password: { env: 'PASSWORD' } }],
          resource: reference.url,
        },
        policies: true,
        disruptive: true,
      },
    },
    gates: { release: { suites: ['flow', 'audit', 'rotation', 'tokens', 'metadata', 'transport'] } },
    reporters: ['pretty', 'html', 'json', 'junit', 'github', 'sarif'],
  }
  await writeFile(join(directory, 'harness.config.json'), JSON.stringify(config))

  const ran = await assay(['gate', 'release', '--allow-disruptive'], directory, given)

  const texts = { ...(await textsIn(directory)), stdout: ran.stdout, stderr: ran.stderr }
  expect(ran.stderr).not.toContain('error[')
  expect(Object.keys(texts).some((file) => file.includes('evidence'))).toBe(true)
  expect(Object.keys(secrets).length).toBeGreaterThan(8)
  expect(Object.entries(texts).flatMap(([file, text]) => leaksIn(text, secrets).map((leak) => ({ file, ...leak })))).toEqual([])
  await rm(directory, { recursive: true })
}, 120_000)
