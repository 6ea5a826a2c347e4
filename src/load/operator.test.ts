import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { LoadScript, ScriptFlow, UnitFacts } from '../model/index.ts'
import { handedOver, nameFor, operatorManifests } from './operator.ts'
import { planOf } from './plan.ts'

const flow: ScriptFlow = {
  name: 'agents',
  url: 'https://gateway.example/mcp',
  era: 'session',
  arrivals: 'calls',
  rate: 20,
  starts: 0,
  lasts: 10_000,
  users: 65,
  unkept: false,
  headers: { Accept: 'application/json', Authorization: 'Bearer secret-1', 'X-Team': 'secret-2' },
  settled: {},
  sessions: ['kept-here'],
  opening: { as: 'initialize', text: ['', ''], headers: {} },
  requests: [],
  order: [],
}
const script: LoadScript = { warmUp: 2_000, timeout: 10_000, within: [], flows: [flow] }
const facts = { target: 'Gateway of ACME', url: flow.url } as UnitFacts
const handover = handedOver(script, ['secret-2'])
const variables = Object.keys(handover.secrets)
const manifests = operatorManifests(planOf(handover.script, facts, 4, '1.8.1'), 'the script', variables) as any[]
const testRun = manifests.find(({ kind }) => kind === 'TestRun')

/** The schema of TestRuns, in which a member it does not know is an error: the API server drops it and says nothing. */
function schemaOfTestRun(): object {
  const crd = parse(readFileSync(new URL('../../tests/data/k6-operator/k6.io_testruns.yaml', import.meta.url), 'utf8'))
  const { schema } = crd.spec.versions.find(({ name }: { name: string }) => name === 'v1alpha1')
  return closed(schema.openAPIV3Schema) as object
}

function closed(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if (Array.isArray(schema)) return schema.map(closed)
  const members = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOpen = members.properties === undefined || members.type !== 'object' || members['x-kubernetes-preserve-unknown-fields'] === true
  return isOpen ? members : { additionalProperties: false, ...members }
}

const validate = new Ajv({ strict: false, logger: false, formats: { int32: true, int64: true, 'date-time': true, byte: true } }).compile(
  schemaOfTestRun(),
)

describe('a TestRun', () => {
  test('fits the schema that the operator publishes', () => {
    validate(testRun)
    expect(validate.errors ?? []).toEqual([])
  })

  test('that is wrong does not', () => {
    expect(validate({ ...testRun, spec: { ...testRun.spec, parallelism: '4' } })).toBe(false)
    expect(validate({ ...testRun, spec: { ...testRun.spec, runner: { ...testRun.spec.runner, environment: [] } } })).toBe(false)
  })

  test('is of as many pods as there are shards, which keep what they write', () => {
    const { parallelism, arguments: given, runner } = testRun.spec
    expect(parallelism).toBe(4)
    expect(given).toContain('--no-usage-report')
    expect(given).toContain('--console-output /results/$(ASSAY_POD).samples')
    expect(runner.volumeMounts).toEqual([{ name: 'results', mountPath: '/results' }])
    const claim = manifests.find(({ kind }) => kind === 'PersistentVolumeClaim')
    expect(runner.volumes[0].persistentVolumeClaim.claimName).toBe(claim.metadata.name)
    // A variable is known to those that stand after it.
    expect(runner.env[0].name).toBe('ASSAY_POD')
  })

  test('takes secrets from a Secret', () => {
    expect(handover.secrets).toEqual({ ASSAY_HEADER_AUTHORIZATION: 'Bearer secret-1', ASSAY_HEADER_X_TEAM: 'secret-2' })
    expect(JSON.stringify(manifests)).not.toMatch(/secret-[12]/)
    for (const name of variables)
      expect(testRun.spec.runner.env).toContainEqual({
        name,
        valueFrom: { secretKeyRef: { name: 'assay-gateway-of-acme-headers', key: name } },
      })
    expect(handover.script.flows[0]).toMatchObject({
      headers: { Accept: 'application/json' },
      headersFrom: { Authorization: 'ASSAY_HEADER_AUTHORIZATION', 'X-Team': 'ASSAY_HEADER_X_TEAM' },
    })
  })
})

test('virtual users elsewhere open their own sessions, before anything is counted', () => {
  const { warmUp, flows } = handover.script
  expect(flows[0]!.sessions).toEqual([])
  // 65 users take turns at 20 arrivals a second.
  expect(warmUp).toBe(script.warmUp + 4_000)
  expect(flows[0]!.lasts).toBe(flow.lasts + 4_000)
  const stateless = handedOver({ ...script, flows: [{ ...flow, era: 'stateless' }] }, [])
  expect(stateless.script.warmUp).toBe(script.warmUp)
})

test('identities have variables of their own', () => {
  const other = { ...flow, name: 'others', headers: { Authorization: 'Bearer another' } }
  expect(handedOver({ ...script, flows: [flow, other, { ...flow, name: 'again' }] }, []).secrets).toEqual({
    ASSAY_HEADER_AUTHORIZATION: 'Bearer secret-1',
    ASSAY_HEADER_AUTHORIZATION_2: 'Bearer another',
  })
})

test('what does not fit into a ConfigMap is refused', () => {
  const plan = planOf(handover.script, facts, 4, '1.8.1')
  expect(() => operatorManifests(plan, 'x'.repeat(1_100_000), [])).toThrow('a ConfigMap holds 1048576')
})

test.each([
  ['preprod', 'assay-preprod'],
  ['Gateway_of.ACME!', 'assay-gateway-of-acme'],
  ['a'.repeat(90), `assay-${'a'.repeat(40)}`],
])('%s is called %s in a cluster', (target, name) => expect(nameFor(target)).toBe(name))
