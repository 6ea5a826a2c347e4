import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { frameFile, generateFrames } from '../../../scripts/generate-frames.ts'
import { type Revision, revisions } from '../revision.ts'
import { validateDefinition, validateEnvelope, validateNotification, validateResult, validateServerRequest } from './index.ts'
import { definitionNames } from './names.ts'
import { frameSchema } from './schema.ts'

const missing = (path: string) => ({ path, message: 'is missing', keyword: 'required' })
const text = { type: 'text', text: 'hello' }
const cached = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const session = revisions.filter((revision) => revision < '2026-07-28')

describe('the generated files', () => {
  const generated = generateFrames()

  test.each(revisions)('%s is up to date: else run npm run generate:frames', (revision) => {
    expect(readFileSync(frameFile(revision), 'utf8') === generated[revision]).toBe(true)
  })

  test.each(revisions)('every definition of %s compiles', (revision) => {
    const { $defs } = JSON.parse(generated[revision])
    const schema = frameSchema(revision)
    for (const name of Object.keys($defs)) expect(schema.compiled(name, 'first'), name).toBeTypeOf('function')
  })

  test('every name is a definition of the newest session revision', () => {
    expect(definitionNames.filter((name) => !frameSchema('2025-11-25').has(name))).toEqual([])
  })
})

describe('results', () => {
  const good: [string, Revision[], string, unknown][] = [
    ['an answer to initialize', session, 'initialize', { protocolVersion: 'x', capabilities: {}, serverInfo: { name: 'a', version: '1' } }],
    ['no content', session, 'tools/call', { content: [] }],
    ['members of its own', session, 'tools/call', { content: [{ ...text, vendor: 1 }], vendor: { deep: [null] } }],
    ['an empty answer', session, 'ping', {}],
    ['a resource with a scheme of its own', session, 'resources/list', { resources: [{ uri: 'note+v1:ä/{x}', name: 'n' }] }],
    ['text contents', session, 'resources/read', { contents: [{ uri: 'a:b', text: '' }] }],
    ['binary contents', session, 'resources/read', { contents: [{ uri: 'a:b', blob: 'AAE=' }] }],
    ['a template', session, 'resources/templates/list', { resourceTemplates: [{ uriTemplate: 'a:{+path}{?q,n*}/ä', name: 'n' }] }],
    ['a method unknown to the revision', [...revisions], 'vendor/method', { resultType: 'complete', anything: true }],
    ['a task', ['2025-11-25'], 'tasks/get', { taskId: '1', status: 'working', createdAt: 'a', lastUpdatedAt: 'b', ttl: null }],
    [
      'a discovery',
      ['2026-07-28'],
      'server/discover',
      { ...cached, supportedVersions: [], capabilities: { experimental: { a: { b: null, c: 1.5 } } } },
    ],
    [
      'a list',
      ['2026-07-28'],
      'tools/list',
      { ...cached, tools: [{ name: 'a', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } }] },
    ],
    ['a demand for input', ['2026-07-28'], 'tools/call', { resultType: 'input_required', inputRequests: { a: { method: 'roots/list' } } }],
    ['a result type of an extension', ['2026-07-28'], 'tools/call', { resultType: 'task', taskId: '1' }],
  ]
  for (const [title, applies, method, result] of good) {
    test.each(applies)(`${title} is fine in %s`, (revision) => expect(validateResult(revision, method, result)).toEqual([]))
  }

  test.each(session)('the branch of a union that a value claims to be is the one reported in %s', (revision) => {
    const content = [
      { type: 'text' },
      { type: 'image', data: 'no base64', mimeType: 'a/b' },
      { type: 'resource', resource: { uri: 'a:b', blob: 1 } },
    ]
    expect(validateResult(revision, 'tools/call', { content })).toEqual([
      missing('/content/0/text'),
      { path: '/content/1/data', message: 'must be base64 (RFC 4648), is "no base64"', keyword: 'format' },
      { path: '/content/2/resource/blob', message: 'must be string, is number', keyword: 'type' },
    ])
  })

  test('what claims to be no branch is said to fit none', () => {
    expect(validateResult('2025-06-18', 'resources/read', { contents: [{ uri: 'a:b' }] })).toEqual([
      { path: '/contents/0', message: 'fits none of TextResourceContents, BlobResourceContents', keyword: 'anyOf' },
    ])
  })

  test('audio comes with 2025-03-26', () => {
    const result = { content: [{ type: 'audio', data: '', mimeType: 'audio/wav' }] }
    expect(validateResult('2025-03-26', 'tools/call', result)).toEqual([])
    expect(validateResult('2024-11-05', 'tools/call', result)).toEqual([
      { path: '/content/0/type', message: 'must be one of "text", "image", "resource", is "audio"', keyword: 'enum' },
    ])
  })

  test('a task answers a call only when one was asked for', () => {
    const result = { task: { taskId: '1', status: 'working', createdAt: 'a', lastUpdatedAt: 'b', ttl: 1 } }
    expect(validateResult('2025-11-25', 'tools/call', result, { task: true })).toEqual([])
    expect(validateResult('2025-11-25', 'tools/call', result)).toEqual([missing('/content')])
    expect(validateResult('2025-06-18', 'tools/call', result, { task: true })).toEqual([missing('/content')])
  })

  test('the stateless era requires what it added', () => {
    expect(validateResult('2026-07-28', 'tools/list', { tools: [] })).toEqual(
      ['cacheScope', 'resultType', 'ttlMs'].map((name) => missing(`/${name}`)),
    )
    expect(validateResult('2026-07-28', 'tools/list', { ...cached, ttlMs: -1, tools: [] })).toMatchObject([
      { path: '/ttlMs', keyword: 'minimum' },
    ])
    expect(validateResult('2026-07-28', 'subscriptions/listen', { resultType: 'complete' })).toEqual([missing('/_meta')])
  })

  test('input is demanded only where the revision lets it be', () => {
    expect(validateResult('2026-07-28', 'tools/list', { resultType: 'input_required', inputRequests: {} })).toMatchObject([
      { path: '/resultType' },
    ])
    const inputRequests = { a: { method: 'elicitation/create', params: { mode: 'url', message: 'm' } } }
    expect(validateResult('2026-07-28', 'prompts/get', { resultType: 'input_required', inputRequests })).toEqual([
      missing('/inputRequests/a/params/url'),
    ])
  })
})

describe('notifications', () => {
  test.each(revisions)('progress in %s', (revision) => {
    const message = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 't', progress: 0.5, total: 1.5 } }
    expect(validateNotification(revision, message)).toEqual([])
    expect(validateNotification(revision, { ...message, params: { progress: '1', progressToken: 1.5 } })).toMatchObject([
      { path: '/params/progress', message: 'must be number, is string' },
      { path: '/params/progressToken', message: 'must be string or integer, is a fraction' },
    ])
  })

  test.each(revisions)('a level that %s does not know', (revision) => {
    const message = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'loud', data: null } }
    expect(validateNotification(revision, message)).toMatchObject([{ path: '/params/level', keyword: 'enum' }])
  })

  test.each(['notifications/vendor', 'constructor', '__proto__', 7])('the method %s has no shape to break', (method) => {
    expect(validateNotification('2025-11-25', { jsonrpc: '2.0', method, params: 1 })).toEqual([])
  })
})

describe('requests of a server', () => {
  test.each(session)('sampling in %s', (revision) => {
    const params = { messages: [{ role: 'user', content: text }], maxTokens: 1, temperature: 0.5 }
    const request = { jsonrpc: '2.0', id: 1, method: 'sampling/createMessage', params }
    expect(validateServerRequest(revision, request)).toEqual([])
    const messages = [{ role: 'user', content: { type: 'text' } }]
    expect(validateServerRequest(revision, { ...request, params: { messages } })).toEqual([
      missing('/params/maxTokens'),
      missing('/params/messages/0/content/text'),
    ])
  })

  test.each(['2025-06-18', '2025-11-25'] as const)('bounds of an elicited number may be fractions in %s', (revision) => {
    const ask = (field: object) => ({
      jsonrpc: '2.0',
      id: 1,
      method: 'elicitation/create',
      params: { message: 'm', requestedSchema: { type: 'object', properties: { field } } },
    })
    expect(validateServerRequest(revision, ask({ type: 'number', minimum: 0.5 }))).toEqual([])
    expect(validateServerRequest(revision, ask({ type: 'number', minimum: '0' }))).toMatchObject([{ message: 'must be number, is string' }])
    expect(validateServerRequest(revision, ask({ type: 'object' }))).toMatchObject([
      { path: '/params/requestedSchema/properties/field/type' },
    ])
  })
})

describe('envelopes', () => {
  test.each(revisions)('%s', (revision) => {
    const fine = [
      { jsonrpc: '2.0', id: 'a', result: {} },
      { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no', data: [1] } },
      { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'unreadable' } },
      { jsonrpc: '2.0', method: 'notifications/vendor', params: {} },
      { jsonrpc: '2.0', id: 1, method: 'ping' },
    ]
    for (const message of fine) expect(validateEnvelope(revision, message)).toEqual([])

    const broken: [unknown, object[]][] = [
      [{ jsonrpc: '1.0', id: 1, result: {} }, [{ path: '/jsonrpc', message: 'must be "2.0", is "1.0"' }]],
      [{ jsonrpc: '2.0', id: null, result: {} }, [{ path: '/id', message: 'must be string or integer, is null' }]],
      [{ jsonrpc: '2.0', id: 1, result: [] }, [{ path: '/result', message: 'must be object, is array' }]],
      [{ jsonrpc: '2.0', id: 1, error: { code: 'E', message: 'no' } }, [{ path: '/error/code', message: 'must be integer, is string' }]],
      [{ jsonrpc: '2.0', id: 1, error: { code: 1 } }, [missing('/error/message')]],
      [{ jsonrpc: '2.0', id: 1, error: { code: 1, message: '' }, result: {} }, [{ message: 'must not have both result and error' }]],
      [{ jsonrpc: '2.0', id: 1.5, method: 'ping' }, [{ path: '/id', message: 'must be string or integer, is a fraction' }]],
      [{ jsonrpc: '2.0', method: 'a', params: [] }, [{ path: '/params', message: 'must be object, is array' }]],
      [{ jsonrpc: '2.0', id: 1 }, [{ message: 'must have a method, a result or an error' }]],
      [null, [{ message: 'must be an object' }]],
    ]
    for (const [message, problems] of broken) expect(validateEnvelope(revision, message), JSON.stringify(message)).toMatchObject(problems)
  })

  test('an error whose data the revision prescribes', () => {
    const error = { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } }
    expect(validateEnvelope('2026-07-28', { jsonrpc: '2.0', id: 1, error })).toEqual([missing('/error/data/requested')])
    expect(validateEnvelope('2025-11-25', { jsonrpc: '2.0', id: 1, error })).toEqual([])
    expect(validateEnvelope('2025-11-25', { jsonrpc: '2.0', id: 1, error: { code: -32042, message: 'no' } })).toEqual([
      missing('/error/data'),
    ])
  })

  test('only 2025-03-26 has batches', () => {
    const batch = [
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 2, error: { code: 1 } },
    ]
    expect(validateEnvelope('2025-03-26', batch)).toEqual([missing('/1/error/message')])
    expect(validateEnvelope('2025-03-26', [])).toHaveLength(1)
    for (const revision of revisions.filter((one) => one !== '2025-03-26'))
      expect(validateEnvelope(revision, batch)).toMatchObject([{ path: '', keyword: 'type' }])
  })
})

describe('parts', () => {
  test('a tool', () => {
    for (const revision of revisions) {
      expect(validateDefinition(revision, 'Tool', { name: 'a', inputSchema: { type: 'object', properties: { x: {} } } })).toEqual([])
      expect(validateDefinition(revision, 'Tool', { name: 'a', inputSchema: {} })).toEqual([missing('/inputSchema/type')])
    }
  })
  test('a resource template with a broken expression', () => {
    for (const uriTemplate of ['a:{', 'a:{}', 'a:}', 'a:{b{c}}', 'a:{b-c}', 'a: {b}']) {
      expect(validateDefinition('2025-11-25', 'ResourceTemplate', { name: 'a', uriTemplate }), uriTemplate).toHaveLength(1)
    }
  })
  test('a resource without a scheme', () => {
    for (const uri of ['', 'a/b', '/a', 'file:///a b', '1a:b'])
      expect(validateDefinition('2025-11-25', 'Resource', { name: 'a', uri }), uri).toHaveLength(1)
  })
  test('one that the revision lacks', () => {
    expect(validateDefinition('2024-11-05', 'ToolAnnotations', 1)).toEqual([])
  })
})

describe('whatever the input', () => {
  test('ten problems at most', () => {
    expect(validateResult('2025-11-25', 'tools/list', { tools: Array(1000).fill({}) })).toHaveLength(10)
    expect(validateResult('2025-11-25', 'tools/list', { tools: Array(100_000).fill({}) })).toHaveLength(1)
    expect(validateEnvelope('2025-03-26', Array(100).fill({ jsonrpc: 1 }))).toHaveLength(10)
  })
  test('deep nesting', () => {
    const deep = JSON.parse(`${'[{"a":'.repeat(20_000)}1${'}]'.repeat(20_000)}`)
    for (const revision of revisions)
      expect(validateResult(revision, 'tools/call', { content: [{ type: 'text', text: deep }], structuredContent: deep })).toBeInstanceOf(
        Array,
      )
    expect(validateEnvelope('2026-07-28', { jsonrpc: '2.0', method: 'a', params: { deep } })).toEqual([])
  })
  test('values that cannot be read', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
        getOwnPropertyDescriptor: () => {
          throw new Error('no')
        },
      },
    )
    for (const value of [undefined, null, 1n, Symbol.iterator, () => 1, hostile]) {
      expect(validateResult('2026-07-28', 'tools/list', value).length, String(typeof value)).toBeGreaterThan(0)
      expect(validateEnvelope('2025-11-25', value).length).toBeGreaterThan(0)
    }
  })
  test('values quoted are cut', () => {
    const [problem] = validateResult('2025-11-25', 'tools/call', { content: [{ type: 'x'.repeat(1e6) }] })
    expect(problem!.message.length).toBeLessThan(200)
  })
})
