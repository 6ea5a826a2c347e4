import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AssayError } from '../messages/index.ts'
import { isRedacted } from '../model/index.ts'
import { parseDocuments, readDocuments } from './documents.ts'

describe('the documents of a text', () => {
  test('are found with their places', () => {
    const [first, second] = parseDocuments(
      '# a deployment\napiVersion: v1\nkind: Namespace\n---\napiVersion: v1\nkind: List\nitems:\n  - kind: Pod\n',
      'a.yaml',
    )
    expect(first).toMatchObject({ file: 'a.yaml', index: 0, line: 2, kind: 'kubernetes', value: { kind: 'Namespace' } })
    expect(second).toMatchObject({ index: 1, line: 5, lines: { items: 7, 'items[0]': 8, 'items[0].kind': 8 } })
  })

  test.each([
    ['{ apiVersion: eksctl.io/v1alpha5, kind: ClusterConfig }', 'eksctl'],
    ['{ apiVersion: v1, kind: Pod }', 'kubernetes'],
    ['{ gateway_config: { mcp_servers: [] } }', 'gateway-config'],
    ['{"authorizerType": "NONE"}', 'agentcore-gateway'],
    ['{"Version": "2012-10-17", "Statement": {"Effect": "Allow"}}', 'iam-policy'],
    ['{"Role": {"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow"}]}}}', 'iam-policy'],
    ['Resources: { Role: { Type: "AWS::IAM::Role", Properties: { Name: !Ref A } } }', 'cloudformation'],
    ['{ name: something }', 'other'],
  ])('%s is %s', (text, kind) => expect(parseDocuments(text, 'a').map((document) => document.kind)).toEqual([kind]))

  test('may be a list of JSON, and tabs are no mistake there', () => {
    expect(parseDocuments('[\n\t{"authorizerType": "NONE"},\n\t{"a": 1}\n]', 'a.json').map(({ kind, line }) => [kind, line])).toEqual([
      ['agentcore-gateway', 2],
      ['other', 3],
    ])
  })

  test('that are empty are left out', () => expect(parseDocuments('---\n# nothing\n---\n', 'a.yaml')).toEqual([]))

  test.each([
    ['a: [1\nb: 2\n', 'a.yaml:', 'make it valid YAML or JSON'],
    ['kind: Pod\nname: {{ .Values.name }}\n', 'a.yaml:2', 'render the template first'],
  ])('that are no YAML are named with file and line', (text, where, advice) => {
    const error = (() => {
      try {
        parseDocuments(text, 'a.yaml')
      } catch (thrown) {
        return thrown as AssayError
      }
    })()
    expect(error).toBeInstanceOf(AssayError)
    expect(error?.message).toContain(where)
    expect(error?.try).toContain(advice)
  })
})

describe('credentials', () => {
  const readValue = (text: string) => parseDocuments(text, 'a.yaml')[0]!.value as Record<string, any>

  test('of a Secret are taken out, placeholders are not', () => {
    const { data, stringData } = readValue(
      '{ apiVersion: v1, kind: Secret, data: { a: aHVudGVyMg== }, stringData: { b: "<password>", c: "" } }',
    )
    expect(data.a).toBe('[redacted: 12 characters]')
    expect(stringData).toEqual({ b: '<password>', c: '' })
  })

  test('are known by the name of their member or variable', () => {
    const value = readValue('{ client_secret: hunter22, env: [{ name: DB_PASSWORD, value: hunter22 }, { name: LOG_LEVEL, value: info }] }')
    expect(isRedacted(value.client_secret)).toBe(true)
    expect(value.env).toEqual([
      { name: 'DB_PASSWORD', value: '[redacted: 8 characters]' },
      { name: 'LOG_LEVEL', value: 'info' },
    ])
  })

  test('are known by their shape', () => {
    const value = readValue('{ a: "id AKIAIOSFODNN7EXAMPLE", b: "postgres://app:hunter22@db/app", c: "-----BEGIN PRIVATE KEY-----MIIB" }')
    expect(value).toEqual({
      a: 'id [redacted: AWS access key id]',
      b: 'postgres://app:[redacted: password]@db/app',
      c: '[redacted: private key]',
    })
  })

  test('are not what speaks of them', () => {
    const text =
      '{ token_endpoint: a, secretName: b, secretKey: c, automountServiceAccountToken: false, tokenExpirationSeconds: 600, secret_arn: d, token_endpoint_auth_method: e, tokenUrl: f }'
    expect(JSON.stringify(readValue(text))).not.toContain('redacted')
  })
})

describe('the files of a deployment', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'assay-documents-'))
    await writeFile(join(directory, 'b.yaml'), 'name: b\n')
    await writeFile(join(directory, 'a.yaml'), 'name: a\n---\nname: a2\n')
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('are read once each, in order', async () => {
    const documents = await readDocuments(['*.yaml', 'b.yaml'], directory)
    expect(documents.map(({ file, index }) => `${file} ${index}`)).toEqual(['a.yaml 0', 'a.yaml 1', 'b.yaml 0'])
  })

  test('must be there', async () => {
    await expect(readDocuments(['*.json'], directory)).rejects.toMatchObject({ code: 'E_CONFIG_INVALID', got: 'no file' })
  })
})
