import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import type { Finding } from '../../src/model/index.ts'
import { exampleRun } from '../example.ts'
import { sarif } from './sarif.ts'

const context = { width: 100, color: false }

// The schema is of draft 4 and uses nothing that a later draft takes back. Whether a text is a URI is not what the test is about.
const {
  $schema: _,
  id: __,
  ...schema
} = JSON.parse(readFileSync(new URL('../../tests/data/sarif-schema-2.1.0.json', import.meta.url), 'utf8'))
const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema)

function reported(extra: Partial<Finding> = {}) {
  const run = exampleRun()
  const findings = run.findings.map((finding) => ({ ...finding, ...extra }))
  const text = sarif({ ...run, findings }, context)
  return { text, log: JSON.parse(text) }
}

test('the example run', async () => {
  await expect(sarif(exampleRun(), context)).toMatchFileSnapshot('sarif.golden')
})

test.each<[string, Partial<Finding>]>([
  ['the example', {}],
  ['weaknesses', { weakness: ['CWE-287', 'API2:2023', 'MCP07:2025', 'LLM01:2025'] }],
  ['a description', { outcome: 'fail', reason: 'k8s/agents.yaml:12 Deployment a/b spec: runs as root (and 1 more)', evidence: undefined }],
  ['nothing but passes', { outcome: 'pass' }],
])('%s is valid by the schema of OASIS', (_, extra) => {
  const { log } = reported(extra)
  valid(log)
  expect(valid.errors ?? []).toEqual([])
})

test('weaknesses are tags of the rule, and related to their taxonomies', () => {
  const { log } = reported({ weakness: ['CWE-287', 'API2:2023'] })
  const [run] = log.runs
  expect(run.tool.driver.rules[0].properties.tags).toEqual([
    'conformance',
    'transport',
    'external/cwe/cwe-287',
    'CWE-287',
    'external/owasp/api2:2023',
    'API2:2023',
  ])
  expect(run.taxonomies.map(({ name, taxa }: any) => [name, taxa[0].id])).toEqual([
    ['CWE', 'CWE-287'],
    ['OWASP API Security Top 10', 'API2:2023'],
  ])
})

test('a fault of a description is at its file and line, each once', () => {
  const faults = ['k8s/agents.yaml:12 Deployment a/b spec: runs as root', 'k8s/more.yaml:3 Pod c: runs as root']
  const { log } = reported({ reason: `${faults[0]} (and 1 more)`, actual: JSON.stringify(faults) })
  expect(log.runs[0].results[0].locations.map(({ physicalLocation: at }: any) => [at.artifactLocation.uri, at.region.startLine])).toEqual([
    ['k8s/agents.yaml', 12],
    ['k8s/more.yaml', 3],
  ])
})

test('fingerprints tell findings apart and stay what they are', () => {
  const prints = (text: string) => JSON.parse(text).runs[0].results.map((result: any) => result.partialFingerprints['assayFinding/v1'])
  const { text } = reported()
  expect(new Set(prints(text)).size).toBe(prints(text).length)
  expect(prints(reported({ reason: 'otherwise' }).text)).toEqual(prints(text))
})
