import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UpstreamBehaviour } from '../model/index.ts'
import { fingerprint, type StartedScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts'

let upstream: StartedScriptedUpstream

beforeEach(async () => {
  upstream = await startScriptedUpstream()
})

afterEach(() => upstream.close())

type Headers = Record<string, string>

const both = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

const post = (body: unknown, headers: Headers = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(upstream.url, {
    method: 'POST',
    headers: { ...both, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal,
  })

const rpc = async (method: string, params: object = {}, headers: Headers = {}): Promise<any> =>
  (await post({ jsonrpc: '2.0', id: 7, method, params }, headers)).json()

const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }

const modern = (method: string, params: object = {}): Promise<any> =>
  rpc(method, { ...params, _meta }, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method })

const callOf = (script: string, text = 'hello', meta?: object) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'scripted', arguments: { script, text }, ...(meta ? { _meta: meta } : {}) },
})

const perform = async (behaviour: UpstreamBehaviour, headers?: Headers, signal?: AbortSignal) => {
  const script = await upstream.script(behaviour)
  return { script, response: await post(callOf(script, 'hello', { progressToken: 'p' }), headers, signal) }
}

const textOf = (answer: any): string => answer.result.content[0].text

const eventsOf = (text: string): any[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)))

const initialize = async (version = '2025-11-25') => {
  const response = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: version, capabilities: {} } })
  const answer = (await response.json()) as any
  return { session: response.headers.get('mcp-session-id')!, answer }
}

/** Reads an event stream until so many messages are there. */
async function messages(response: Response, count: number): Promise<any[]> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (eventsOf(text).length < count) {
    const { value, done } = await reader.read()
    if (done) break
    text += value
  }
  await reader.cancel()
  return eventsOf(text)
}

async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const value = await read()
    if (holds(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it does not come to hold within a second')
}

describe('the session era', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('opens a session at %s', async (version) => {
    const { session, answer } = await initialize(version)
    expect(session).toBeTruthy()
    expect(answer.result).toMatchObject({ protocolVersion: version, serverInfo: { name: 'scripted-upstream' } })
    expect(answer.result.capabilities.tools).toEqual({ listChanged: true })
  })

  test('offers its newest session revision for an unknown one', async () => {
    expect((await initialize('1900-01-01')).answer.result.protocolVersion).toBe('2025-11-25')
  })

  test('lists and reads what it has', async () => {
    expect((await rpc('tools/list')).result.tools.map(({ name }: any) => name)).toEqual(['scripted', 'scripted_read'])
    expect((await rpc('resources/list')).result.resources[0].uri).toBe('scripted://note')
    expect((await rpc('resources/templates/list')).result.resourceTemplates).toHaveLength(1)
    expect((await rpc('resources/read', { uri: 'scripted://note' })).result.contents).toHaveLength(1)
    expect((await rpc('resources/read', { uri: 'scripted://other' })).error.code).toBe(-32002)
    expect((await rpc('prompts/list')).result.prompts[0].name).toBe('scripted_prompt')
    expect((await rpc('prompts/get', { name: 'scripted_prompt' })).result.messages).toHaveLength(1)
    const ref = { type: 'ref/prompt', name: 'scripted_prompt' }
    const completed = await rpc('completion/complete', { ref, argument: { name: 'topic', value: 'alp' } })
    expect(completed.result.completion.values).toEqual(['alpha', 'alphabet'])
    expect((await rpc('logging/setLevel', { level: 'info' })).result).toEqual({})
    expect((await rpc('ping')).result).toEqual({})
    expect((await rpc('server/sideways')).error.code).toBe(-32601)
    expect((await rpc('tools/list', { cursor: 'x' })).error.code).toBe(-32602)
  })

  test('ends a session', async () => {
    const { session } = await initialize()
    const headers = { 'mcp-session-id': session }
    expect((await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers)).status).toBe(202)
    expect((await fetch(upstream.url, { method: 'DELETE', headers })).status).toBe(204)
    expect((await post({ jsonrpc: '2.0', id: 2, method: 'ping' }, headers)).status).toBe(404)
  })

  test('answers a batch at a revision that has them', async () => {
    const script = await upstream.script({ text: 'from the batch' })
    const batch = [callOf(script), { jsonrpc: '2.0', id: 8, method: 'ping' }, { jsonrpc: '2.0', method: 'notifications/initialized' }]
    const answers = (await (await post(batch)).json()) as any[]
    expect(answers.map(({ id }) => id)).toEqual([7, 8])
    expect(await upstream.calls(script)).toHaveLength(1)
    expect((await post(batch, { 'mcp-protocol-version': '2025-11-25' })).status).toBe(400)
  })

  test('refuses what is no message', async () => {
    expect((await post('{')).status).toBe(400)
    expect((await post('3')).status).toBe(400)
    expect((await post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-protocol-version': '1900-01-01' })).status).toBe(400)
    expect((await fetch(upstream.url, { method: 'PUT' })).status).toBe(405)
    expect((await fetch(new URL('/elsewhere', upstream.url))).status).toBe(404)
  })
})

describe('the stateless era', () => {
  test('is discovered', async () => {
    const { result } = await modern('server/discover')
    expect(result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
    expect(result.supportedVersions).toContain('2026-07-28')
    expect(result._meta['io.modelcontextprotocol/serverInfo'].name).toBe('scripted-upstream')
  })

  test('dresses results, and answers 404 to an unknown method', async () => {
    const script = await upstream.script({ result: { content: [], structuredContent: 3 } })
    const { result } = await modern('tools/call', { name: 'scripted', arguments: { script } })
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: 3 })
    expect(result).not.toHaveProperty('ttlMs')
    expect((await post({ jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta } })).status).toBe(404)
    expect((await modern('resources/read', { uri: 'scripted://other' })).error.code).toBe(-32602)
  })

  test('names its versions to a caller of another', async () => {
    const params = { _meta: { ..._meta, 'io.modelcontextprotocol/protocolVersion': '1900-01-01' } }
    const response = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list', params })
    expect(response.status).toBe(400)
    expect(((await response.json()) as any).error).toMatchObject({ code: -32022, data: { requested: '1900-01-01' } })
  })

  test('sends a subscription what it asks for', async () => {
    const params = { _meta, notifications: { toolsListChanged: true } }
    const response = await post({ jsonrpc: '2.0', id: 'sub', method: 'subscriptions/listen', params })
    await upstream.notify('notifications/prompts/list_changed')
    await upstream.setTools([])
    const [first, second] = await messages(response, 2)
    expect(first).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true } },
    })
    expect(second.method).toBe('notifications/tools/list_changed')
    expect(second.params._meta['io.modelcontextprotocol/subscriptionId']).toBe('sub')
  })
})

describe('options', () => {
  test('one era only', async () => {
    await using old = await startScriptedUpstream({ revisions: ['2025-06-18'] })
    await using young = await startScriptedUpstream({ revisions: ['2026-07-28'] })
    const ask = (url: string, method: string, params: object) =>
      fetch(url, { method: 'POST', headers: both, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
    const discovery = await ask(old.url, 'server/discover', { _meta })
    expect(discovery.status).toBe(400)
    expect(((await discovery.json()) as any).error.code).toBe(-32600)
    const opening = await ask(young.url, 'initialize', { protocolVersion: '2025-11-25' })
    expect(((await opening.json()) as any).error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } })
    expect((await fetch(young.url)).status).toBe(405)
  })

  test('a required token', async () => {
    await using guarded = await startScriptedUpstream({ requireToken: true })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    expect((await fetch(guarded.url, { method: 'POST', headers: both, body })).status).toBe(401)
    expect((await fetch(guarded.url, { method: 'POST', headers: { ...both, authorization: 'Bearer x' }, body })).status).toBe(200)
  })
})

describe('behaviours', () => {
  test('an unknown script echoes', async () => {
    expect(textOf(await (await post(callOf('nobody knows', 'echo'))).json())).toBe('echo')
  })

  test('delay and text', async () => {
    const began = performance.now()
    const { response } = await perform({ delay: 60, text: 'late' })
    expect(textOf(await response.json())).toBe('late')
    expect(performance.now() - began).toBeGreaterThanOrEqual(55)
  })

  test('error', async () => {
    const { response } = await perform({ error: { code: -32000, message: 'no', data: 1 } })
    expect(((await response.json()) as any).error).toEqual({ code: -32000, message: 'no', data: 1 })
  })

  test('size', async () => {
    const { response } = await perform({ size: 100_000 })
    expect(textOf(await response.json())).toMatch(/^hellox{99995}$/)
  })

  test('notifications and progress before the answer', async () => {
    const { response } = await perform({
      progress: [1, 2],
      delay: 30,
      notifications: [{ method: 'notifications/message', params: { data: 1 } }],
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = eventsOf(await response.text())
    expect(events.map((event) => event.method ?? textOf(event))).toEqual([
      'notifications/message',
      'notifications/progress',
      'notifications/progress',
      'hello',
    ])
    expect(events[1].params).toEqual({ progressToken: 'p', progress: 1 })
  })

  test('no stream for a caller that takes none', async () => {
    const { response } = await perform({ progress: [1] }, { accept: 'application/json' })
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  test('a status once, then success', async () => {
    const { script, response } = await perform({ status: 503, times: 1 })
    expect(response.status).toBe(503)
    expect((await post(callOf(script))).status).toBe(200)
    expect((await upstream.calls(script)).map(({ completed }) => completed)).toEqual([undefined, true])
  })

  test('a wrong id', async () => {
    const { response } = await perform({ damage: 'wrong-id' })
    expect(((await response.json()) as any).id).not.toBe(7)
  })

  test('invalid JSON', async () => {
    const { response } = await perform({ damage: 'invalid-json' })
    await expect(response.json()).rejects.toThrow()
  })

  test('a duplicate answer', async () => {
    const { response } = await perform({ damage: 'duplicate-answer' })
    expect(eventsOf(await response.text()).map(({ id }) => id)).toEqual([7, 7])
  })

  test('an HTML page', async () => {
    const { response } = await perform({ damage: 'html' })
    expect(response.headers.get('content-type')).toBe('text/html')
  })

  test.each([
    ['reset', undefined],
    ['reset-after-handling', true],
  ] as const)('%s', async (damage, completed) => {
    const script = await upstream.script({ damage, times: 1 })
    await expect(post(callOf(script))).rejects.toThrow()
    const [call] = await upstream.calls(script)
    expect(call).not.toHaveProperty('cancelled')
    expect(call!.completed).toBe(completed)
    expect((await post(callOf(script))).status).toBe(200)
  })

  test('no answer, until the caller drops the connection', async () => {
    const script = await upstream.script({ damage: 'no-answer' })
    await expect(post(callOf(script), {}, AbortSignal.timeout(50))).rejects.toThrow()
    const [call] = await eventually(
      () => upstream.calls(script),
      ([one]) => one?.cancelled !== undefined,
    )
    expect(call).toMatchObject({ cancelled: 'disconnect' })
    expect(call).not.toHaveProperty('completed')
  })

  test('cancellation by notification', async () => {
    const { session } = await initialize()
    const headers = { 'mcp-session-id': session }
    const script = await upstream.script({ delay: 5000 })
    const pending = post(callOf(script), headers)
    await eventually(
      () => upstream.calls(script),
      (calls) => calls.length === 1,
    )
    await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } })
    expect((await upstream.calls(script))[0]).not.toHaveProperty('cancelled')
    await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }, headers)
    expect(await (await pending).text()).toBe('')
    expect((await upstream.calls(script))[0]).toMatchObject({ cancelled: 'notification' })
  })
})

describe('conditions', () => {
  test('down refuses connections, up takes them on the same port', async () => {
    const { url } = upstream
    await upstream.condition('down')
    await expect(rpc('ping')).rejects.toThrow()
    await upstream.condition('up')
    expect(upstream.url).toBe(url)
    expect((await rpc('ping')).result).toEqual({})
  })

  test('hang never answers, except scripted calls', async () => {
    await upstream.condition('hang')
    const pending = rpc('ping')
    expect((await perform({ text: 'awake' })).response.status).toBe(200)
    await upstream.condition('up')
    await expect(pending).rejects.toThrow()
    expect((await upstream.traffic())[0]).not.toHaveProperty('cancelled')
  })

  test('garbage', async () => {
    await upstream.condition('garbage')
    await expect(rpc('ping')).rejects.toThrow()
  })

  test('unavailable', async () => {
    await upstream.condition('unavailable')
    expect((await post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(503)
  })

  test('lost sessions, and new ones', async () => {
    const { session } = await initialize()
    await upstream.condition('lost-sessions')
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    expect((await post(ping, { 'mcp-session-id': session })).status).toBe(404)
    expect((await post(ping, { 'mcp-session-id': (await initialize()).session })).status).toBe(200)
  })
})

describe('the catalogue and the streams', () => {
  test('new tools are announced once to each session', async () => {
    const { session } = await initialize()
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session }
    const older = await fetch(upstream.url, { headers })
    const newer = await fetch(upstream.url, { headers })
    await upstream.setTools([{ name: 'other', inputSchema: { type: 'object' } }], { quietly: true })
    expect((await rpc('tools/list')).result.tools).toHaveLength(1)
    expect((await rpc('tools/call', { name: 'scripted', arguments: {} })).error.code).toBe(-32602)
    await upstream.setTools(null)
    await upstream.notify('notifications/message', { level: 'info', data: 1 })
    const seen = (await messages(newer, 2)).map(({ method }) => method)
    expect(seen).toEqual(['notifications/tools/list_changed', 'notifications/message'])
    await fetch(upstream.url, { method: 'DELETE', headers })
    expect(await older.text()).toBe('')
  })
})

describe('the record', () => {
  test('keeps no secret', async () => {
    const token = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln'
    await rpc('ping', { note: `my ${token}` }, { authorization: `Bearer ${token}`, 'x-forwarded-token': token, cookie: 'a=b' })
    const [call] = await upstream.traffic()
    expect(JSON.stringify(call)).not.toContain('eyJ')
    expect(call!.headers).toMatchObject({
      authorization: `Bearer ${fingerprint(token)}`,
      'x-forwarded-token': fingerprint(token),
      cookie: fingerprint('a=b'),
    })
    expect(call).toMatchObject({ verb: 'POST', method: 'ping', id: 7 })
  })

  test('is bounded, and cleared', async () => {
    await rpc('ping', { long: 'x'.repeat(100_000) })
    const [call] = await upstream.traffic()
    expect((call!.params!.long as string).length).toBeLessThan(5000)
    await upstream.clear()
    expect(await upstream.traffic()).toEqual([])
  })
})

test('tokens that have ended are refused, all at the end of the first second, and others are good', async () => {
  const list = (token: string) =>
    post(
      { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } },
      { authorization: `Bearer ${token}`, 'mcp-protocol-version': '2026-07-28' },
    )
  expect((await list('one')).status).toBe(200)
  await upstream.condition('ended-tokens')
  const [first, second] = await Promise.all([list('one'), list('one')])
  expect([first.status, second.status]).toEqual([401, 401])
  expect(first.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  expect((await list('two')).status).toBe(200)
  await upstream.condition('up')
  expect((await list('one')).status).toBe(200)
})
