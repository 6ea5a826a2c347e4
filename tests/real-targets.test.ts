import { describe, expect, test } from 'vitest'
import { everythingOverStdio, startEverything } from '../fixtures/third-party/everything.ts'
import { startFilesystemBehindSupergateway } from '../fixtures/third-party/filesystem.ts'
import { localTarget } from '../fixtures/third-party/local-target.ts'
import { startMcpProxy } from '../fixtures/third-party/mcp-proxy.ts'
import type { StartedServer } from '../fixtures/third-party/process.ts'
import { startSdkHandler } from '../fixtures/third-party/sdk-handler.ts'
import { assess, type Target } from '../src/engine/index.ts'
import type { Finding } from '../src/model/index.ts'
import { loadChecks } from '../suites/index.ts'
import { calibration } from './real-targets.calibration.ts'

/** A check that is not green on a target, where, and how: `fail 2025-03-26..2025-11-25`. */
type Seen = Record<string, string>

const limits: Target['limits'] = {
  requestsPerSecond: 500,
  // Machines that run tests are busy: what a deadline cuts off there would be inconclusive for no fault of the target.
  probesAtOnce: 4,
  exchangeDeadline: 20_000,
  probeDeadline: 60_000,
  budget: 110_000,
  maxBytes: 4_000_000,
}

async function assessed(target: Target): Promise<Finding[]> {
  const { findings, record } = await assess([target], { checks: await loadChecks(), allowDisruptive: false }, () => {})
  expect(record.targets[0]!.error).toBeUndefined()
  return findings
}

function seen(findings: Finding[]): Seen {
  const lines = new Map<string, string[]>()
  for (const { check, outcome, revision } of findings) {
    if (outcome === 'pass' || outcome === 'not-applicable' || outcome === 'not-testable') continue
    const key = `${check} ${outcome}`
    lines.set(key, [...(lines.get(key) ?? []), revision])
  }
  return Object.fromEntries([...lines].map(([key, at]) => [key, at.join(' ')]).sort())
}

const overHttp: Record<string, () => Promise<StartedServer>> = {
  'server-everything': startEverything,
  'server-filesystem behind supergateway': startFilesystemBehindSupergateway,
  'mcp-proxy in front of server-everything': startMcpProxy,
  'SDK 2 createMcpHandler': startSdkHandler,
}

describe('a target nobody here wrote gives exactly the findings it is known for', () => {
  test.each(Object.entries(overHttp))('%s', async (name, start) => {
    const server = await start()
    try {
      const findings = await assessed({ ...localTarget(name, server.url), revisions: undefined, limits, tools: { allow: ['echo'] } })
      expectKnown(name, findings)
    } finally {
      await server.close()
    }
  })

  test('server-everything over stdio', async () => {
    const [command, ...args] = everythingOverStdio()
    const name = 'server-everything over stdio'
    const target = {
      ...localTarget(name, ''),
      reach: { command: command!, args },
      limits: { ...limits, probesAtOnce: 2 },
      tools: { allow: ['echo'] },
    }
    expectKnown(name, await assessed(target))
  })
})

/** Exactly the known findings; one that a race within the target brings about may be missing at some revisions, never added. */
function expectKnown(name: string, findings: Finding[]): void {
  const known = calibration[name]!
  const actual = Object.entries(seen(findings))
  const races = (key: string): boolean => known[key]?.races ?? false
  for (const [key, at] of actual.filter(([key]) => races(key)))
    expect(known[key]!.at.split(' ')).toEqual(expect.arrayContaining(at.split(' ')))
  const settled = Object.entries(known).filter(([key]) => !races(key))
  expect(Object.fromEntries(actual.filter(([key]) => !races(key)))).toEqual(Object.fromEntries(settled.map(([key, { at }]) => [key, at])))
}
