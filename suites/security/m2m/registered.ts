import { bodyOf, type Exchange, type ProbeContext, probe, type RawRequest, statusOf, Unfit } from '../../../src/model/index.ts'
import {
  type Attempt,
  by,
  type Credentials,
  endpointOf,
  type Form,
  issuedBy,
  postForm,
  read,
  type TokenAnswer,
  tokenOf,
  toldBy,
  type Way,
} from './machine.ts'
import { requests } from './requests.ts'

/** A client of a probe's own. */
export interface Registered {
  clientId: string
  clientSecret: string
  /** Registers nothing any more: deletes the client where the server lets it (RFC 7592 §2.3). */
  forget(): Promise<void>
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Registers a client, as a stranger or with the initial access token; undefined when the server will not have it. */
export async function register(context: ProbeContext, metadata: Record<string, unknown>): Promise<Registered | undefined> {
  const { initialAccessToken } = context.facts.facilities.authority === true ? context.access() : {}
  const answer = await patiently(context, {
    url: endpointOf(context, 'registration_endpoint'),
    headers: [
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json'],
      ...(initialAccessToken === undefined ? [] : [['Authorization', `Bearer ${initialAccessToken}`] as [string, string]]),
    ],
    body: JSON.stringify({ client_name: 'assay', ...metadata }),
    authorize: false,
  })
  const body = bodyOf(answer)
  const clientId = text(body?.client_id)
  if (clientId === '' || statusOf(answer)! >= 300) return undefined
  const [address, token] = [text(body?.registration_client_uri), text(body?.registration_access_token)]
  const forget = async () => {
    if (address !== '' && token !== '')
      await context.request({ method: 'DELETE', url: address, headers: [['Authorization', `Bearer ${token}`]], authorize: false })
  }
  return { clientId, clientSecret: text(body?.client_secret), forget }
}

// Registrations are limited in rate, and others register as well.
async function patiently(context: ProbeContext, request: RawRequest): Promise<Exchange> {
  for (let patience = 5; ; patience -= 1) {
    const answer = await context.request(request)
    if (statusOf(answer) !== 429 || patience === 0) return answer
    await context.pause(1_000)
  }
}

/** Runs with a client of its own, and without it afterwards. */
export async function withClient<T>(
  context: ProbeContext,
  metadata: Record<string, unknown>,
  run: (client: Registered) => Promise<T>,
): Promise<T | undefined> {
  const client = await register(context, metadata)
  if (client === undefined) return undefined
  try {
    return await run(client)
  } finally {
    await client.forget()
  }
}

/** What clients of the probe's own get from the token endpoint; a member is missing when no such client could be had. */
export interface OwnClients {
  basic?: Exchange
  post?: Exchange
  /** Beyond the scope the client is registered with, after a request within it. */
  scope?: { control: TokenAnswer; beyond: TokenAnswer }
  /** A grant the client is not registered for. */
  grant?: Attempt
  /** A client that has no credentials. */
  open?: { machine: Attempt; introspection?: Exchange }
  issued: number
}

const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
const person = { grant_types: ['authorization_code'], response_types: ['code'], redirect_uris: ['https://assay-client.example/callback'] }
const grant: Form = [['grant_type', 'client_credentials']]

/** Requests of clients that are registered for less than the operator's own. */
export const ownClients = probe(
  'token requests of clients registered for little',
  { requires: ['registration', 'authority'], disruptive: true, deadline: 60_000 },
  async (context): Promise<OwnClients> => {
    const url = endpointOf(context, 'token_endpoint')
    const { scope, privilegedScope } = context.access()
    const sent: Exchange[] = []
    const ask = async (what: string, { headers, form }: Credentials, more: Form = []): Promise<TokenAnswer> => {
      const exchange = await postForm(context, url, [...grant, ...more, ...form], headers)
      sent.push(exchange)
      return read(context, what, exchange)
    }
    const withMethod = (way: 'basic' | 'post') =>
      withClient(context, { ...machine, token_endpoint_auth_method: `client_secret_${way}`, scope }, async (client) => {
        const presented = (await ask(`by ${way}`, by(context, way, client), scope ? [['scope', scope]] : [])).exchange
        if (way === 'post' || scope === undefined || privilegedScope === undefined) return { presented }
        const control = read(context, 'within the scope of its registration', presented)
        const beyond = await ask('for more than the scope it is registered with', by(context, way, client), [['scope', privilegedScope]])
        return { presented, scope: { control, beyond } }
      })
    const basic = await withMethod('basic')
    const post = await withMethod('post')
    const refused = await withClient(context, { ...person, scope, token_endpoint_auth_method: 'client_secret_basic' }, (client) =>
      client.clientSecret === ''
        ? Promise.resolve(undefined)
        : ask('for a grant the client is not registered for', by(context, 'basic', client), scope ? [['scope', scope]] : []),
    )
    const open = await withClient(context, { ...person, token_endpoint_auth_method: 'none' }, async ({ clientId }) => ({
      machine: await ask('of a client without credentials', { headers: [], form: [['client_id', clientId]] }),
      introspection: await introspectedBy(context, clientId),
    }))
    if (basic === undefined && post === undefined && refused === undefined && open === undefined)
      throw new Unfit(
        'not-testable',
        'needs a client of its own, and the registration of one is refused: see `authority.initialAccessToken`',
      )
    return { basic: basic?.presented, post: post?.presented, scope: basic?.scope, grant: refused, open, issued: issuedBy(sent) }
  },
)

// A client without credentials asks about the token of another.
async function introspectedBy(context: ProbeContext, clientId: string): Promise<Exchange | undefined> {
  const { facilities } = context.facts
  if (facilities.introspection !== true || facilities.client !== true) return undefined
  const { before } = await context.use(requests)
  const token = String(bodyOf(before.exchange)?.access_token)
  return postForm(context, endpointOf(context, 'introspection_endpoint'), [
    ['token', token],
    ['client_id', clientId],
  ])
}

/** The answers to many wrong secrets in a row, and to the right one afterwards. */
export interface Guesses {
  control: Exchange
  guesses: Exchange[]
  /** The right secret, directly after the guesses and once the server had time to calm down. */
  after: Exchange[]
  issued: number
}

const attempts = 50

/** Guesses the secret of a client of the probe's own where there can be one, else of the last that the operator gave. */
export const guesses = probe(
  'guesses at a client secret',
  { requires: 'client', disruptive: true, alone: true, deadline: 90_000 },
  async (context): Promise<Guesses> => {
    const url = endpointOf(context, 'token_endpoint')
    const { clients, scope } = context.access()
    const form: Form = [...grant, ...(scope ? [['scope', scope] as const] : [])]
    const about = { ...machine, token_endpoint_auth_method: 'client_secret_basic', scope }
    const own = context.facts.facilities.registration === true ? await register(context, about) : undefined
    const client = own?.clientSecret ? own : clients.at(-1)!
    const ask = (secret: string, way: Way) => {
      const { headers, form: more } = by(context, way, { clientId: client.clientId, clientSecret: secret })
      return postForm(context, url, [...form, ...more], headers)
    }
    try {
      const byBasic = await ask(client.clientSecret, 'basic')
      const way = tokenOf(byBasic) === undefined ? 'post' : 'basic'
      const control = way === 'basic' ? byBasic : await ask(client.clientSecret, way)
      if (tokenOf(control) === undefined) throw new Unfit('inconclusive', `the right secret brings no token: ${toldBy(control)}`)
      const tried: Exchange[] = []
      for (let at = 0; at < attempts; at += 1)
        tried.push(await ask(context.conceal(`assay-guess-${String(at).padStart(4, '0')}-0123456789`, 'GUESS'), way))
      const after = [await ask(client.clientSecret, way)]
      for (let at = 0; at < 3 && tokenOf(after.at(-1)!) === undefined; at += 1) {
        await context.pause(1_000)
        after.push(await ask(client.clientSecret, way))
      }
      return { control, guesses: tried, after, issued: issuedBy([control, ...tried, ...after]) }
    } finally {
      await own?.forget()
    }
  },
)
