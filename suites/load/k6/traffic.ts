/**
 * What every virtual user of k6 runs. It judges nothing: a line a request goes to the console, and Assay reads the lines.
 *
 * k6's own metrics would each be kept for the whole run, tagged and summed up; they cost more than the request, and can neither be
 * joined over machines nor attributed to the second in which a request was sent.
 *
 * Each user runs all of this file and keeps what it makes: what is needed once is made once, and the parts of the language that bring
 * much with them (maps, entries, iterators) stay out of the way of every request.
 */
import exec from 'k6/execution'
import http, { type RefinedResponse } from 'k6/http'
import { good, type LoadScript, type ScriptFlow, type ScriptRequest } from '../../../src/model/load.ts'

declare const __ENV: Record<string, string>
declare const __VU: number
declare function open(path: string): string

type Answer = RefinedResponse<'text'>
type Message = { id?: unknown; method?: string; result?: Record<string, unknown> | null; error?: { code?: unknown } | null }

/** The client that one virtual user is, in one flow. */
interface Client {
  next: number
  /** Number of the virtual user. */
  user: number
  /** When the flow began. */
  starts: number
  session?: string
}

/** A request, and what this user has learnt of it. */
interface Request extends ScriptRequest {
  /** What is sent with it, as long as the session lasts: making it anew costs as much as the request. */
  params?: Params
  alike?: Alike
}

/** A good answer as it was, around what is different in each. */
interface Alike {
  start: string
  between: string
  end: string
  idFirst: boolean
}

interface UserFlow extends ScriptFlow {
  opening: Request
  requests: Request[]
}

interface Params {
  headers: Record<string, string>
  timeout: number
  responseType: 'text'
  tags?: { method: string }
}

const script: LoadScript = JSON.parse(open(__ENV.ASSAY_SCRIPT!))
const flows: Record<string, UserFlow> = {}
for (const flow of script.flows) flows[flow.name] = withSecrets(flow as UserFlow)
const clients: Record<string, Client> = {}
let scenario: typeof exec.scenario | undefined

const timeoutCode = 1050

/** k6's own metrics are told apart only where somebody looks at them. */
const tagged = Boolean(__ENV.ASSAY_TAGS || __ENV.K6_OUT || __ENV.K6_WEB_DASHBOARD)

/** Lines that a virtual user has not written yet, and when it had the last one. */
let held = ''
let last = 0
/** A user that goes on at once holds lines back, up to so many characters: to write them one by one costs a sixth of its time. */
const [atOnce, most] = [100, 2_000]

// Users are not asked for them.
export const options = __VU === 0 ? optionsOf(script) : {}

function optionsOf({ flows, timeout }: LoadScript): object {
  return {
    scenarios: Object.fromEntries(
      flows.map(({ name, arrivals, rate, starts, lasts, users }) => [
        name,
        {
          executor: 'constant-arrival-rate',
          exec: arrivals,
          env: { ASSAY_FLOW: name },
          ...arrivalsOf(rate),
          startTime: `${starts}ms`,
          duration: `${lasts}ms`,
          preAllocatedVUs: users,
          maxVUs: users,
          gracefulStop: `${timeout}ms`,
        },
      ]),
    ),
    noVUConnectionReuse: false,
    noConnectionReuse: flows.some(({ unkept }) => unkept),
    systemTags: tagged ? ['scenario', 'status', 'error_code'] : [],
    summaryTrendStats: ['count'],
    userAgent: 'assay',
  }
}

/** k6 takes whole numbers of iterations. */
function arrivalsOf(rate: number): { rate: number; timeUnit: string } {
  return Number.isInteger(rate) ? { rate, timeUnit: '1s' } : { rate: Math.round(rate * 60), timeUnit: '1m' }
}

function withSecrets(flow: UserFlow): UserFlow {
  if (flow.headersFrom === undefined) return flow
  const given = Object.entries(flow.headersFrom).map(([header, variable]) => {
    const value = __ENV[variable]
    if (!value) throw new Error(`${variable} is not set, and holds the header ${header}`)
    return [header, value]
  })
  return { ...flow, headers: { ...flow.headers, ...Object.fromEntries(given) } }
}

/** One request, in a session that the client keeps. */
export function calls(): void {
  const { flow, client, arrival } = here()
  const wentOn = Date.now() - last < atOnce
  if (settled(flow, client, arrival)) ask(flow, client, flow.requests[flow.order[arrival % flow.order.length]!]!, arrival)
  // Users take turns: whoever is busy now comes again before all of them have had theirs, unless the flow ends first.
  const comesAgain = last - client.starts + (flow.users / flow.rate) * 1_000 < flow.lasts
  if (!wentOn || !comesAgain || held.length > most) writeHeld()
}

/** The whole life of a client. */
export function visits(): void {
  const { flow, client: first, arrival } = here()
  const client: Client = { ...first, next: 1, session: undefined }
  forget(flow)
  if (flow.era === 'stateless') ask(flow, client, flow.opening, arrival)
  if (settled(flow, client, arrival)) {
    for (const request of flow.requests) ask(flow, client, request, arrival)
    if (client.session !== undefined) end(flow, client, arrival)
  }
  writeHeld()
}

function here(): { flow: UserFlow; client: Client; arrival: number } {
  const name = __ENV.ASSAY_FLOW!
  const flow = flows[name]!
  // To ask k6 for its object costs more than to ask the object.
  scenario ??= exec.scenario
  let client = clients[name]
  if (client === undefined) {
    const { idInTest } = exec.vu
    // Clients that share a session must not share ids.
    const session = flow.sessions[idInTest % flow.sessions.length]
    client = { next: idInTest * 1_000_000, user: idInTest, starts: scenario.startTime, session }
    clients[name] = client
  }
  return { flow, client, arrival: scenario.iterationInTest }
}

/** Whether the client has a session, where there are any; opens one for a client that has none. */
function settled(flow: UserFlow, client: Client, arrival: number): boolean {
  if (flow.era === 'stateless' || client.session !== undefined) return true
  const answer = ask(flow, client, flow.opening, arrival)
  // Asked under the id before the next one.
  if (answer.status !== 200 || !messageOf(answer.body, client.next - 1)?.result) return false
  // A target may keep no sessions; the client is let in all the same.
  forget(flow)
  client.session = answer.headers['Mcp-Session-Id'] ?? ''
  // At once: whoever is interrupted must know which sessions to end.
  if (client.session !== '') console.log(`session\t${flow.name}\t${client.session}`)
  post(flow, client, flow.opening, '{"jsonrpc":"2.0","method":"notifications/initialized"}', 'notifications/initialized')
  return true
}

/** What was sent in another session. */
function forget(flow: UserFlow): void {
  flow.opening.params = undefined
  for (let at = 0; at < flow.requests.length; at += 1) flow.requests[at]!.params = undefined
}

function ask(flow: UserFlow, client: Client, request: Request, arrival: number): Answer {
  const id = client.next
  client.next += 1
  const { text } = request
  const tail = text[2]
  const own = tail === undefined ? '' : `assay-${client.user}-${arrival}-${id}`
  const sent = Date.now()
  const answer = post(flow, client, request, tail === undefined ? text[0] + id + text[1] : text[0] + id + text[1] + own + tail)
  const { status } = answer
  write(flow, request.as, arrival, sent - client.starts, answer, status === 200 ? judged(answer.body, request, id, own) : failureOf(answer))
  if (status === 404 && client.session) {
    client.session = undefined
    forget(flow)
  }
  return answer
}

/** Characters of an answer that is kept. */
const longest = 2_000

/**
 * How a request ended that was answered. An answer that differs from a good one in nothing but its id and text is good, and is not
 * parsed, which costs a tenth of a request.
 */
function judged(body: string, request: Request, id: number, own: string): string {
  const known = request.alike
  if (known !== undefined && body === known.start + (known.idFirst ? id + known.between + own : own + known.between + id) + known.end)
    return good
  const ended = endOf(messageOf(body, id), id, body, own)
  if (ended === good && body.length < longest) request.alike = alikeOf(body, String(id), own)
  return ended
}

/** Nothing where the id or the text do not stand in it once each. */
function alikeOf(body: string, id: string, own: string): Alike | undefined {
  const [before, after = '', ...more] = own === '' ? [body] : body.split(own)
  const [start, between, ...further] = before!.split(id)
  const [middle, end, ...last] = after.split(id)
  if (more.length + further.length + last.length > 0) return undefined
  if (between !== undefined && end === undefined) return { start: start!, between, end: after, idFirst: true }
  return between === undefined && end !== undefined ? { start: start!, between: middle!, end, idFirst: false } : undefined
}

function end(flow: UserFlow, client: Client, arrival: number): void {
  const sent = Date.now()
  const answer = http.del(flow.url, null, paramsOf(flow, client, flow.opening, 'DELETE')) as Answer
  // A target need not let clients end their sessions.
  const ended = answer.status === 405 || (answer.status >= 200 && answer.status < 300) ? good : failureOf(answer)
  write(flow, 'DELETE', arrival, sent - client.starts, answer, ended)
  console.log(`ended\t${flow.name}\t${client.session}`)
}

const post = (flow: UserFlow, client: Client, request: Request, body: string, as?: string): Answer =>
  http.post(flow.url, body, paramsOf(flow, client, request, as)) as Answer

/** `as` is the tag of the method, where it is not that of the request. */
function paramsOf(flow: UserFlow, client: Client, request: Request, as?: string): Params {
  const kept = request.params ?? newParams(flow, client, request)
  return tagged ? { ...kept, tags: { method: as ?? request.as } } : kept
}

function newParams(flow: UserFlow, client: Client, request: Request): Params {
  const headers: Record<string, string> = { ...flow.headers, ...request.headers }
  if (client.session !== undefined) Object.assign(headers, flow.settled)
  if (client.session) headers['Mcp-Session-Id'] = client.session
  const params: Params = { headers, timeout: script.timeout, responseType: 'text' }
  request.params = params
  return params
}

/** Times are milliseconds since the flow began. */
function write(flow: UserFlow, as: string, arrival: number, sent: number, answer: Answer, ended: string): void {
  const { timings } = answer
  const { duration } = timings
  const clock = Date.now()
  const now = clock - clients[flow.name]!.starts
  // Only a connection that had to be waited for makes a difference, and each look at an answer costs.
  const took = now - sent > duration + 1 ? duration + timings.blocked : duration
  const note = ended === 'HTTP 429' ? (answer.headers['Retry-After'] ?? '') : ''
  held += `${flow.name}\t${as}\t${arrival}\t${sent}\t${took}\t${ended}\t${note}\n`
  last = clock
}

function writeHeld(): void {
  if (held !== '') console.log(held.slice(0, -1))
  held = ''
}

function endOf(message: Message | undefined, id: number, body: string, own: string): string {
  if (message === undefined) return 'no answer'
  if (message.id !== id) return 'wrong id'
  // A code that is no number could hold the ends of lines, and samples of its own making between them.
  if (message.error) return `error ${Number.isInteger(message.error.code) ? message.error.code : 'without a code'}`
  if (!message.result) return 'neither result nor error'
  if (message.result.isError === true) return 'tool error'
  return body.includes(own) ? good : 'content of another request'
}

function failureOf({ status, error_code }: Answer): string {
  if (status !== 0) return `HTTP ${status}`
  return error_code === timeoutCode ? 'timeout' : `connection lost (${error_code})`
}

/** The answer to a request, in a JSON body or among the events of a stream. */
function messageOf(body: string, id: number): Message | undefined {
  // Not by the header: to look at one of them, k6 converts them all.
  if (body.startsWith('{')) return parsed(body)
  let data = ''
  let last: Message | undefined
  for (const line of `${body}\n`.split(/\r\n|\r|\n/)) {
    if (line.startsWith('data:')) data += line.slice(5)
    else if (line === '' && data !== '') {
      const message = parsed(data)
      data = ''
      if (message !== undefined && message.method === undefined) last = message
      if (last?.id === id) return last
    }
  }
  return last
}

function parsed(text: string): Message | undefined {
  try {
    return (JSON.parse(text) as Message | null) ?? undefined
  } catch {
    return undefined
  }
}

/** Nothing is summed up by k6: only what it dropped is not to be learnt otherwise. */
export function handleSummary(data: { metrics: Record<string, { values: Record<string, number> }> }): Record<string, string> {
  return {
    [__ENV.ASSAY_SUMMARY!]: JSON.stringify({
      schema: 'assay/load-shard/1',
      plan: __ENV.ASSAY_PLAN,
      segment: exec.test.options.executionSegment ?? null,
      dropped: data.metrics.dropped_iterations?.values.count ?? 0,
      iterations: data.metrics.iterations?.values.count ?? 0,
    }),
  }
}
