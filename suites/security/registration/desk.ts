import {
  all,
  answered,
  bodyOf,
  type Exchange,
  headerOf,
  inconclusive,
  type Judgement,
  type Probe,
  type ProbeContext,
  type ProbeOptions,
  probe,
  statusOf,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'

export type Json = Record<string, unknown>

/** A registered client, its secrets by name. */
export interface Client {
  clientId: string
  secret?: string
  /** Where it is managed (RFC 7592), and the name of the token for it. */
  place?: string
  token?: string
  said: Json
}

/** Registers clients for one probe, and takes them away again where the server offers that. */
export interface Desk {
  /** Whether anybody may register. */
  readonly open: boolean
  /** Whether strangers are turned away for what they lack, not for what they ask. */
  readonly closed: boolean
  /** Registers as a stranger where that is allowed, otherwise with the initial access token. */
  register(metadata: unknown, options?: RegisterOptions): Promise<Exchange>
  /** Registers a client that must be had for the probe to go on. */
  client(metadata?: Json, options?: RegisterOptions): Promise<Client>
  /** Reads (GET), updates (PUT) or deletes a client, with its own token unless another is given; `null` sends none. */
  manage(client: Client, method: 'GET' | 'PUT' | 'DELETE', about?: { token?: string | null; metadata?: Json }): Promise<Exchange>
}

export interface RegisterOptions {
  /** The initial access token to send; `null` sends none. */
  token?: string | null
  /** Sent instead of JSON. */
  text?: string
  type?: string
}

/** Milliseconds a server may ask for between two registrations without the probe giving up. */
const longestWait = 3_000
const attempts = 4

/** A client that acts for people: the least that is needed, on the address native applications use. */
export const application: Json = {
  client_name: 'Assay',
  redirect_uris: ['http://127.0.0.1:8787/callback'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  application_type: 'native',
}

/** A client that acts for itself. */
export const machine: Json = { client_name: 'Assay machine', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }

const welcome = probe('registration as a stranger', { requires: 'registration', disruptive: true }, async (context) => {
  const stranger = await send(context, application, null)
  await take(context, stranger)
  return { stranger, open: statusOf(stranger) === 201 || statusOf(stranger) === 200 }
})

/** A probe that registers clients; it leaves none behind where the server deletes them on request (RFC 7592). */
export function registering<E>(name: string, run: (desk: Desk, context: ProbeContext) => Promise<E>, options: ProbeOptions = {}): Probe<E> {
  const requires = ['registration', ...[options.requires ?? []].flat()] as const
  return probe(name, { deadline: 30_000, ...options, requires, disruptive: true }, async (context) => {
    const { open, stranger } = await context.use(welcome)
    const { initialAccessToken } = context.facts.facilities.authority === true ? context.access() : { initialAccessToken: undefined }
    if (!open && initialAccessToken === undefined)
      throw new Unfit('not-testable', `registration is closed to strangers (${summaryOf(stranger)}): give \`authority.initialAccessToken\``)
    const made: Exchange[] = []
    const latest = new Map<string, string>()
    const desk = deskOf(
      context,
      open ? null : initialAccessToken!,
      { open, closed: [401, 403].includes(statusOf(stranger) ?? 0) },
      made,
      latest,
    )
    try {
      return await run(desk, context)
    } finally {
      await Promise.all(made.map((exchange) => take(context, exchange, latest)))
    }
  })
}

function deskOf(
  context: ProbeContext,
  usual: string | null,
  doors: Pick<Desk, 'open' | 'closed'>,
  made: Exchange[],
  latest: Map<string, string>,
): Desk {
  const register = async (metadata: unknown, options: RegisterOptions = {}) => {
    const exchange = await send(context, metadata, options.token === undefined ? usual : options.token, options)
    if (clientIn(exchange) !== undefined) made.push(exchange)
    return exchange
  }
  return {
    ...doors,
    register,
    client: async (metadata = application, options) => {
      const exchange = await register(metadata, options)
      const client = clientIn(exchange)
      if (client !== undefined) return client
      throw new Unfit('inconclusive', `the client the probe needs is not registered: ${summaryOf(exchange)}`)
    },
    manage: async (client, method, { token, metadata } = {}) => {
      const exchange = await manage(context, client, method, token === undefined ? latestOf(client, latest) : token, metadata)
      const changed = clientIn(exchange)
      if (changed?.token !== undefined && changed.clientId === client.clientId) latest.set(client.clientId, changed.token)
      return exchange
    },
  }
}

const latestOf = (client: Client, latest: Map<string, string>): string | null => latest.get(client.clientId) ?? client.token ?? null

/** Sends a registration, again when the server asks to wait a little. */
async function send(
  context: ProbeContext,
  metadata: unknown,
  token: string | null,
  { text, type }: RegisterOptions = {},
): Promise<Exchange> {
  const headers: [string, string][] = [
    ['Content-Type', type ?? 'application/json'],
    ['Accept', 'application/json'],
    ...(token === null ? [] : ([['Authorization', `Bearer ${token}`]] as [string, string][])),
  ]
  const url = String(context.facts.metadata!.registration_endpoint)
  for (let attempt = 1; ; attempt += 1) {
    const exchange = await context.request({ method: 'POST', url, headers, body: text ?? JSON.stringify(metadata), authorize: false })
    if (statusOf(exchange) !== 429 || attempt === attempts) return exchange
    const wait = Number(headerOf(exchange, 'retry-after') ?? 1) * 1_000
    if (!(wait <= longestWait)) return exchange
    await context.pause(wait)
  }
}

function manage(context: ProbeContext, { place }: Client, method: string, token: string | null, metadata?: Json): Promise<Exchange> {
  if (place === undefined) throw new Unfit('not-applicable', 'the server says of no place where clients are managed (RFC 7592)')
  if (!mayBeAsked(place, context))
    throw new Unfit('inconclusive', `clients are managed at ${place}, which is not asked: it is on another origin, without TLS`)
  const headers: [string, string][] = [
    ['Accept', 'application/json'],
    ...(metadata === undefined ? [] : ([['Content-Type', 'application/json']] as [string, string][])),
    ...(token === null ? [] : ([['Authorization', `Bearer ${token}`]] as [string, string][])),
  ]
  const body = metadata === undefined ? undefined : JSON.stringify(metadata)
  return context.request({ method, url: place, headers, body, authorize: false })
}

// A server could otherwise send the harness, with a token, to whatever is near it.
const mayBeAsked = (place: string, { facts }: ProbeContext): boolean => {
  const url = URL.parse(place)
  const known = [facts.url, String(facts.metadata!.registration_endpoint)].map((each) => URL.parse(each)?.origin)
  return url !== null && (url.protocol === 'https:' || known.includes(url.origin))
}

async function take(context: ProbeContext, made: Exchange, latest = new Map<string, string>()): Promise<void> {
  const client = clientIn(made)
  const token = client && latestOf(client, latest)
  if (!client?.place || !token || !mayBeAsked(client.place, context)) return
  await manage(context, client, 'DELETE', token)
}

/** The client an answer speaks of, or undefined when it is none. */
export function clientIn(exchange: Exchange): Client | undefined {
  const said = bodyOf(exchange)
  if (![200, 201].includes(statusOf(exchange) ?? 0) || typeof said?.client_id !== 'string') return undefined
  const text = (name: string) => (typeof said[name] === 'string' ? said[name] : undefined)
  return {
    clientId: said.client_id,
    said,
    ...optional('secret', text('client_secret')),
    ...optional('place', text('registration_client_uri')),
    ...optional('token', text('registration_access_token')),
  }
}

const optional = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value })

/** Says something about the rule only when the controls, the same requests undamaged, succeed. */
export function controlledHttp(controls: readonly Exchange[], judge: () => Judgement): Judgement {
  if (controls.length === 0) return inconclusive('no control was sent')
  const failed = controls.find((control) => ![200, 201, 204].includes(statusOf(control) ?? 0))
  return failed ? inconclusive(`the control, the same request undamaged, does not succeed: ${summaryOf(failed)}`, failed) : judge()
}

/** Judges each answer that came, when the controls succeed. */
export const eachTried = <T extends { answer: Exchange }>(
  { controls, tried }: { controls: readonly Exchange[]; tried: readonly T[] },
  judge: (one: T) => Judgement,
): Judgement => controlledHttp(controls, () => all(tried.map((one) => answered(one.answer, () => judge(one)))))

/** What tells two answers apart, without the ids that differ from one request to the next. */
export function outline(exchange: Exchange): string {
  const { error, error_description: description } = bodyOf(exchange) ?? {}
  const said = String(description ?? '').replaceAll(/[\da-f-]{8,}|\d+/gi, '…')
  return [`HTTP ${statusOf(exchange)}`, error, said].filter(Boolean).join(', ')
}

/** The strings of a list, or undefined when it is none. */
export const listOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined

export const wordsOf = (value: unknown): string[] => (typeof value === 'string' ? value.split(/\s+/).filter(Boolean) : [])
