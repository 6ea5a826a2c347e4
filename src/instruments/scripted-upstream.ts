import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  eraOf,
  isObject,
  type Revision,
  revisions,
  type ScriptedUpstream,
  type UpstreamBehaviour,
  type UpstreamCall,
} from '../model/index.ts'
import { bodyOf, HttpServer, type Place, pause, reply } from './http-server.ts'
import { agreed, Catalogue, toolNames } from './scripted-upstream/catalogue.ts'
import { answerPlainly, drop, envelope, type Handling, hold, perform, scriptedReply } from './scripted-upstream/perform.ts'
import {
  acceptsStream,
  type CacheHints,
  claimedVersion,
  eraOfMessage,
  failed,
  type Json,
  objectOf,
  type Reply,
  subscriptionKey,
  wrongVersion,
} from './scripted-upstream/protocol.ts'
import { Calls, observe } from './scripted-upstream/record.ts'
import { type Script, Scripts } from './scripted-upstream/scripts.ts'
import { Sessions, sessionOf } from './scripted-upstream/sessions.ts'
import { honoured, openStream, Standings, sendEvent } from './scripted-upstream/streams.ts'
import { Tokens } from './scripted-upstream/tokens.ts'

export { fingerprint } from './scripted-upstream/record.ts'

export interface ScriptedUpstreamOptions {
  /** The revisions it speaks; all if left out. */
  revisions?: readonly Revision[]
  /** Answers 401 to a request without a bearer token. Any token is good. */
  requireToken?: boolean
  /** Cache hints of the stateless era; immediately stale and private if left out. */
  cache?: CacheHints
  place?: Place
}

export interface StartedScriptedUpstream extends ScriptedUpstream, AsyncDisposable {
  /** Forgets the traffic seen so far. */
  clear(): Promise<void>
  close(): Promise<void>
}

type Condition = Parameters<ScriptedUpstream['condition']>[0]

const reopenings = 20

/**
 * Starts an MCP server at `/mcp`. It is lenient with its callers, for what they send is to be
 * recorded and judged, not refused; `authorization` is recorded as `Bearer sha256:…`.
 */
export async function startScriptedUpstream(options: ScriptedUpstreamOptions = {}): Promise<StartedScriptedUpstream> {
  const upstream = new Upstream(options)
  await upstream.open()
  return upstream
}

class Upstream implements StartedScriptedUpstream {
  readonly toolNames = toolNames
  readonly #options: ScriptedUpstreamOptions
  readonly #served: readonly Revision[]
  readonly #cache: CacheHints
  readonly #server: HttpServer
  readonly #catalogue = new Catalogue()
  readonly #scripts = new Scripts()
  readonly #traffic = new Calls()
  readonly #sessions = new Sessions()
  readonly #standings = new Standings()
  readonly #tokens = new Tokens()
  readonly #held = new Set<Handling>()
  readonly #inFlight = new Map<Handling, AbortController>()
  #condition: Condition = 'up'

  constructor(options: ScriptedUpstreamOptions) {
    this.#options = options
    this.#server = new HttpServer((request, response) => void this.#guarded(request, response), options.place)
    this.#served = options.revisions ?? revisions
    this.#cache = options.cache ?? { ttlMs: 0, cacheScope: 'private' }
  }

  get url(): string {
    return `${this.#server.origin}/mcp`
  }

  open(): Promise<void> {
    return this.#server.open()
  }

  async script(behaviour: UpstreamBehaviour): Promise<string> {
    return this.#scripts.register(behaviour)
  }

  async calls(script: string): Promise<UpstreamCall[]> {
    return this.#scripts.get(script)?.calls.list() ?? []
  }

  async traffic(): Promise<UpstreamCall[]> {
    return this.#traffic.list()
  }

  async clear(): Promise<void> {
    this.#traffic.clear()
  }

  async setTools(tools: Json[] | null, { quietly = false }: { quietly?: boolean } = {}): Promise<void> {
    this.#catalogue.setTools(tools)
    if (!quietly) await this.notify('notifications/tools/list_changed')
  }

  async setResources(resources: Json[] | null): Promise<void> {
    this.#catalogue.setResources(resources)
    await this.notify('notifications/resources/list_changed')
  }

  async notify(method: string, params?: Json): Promise<void> {
    this.#standings.notify(method, params)
  }

  async condition(state: Condition): Promise<void> {
    const before = this.#condition
    this.#condition = state
    if (before === 'hang' && state !== 'hang') for (const handling of this.#held) drop(handling)
    if (state === 'ended-tokens') this.#tokens.end()
    if (state === 'lost-sessions') {
      this.#sessions.lose()
      this.#standings.end()
    }
    if (state === 'down') await this.#shut()
    else await this.#reopen()
  }

  async close(): Promise<void> {
    await this.#shut()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shut(): Promise<void> {
    for (const handling of this.#inFlight.keys()) drop(handling)
    await this.#server.shut()
  }

  /** The port was free a moment ago; another process may hold it for as long as an outgoing connection lasts. */
  async #reopen(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#server.open()
      } catch (error) {
        if (attempt === reopenings) throw new Error(`the scripted upstream cannot listen again at ${this.url}`, { cause: error })
        await pause(100)
      }
    }
  }

  async #guarded(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response)
    } catch (error) {
      // A caller that goes away while its body is read ends here too; then there is nobody left to tell.
      if (response.headersSent) response.destroy()
      else reply(response, 500, `The scripted upstream failed: ${String(error)}`, { 'content-type': 'text/plain' })
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (new URL(request.url ?? '/', 'http://127.0.0.1').pathname !== '/mcp') return this.#elsewhere(request, response)
    if (request.method === 'POST') return this.#post(request, response)
    const handling = this.#begin(request, response, {})
    if (this.#unauthorized(request, response) || (await this.#disturbed(handling))) return
    if (request.method === 'GET') return this.#listenToSession(request, response)
    if (request.method === 'DELETE') return this.#endSession(request, response)
    reply(response, 405, undefined, { allow: 'GET, POST, DELETE' })
  }

  #elsewhere(request: IncomingMessage, response: ServerResponse): void {
    this.#traffic.add({ ...observe(request), path: request.url })
    reply(response, 404)
  }

  async #post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const parsed = body === undefined ? undefined : parse(body)
    if (Array.isArray(parsed)) return this.#batch(request, response, parsed)
    const message = objectOf(parsed)
    const handling = this.#begin(request, response, message)
    const script = this.#scriptOf(message)
    script?.calls.add(handling.call)
    if (this.#unauthorized(request, response)) return
    if (!script && (await this.#disturbed(handling))) return
    if (body === undefined) return reply(response, 413)
    if (parsed === undefined) return refuse(response, failed(-32700, 'The body is not JSON'))
    if (!isObject(parsed)) return refuse(response, failed(-32600, 'The body is not a JSON-RPC message'))
    await this.#message(request, handling, script)
  }

  async #message(request: IncomingMessage, handling: Handling, script: Script | undefined): Promise<void> {
    const { message, response, era } = handling
    const version = claimedVersion(request, message)
    const wrong = wrongVersion(this.#served, era, version, message)
    if (wrong) return refuse(response, wrong, message.id)
    if (era === 'session' && message.method !== 'initialize' && this.#sessions.lacks(request))
      return refuse(response, unknownSession, message.id, 404)
    if (!('id' in message) || typeof message.method !== 'string') return this.#oneWay(handling)
    if (message.method === 'subscriptions/listen' && era === 'stateless') return this.#subscribe(handling)
    if (script) return perform(handling, script.behaviour, ++script.attempts)

    const question = { method: message.method, params: objectOf(message.params), served: this.#served }
    const answer = this.#catalogue.answer({
      ...question,
      revision: era === 'stateless' ? '2026-07-28' : this.#sessions.revisionOf(request, version),
    })
    const headers =
      message.method === 'initialize'
        ? { 'mcp-session-id': this.#sessions.begin(agreed(question.params.protocolVersion, this.#served)) }
        : undefined
    answerPlainly(handling, answer, headers)
  }

  /** Notifications and responses of the caller. */
  #oneWay({ message, response }: Handling): void {
    if (message.method === 'notifications/cancelled') this.#cancel(objectOf(message.params).requestId, response)
    reply(response, 202)
  }

  #cancel(id: unknown, by: ServerResponse): void {
    for (const [{ message, call, response }, controller] of this.#inFlight) {
      if (message.id !== id || sessionOf(response.req) !== sessionOf(by.req) || call.completed) continue
      call.cancelled = 'notification'
      controller.abort()
    }
  }

  #begin(request: IncomingMessage, response: ServerResponse, message: Json): Handling {
    const call = observe(request, message)
    this.#traffic.add(call)
    this.#tokens.see(call)
    const controller = new AbortController()
    const era = eraOfMessage(message, claimedVersion(request, message))
    const { signal } = controller
    const handling: Handling = { call, message, era, response, signal, streams: acceptsStream(request), cache: this.#cache }
    this.#inFlight.set(handling, controller)
    response.once('close', () => {
      this.#inFlight.delete(handling)
      if (!response.writableFinished && !handling.dropped) call.cancelled ??= 'disconnect'
      controller.abort()
    })
    return handling
  }

  #scriptOf(message: Json): Script | undefined {
    const params = objectOf(message.params)
    if (message.method !== 'tools/call' || !this.#catalogue.has(params.name)) return undefined
    return this.#scripts.get(String(objectOf(params.arguments).script))
  }

  #unauthorized(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.#options.requireToken || /^Bearer\s+\S/i.test(request.headers.authorization ?? '')) return false
    reply(response, 401, undefined, { 'www-authenticate': 'Bearer' })
    return true
  }

  /** True when the condition of the upstream has answered, or kept back the answer. */
  async #disturbed(handling: Handling): Promise<boolean> {
    if (this.#condition === 'unavailable') reply(handling.response, 503)
    else if (this.#condition === 'garbage') reply(handling.response, 200, '\u0000\u0001{]garbage')
    else if (this.#condition === 'hang') await this.#hold(handling)
    else if (this.#condition === 'ended-tokens' && this.#tokens.hasEnded(handling.call)) await this.#refuseToken(handling)
    else return false
    return true
  }

  async #refuseToken({ response, signal }: Handling): Promise<void> {
    if (await pause(this.#tokens.held(), signal)) reply(response, 401, undefined, { 'www-authenticate': 'Bearer error="invalid_token"' })
  }

  async #hold(handling: Handling): Promise<void> {
    this.#held.add(handling)
    await hold(handling)
    this.#held.delete(handling)
  }

  #listenToSession(request: IncomingMessage, response: ServerResponse) {
    if (!this.#served.some((revision) => eraOf(revision) === 'session')) return reply(response, 405, undefined, { allow: 'POST' })
    if (this.#sessions.lacks(request)) return refuse(response, unknownSession, null, 404)
    openStream(response)
    this.#standings.add({ response, session: sessionOf(request) })
  }

  #endSession(request: IncomingMessage, response: ServerResponse) {
    const session = sessionOf(request)
    if (session === undefined) return refuse(response, failed(-32600, 'Mcp-Session-Id is missing'))
    if (!this.#sessions.end(session)) return refuse(response, unknownSession, null, 404)
    this.#standings.end(session)
    reply(response, 204)
  }

  #subscribe({ message, response }: Handling): void {
    const filter = honoured(objectOf(objectOf(message.params).notifications))
    openStream(response)
    const params = { _meta: { [subscriptionKey]: message.id }, notifications: filter }
    sendEvent(response, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params })
    this.#standings.add({ response, subscription: { id: message.id, filter } })
  }

  /** Batches belong to the two oldest revisions; scripts are honoured in them, damage is not. */
  async #batch(request: IncomingMessage, response: ServerResponse, messages: unknown[]): Promise<void> {
    const handlings = messages.filter(isObject).map((message) => this.#begin(request, response, message))
    const scripts = handlings.map(({ message }) => this.#scriptOf(message))
    scripts.forEach((script, index) => void script?.calls.add(handlings[index]!.call))
    if (this.#unauthorized(request, response)) return
    if (handlings.length > 0 && scripts.includes(undefined) && (await this.#disturbed(handlings[0]!))) return
    if (handlings.length === 0 || handlings.length > 100) return refuse(response, failed(-32600, 'A batch has 1 to 100 messages'))
    if (this.#sessions.lacks(request)) return refuse(response, unknownSession, null, 404)
    const revision = this.#sessions.revisionOf(request, claimedVersion(request, {}))
    if (revision > '2025-03-26') return refuse(response, failed(-32600, `Revision ${revision} has no batches`))
    const answers = await Promise.all(handlings.map((handling, index) => this.#batched(handling, revision, scripts[index])))
    const replies = answers.filter((answer) => answer !== undefined)
    if (replies.length === 0) return reply(response, 202)
    reply(response, 200, replies)
  }

  async #batched(handling: Handling, revision: Revision, script: Script | undefined): Promise<Json | undefined> {
    const { message, call, response, signal } = handling
    if (message.method === 'notifications/cancelled') this.#cancel(objectOf(message.params).requestId, response)
    if (!('id' in message) || typeof message.method !== 'string') return undefined
    const params = objectOf(message.params)
    if (script) {
      script.attempts++
      if (!(await pause(script.behaviour.delay ?? 0, signal))) return undefined
    }
    call.completed = true
    const question = { method: message.method, params, served: this.#served, revision }
    return envelope(handling, script ? scriptedReply(script.behaviour, params) : this.#catalogue.answer(question))
  }
}

const unknownSession = failed(-32600, 'Unknown session')

const refuse = (response: ServerResponse, answer: Reply, id: unknown = null, status = 400): void =>
  reply(response, status, { jsonrpc: '2.0', id, ...answer })

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
