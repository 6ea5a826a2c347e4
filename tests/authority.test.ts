import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Cognito, startCognito } from '../fixtures/cognito/index.ts'
import { type StartedKeycloak, startKeycloak } from '../fixtures/keycloak/index.ts'
import { observable, startGatewayOver, startParts } from '../fixtures/reference/index.ts'
import { gatewayTarget, identityTarget } from '../fixtures/reference/targets.ts'
import { assess, quirksOf, type Target } from '../src/engine/index.ts'
import { startListener, startScriptedUpstream } from '../src/instruments/index.ts'
import { AssayError, formatError } from '../src/messages/index.ts'
import type { Finding } from '../src/model/index.ts'
import { loadChecks } from '../suites/index.ts'
import { calibration } from './authority.calibration.ts'

// The first start on a machine downloads the distribution and builds it.
const firstStart = 15 * 60_000
const resource = 'https://gateway.example/mcp'

const limits: Target['limits'] = {
  requestsPerSecond: 2_000,
  // Machines that run tests are busy: what a deadline cuts off there would be inconclusive for no fault of the target.
  probesAtOnce: 4,
  exchangeDeadline: 20_000,
  probeDeadline: 60_000,
  budget: 110_000,
  maxBytes: 4_000_000,
}

async function assessed(name: string, embedded: Omit<Target, 'name' | 'limits'>, bounds = limits): Promise<Finding[]> {
  const target: Target = { ...embedded, name, limits: bounds }
  const { findings, record } = await assess([target], { checks: await loadChecks(), allowDisruptive: true }, () => {})
  expect(record.targets[0]!.error).toBeUndefined()
  return findings
}

/** What is not green, each with its outcome: `m2m/invalid-client fail`. */
const seen = (findings: Finding[]): string[] =>
  findings
    .filter(({ outcome }) => outcome !== 'pass' && outcome !== 'not-applicable' && outcome !== 'not-testable')
    .map(({ check, outcome }) => `${check} ${outcome}`)
    .toSorted()

const expected = (product: keyof typeof calibration, version?: string): string[] =>
  Object.entries(calibration[product])
    .filter(([, { on }]) => on === undefined || on === version)
    .map(([finding]) => finding)
    .toSorted()

/** Ids that the vendor's list explains. */
const explained = (findings: Finding[]): string[] => findings.filter(({ quirk }) => quirk).map(({ check }) => check)

const keycloakFindings: Record<string, Finding[]> = {}

describe.each(['26.7.0', '26.4.0'])('Keycloak %s', (version) => {
  let keycloak: StartedKeycloak
  let unavailable: string | undefined

  beforeAll(async () => {
    try {
      keycloak = await startKeycloak({ version, progress: (line) => console.log(line) })
    } catch (error) {
      if (process.env.CI || !(error instanceof AssayError)) throw error
      unavailable = formatError(error)
    }
  }, firstStart)

  afterAll(() => keycloak?.close())

  beforeEach(({ skip }) => skip(unavailable !== undefined, unavailable))

  test('gives exactly the findings it is known for', async () => {
    await keycloak.allowResource(resource)
    await using listener = await startListener()
    const target = { ...(await identityTarget(keycloak, resource)), vendor: 'keycloak' as const, instruments: { listener } }
    const findings = await assessed(`keycloak ${version}`, target)
    keycloakFindings[version] = findings
    expect(seen(findings)).toEqual(expected('keycloak', version))
  }, 120_000)
})

test('every entry of the list of Keycloak is needed', ({ skip }) => {
  skip(Object.keys(keycloakFindings).length === 0, 'there is no Keycloak here')
  const needed = new Set(Object.values(keycloakFindings).flatMap(explained))
  expect(
    quirksOf('keycloak')
      .map(({ check }) => check)
      .filter((check) => !needed.has(check)),
  ).toEqual([])
})

describe('the simulator of Cognito', () => {
  const scope = 'mcp/read mcp/write'

  async function assessPool(pool: Cognito, budget?: number): Promise<Finding[]> {
    await using listener = await startListener()
    const clients = [1, 2].map(() => ({ ...pool.addClient(scope.split(' ')), scope }))
    const target: Omit<Target, 'name' | 'limits'> = {
      kind: 'authorization-server',
      vendor: 'cognito',
      reach: { issuer: pool.issuer },
      identities: [],
      tools: { allow: [] },
      disruptive: true,
      instruments: { listener },
      secrets: [],
      access: { issuer: pool.issuer, clients, users: [], scope: 'mcp/read' },
    }
    return await assessed('cognito', target, { ...limits, tokens: budget })
  }

  test('gives exactly the findings Cognito is known for', async () => {
    await using pool = await startCognito()
    const findings = await assessPool(pool)
    expect(seen(findings)).toEqual(expected('cognito'))
    const entries = quirksOf('cognito').map(({ check }) => check)
    expect(entries.toSorted()).toEqual(explained(findings).toSorted())
  })

  test('issues no more tokens than the operator pays for; what needs more is said not to be testable', async () => {
    await using pool = await startCognito()
    const findings = await assessPool(pool, 5)
    expect(pool.tokensIssued()).toBe(5)
    const unpaid = findings.filter(({ reason }) => reason?.includes('limits.tokens'))
    expect(unpaid.length).toBeGreaterThan(0)
    expect(unpaid.filter(({ outcome }) => outcome !== 'not-testable')).toEqual([])
    expect(expected('cognito')).toEqual(expect.arrayContaining(seen(findings)))
  })
})

describe('a gateway in front of a real Keycloak and the simulator of Cognito', () => {
  test(
    'lets all thirteen steps pass',
    async ({ skip }) => {
      let keycloak: StartedKeycloak
      try {
        keycloak = await startKeycloak({ version: '26.7.0' })
      } catch (error) {
        if (process.env.CI || !(error instanceof AssayError)) throw error
        return skip(formatError(error))
      }
      await using parts = await startParts({ identityServer: keycloak })
      await using upstream = await startScriptedUpstream()
      await using listener = await startListener()
      await using gateway = await startGatewayOver(parts, {
        configure: observable,
        extraUpstreams: [{ name: 'scripted', url: upstream.url }],
      })
      const began = performance.now()
      const findings = await assessed('gateway', { ...(await gatewayTarget(gateway, { upstream, listener })), revisions: ['2025-11-25'] })
      console.log(`the gateway suite took ${Math.round(performance.now() - began)} ms`)
      expect(seen(findings)).toEqual([])
      const steps = findings.filter(({ check }) => check.startsWith('flow/'))
      expect(steps.filter(({ outcome }) => outcome === 'pass').length).toBeGreaterThanOrEqual(13)
    },
    firstStart,
  )
})
