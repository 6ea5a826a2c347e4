import type { ServerResponse } from 'node:http'
import { type Json, objectOf, subscriptionKey } from './protocol.ts'

const mostStreams = 10_000

export const openStream = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
  response.flushHeaders()
}

export const sendEvent = (response: ServerResponse, message: unknown): void => {
  if (!response.writableEnded && !response.destroyed) response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
}

interface Standing {
  response: ServerResponse
  /** The session of a GET stream, if it named one. */
  session?: string
  /** Set on the stream of a `subscriptions/listen` request. */
  subscription?: { id: unknown; filter: Json }
}

const filterMembers: Record<string, string> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
}

/** The filter members this upstream honours; the acknowledgement says so. */
export function honoured(filter: Json): Json {
  const members = [...Object.values(filterMembers), 'resourceSubscriptions']
  return Object.fromEntries(Object.entries(filter).filter(([name]) => members.includes(name)))
}

function asksFor(filter: Json, method: string, params: Json): boolean {
  if (method === 'notifications/resources/updated') {
    const uris = filter.resourceSubscriptions
    return Array.isArray(uris) && uris.includes(params.uri)
  }
  return filter[filterMembers[method] ?? ''] === true
}

/** The streams on which the upstream speaks by itself. */
export class Standings {
  #open: Standing[] = []

  add(standing: Standing): void {
    this.#open.push(standing)
    if (this.#open.length > mostStreams) this.#open.shift()?.response.end()
    standing.response.once('close', () => {
      this.#open = this.#open.filter((one) => one !== standing)
    })
  }

  /** Once to each session, on its newest stream, and to each subscription that asks for it. */
  notify(method: string, params?: Json): void {
    const served = new Set<string>()
    for (const { response, session, subscription } of this.#open.toReversed()) {
      if (subscription) {
        if (!asksFor(subscription.filter, method, objectOf(params))) continue
        const _meta = { ...objectOf(params?._meta), [subscriptionKey]: subscription.id }
        sendEvent(response, { jsonrpc: '2.0', method, params: { ...params, _meta } })
      } else if (session === undefined || !served.has(session)) {
        if (session !== undefined) served.add(session)
        sendEvent(response, { jsonrpc: '2.0', method, ...(params ? { params } : {}) })
      }
    }
  }

  end(session?: string): void {
    for (const one of this.#open) if (session === undefined ? one.session !== undefined : one.session === session) one.response.end()
  }
}
