import { createHash, randomBytes } from 'node:crypto'
import {
  type Connection,
  type Exchange,
  type ProbeContext,
  probe,
  resultOf,
  statusOf,
  type UpstreamCall,
} from '../../../src/model/index.ts'
import { scriptedCall } from '../../conformance/utilities/long-call.ts'
import { decodeJwt } from '../tokens/jwt.ts'
import {
  agentMetadata,
  askForToken,
  type Credentials,
  credentialsIn,
  manage,
  membersOf,
  readAuthority,
  register,
  strangersStatement,
} from './agent.ts'

/** Servers behind the target that are called directly, at most. */
const mostDirect = 6

const marker = (): string => `assay-${randomBytes(12).toString('hex')}`

const urlIn = (metadata: Record<string, unknown>, member: string): string | undefined =>
  typeof metadata[member] === 'string' ? metadata[member] : undefined

/** What an agent is given by the authorization server, and what the server does with what it should refuse. */
async function enrol(context: ProbeContext) {
  const metadata = await readAuthority(context)
  const [registering, asking] = [urlIn(metadata, 'registration_endpoint'), urlIn(metadata, 'token_endpoint')!]
  const access = context.access()
  const user = access.users[0]?.username
  const send = (more: Record<string, unknown> = {}) =>
    registering ? register(context, registering, agentMetadata(access, more)) : undefined
  const registration = await send()
  const statement = await send({ software_statement: strangersStatement() })
  const chosen = user === undefined ? undefined : await send({ client_id: user })
  const [given] = access.clients
  const credentials: Credentials | undefined = registering
    ? registration && credentialsIn(registration)
    : given && { id: given.clientId, secret: given.clientSecret }
  const asked = credentials && {
    wrong: await askForToken(context, asking, { id: credentials.id, secret: 'assay-wrong-secret-of-an-agent' }),
    token: await askForToken(context, asking, credentials),
  }
  const registered = [registration, statement, chosen].filter((each) => each !== undefined && statusOf(each) === 201) as Exchange[]
  return { registration, statement, chosen: chosen && { user: user!, exchange: chosen }, asked, registered }
}

/** The same text with another signature, or with its last part changed when it has none. */
function damaged(token: string): string {
  const at = token.lastIndexOf('.') + 1
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

const fingerprint = (secret: string): string => `sha256:${createHash('sha256').update(secret).digest('hex')}`

/** What reached the upstream for one call, as far as the flow is judged by it. */
export interface Arrival {
  arguments: unknown
  /** How the gateway shows who it is: the scheme of Authorization, or the name of another field. */
  shows?: string
  /** Whether the credential of the agent came along, anywhere. */
  agents: boolean
  /** The digest of what stood in Authorization. */
  digest?: string
  trace?: string
}

const credentialFields = ['authorization', 'x-api-key', 'api-key', 'x-amz-security-token', 'cookie', 'proxy-authorization']

export function arrivalOf(call: UpstreamCall, token: string): Arrival {
  const field = credentialFields.find((name) => call.headers[name] !== undefined)
  const { authorization } = call.headers
  const meta = (call.params?._meta ?? {}) as Record<string, unknown>
  return {
    arguments: call.params?.arguments,
    ...(field === undefined ? {} : { shows: field === 'authorization' ? authorization!.split(' ')[0]! : field }),
    agents: JSON.stringify([call.headers, call.params]).includes(fingerprint(token)),
    ...(authorization === undefined ? {} : { digest: authorization.split(' ').at(-1)! }),
    trace: [call.headers.traceparent, meta.traceparent].find((value) => typeof value === 'string') as string | undefined,
  }
}

/** Calls the scripted upstream through the gateway, and reads there what has arrived. */
async function callThrough(context: ProbeContext, connection: Connection, token: string) {
  const text = marker()
  const [scripted, control] = await Promise.all([scriptedCall(context, { text }), scriptedCall(context, { text })])
  if (scripted?.seen === undefined || control === undefined) return undefined
  const traceId = randomBytes(16).toString('hex')
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`
  const call = await connection.send('tools/call', scripted.params, { headers: { traceparent }, meta: { traceparent } })
  const arrived = (await scripted.seen()).filter(({ method }) => method === 'tools/call')
  return {
    text,
    traceId,
    sent: scripted.params.arguments,
    call,
    control: await (await context.session()).send('tools/call', control.params),
    arrivals: arrived.map((each) => arrivalOf(each, token)),
  }
}

const opening = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'assay', version: '1' } },
})

/** A server behind the gateway, asked without the gateway: with nothing, and with the token of the agent. */
async function callDirectly({ request }: ProbeContext, url: string, token: string) {
  const ask = (headers: [string, string][] = []) =>
    request({
      url,
      authorize: false,
      body: opening,
      deadline: 2_000,
      headers: [['Content-Type', 'application/json'], ['Accept', 'application/json, text/event-stream'], ...headers],
    })
  return { url, without: await ask(), agents: await ask([['Authorization', `Bearer ${token}`]]) }
}

/** What the gateway and what is behind it does with the token of the agent. */
async function talk(context: ProbeContext, name: string) {
  const token = context.reveal(name)
  const jwt = decodeJwt(token)
  const refused = (await context.connect({ token: damaged(token), forged: true, hold: true })).opening
  const connection = await context.connect({ token })
  const admitted = resultOf(connection.opening) !== undefined
  const any = admitted ? await context.tool('any').catch(() => undefined) : undefined
  return {
    claims: jwt && { iss: jwt.claims.iss, aud: jwt.claims.aud, sub: jwt.claims.sub },
    opening: connection.opening,
    damaged: refused,
    through: admitted && context.instruments.upstream ? await callThrough(context, connection, token) : undefined,
    real: any && (await connection.send('tools/call', { name: any.name, arguments: any.arguments })),
    direct: await Promise.all(context.behind.slice(0, mostDirect).map((url) => callDirectly(context, url, name))),
  }
}

/** The way of one agent, from its registration to the answer to its call; afterwards it is registered no more. */
export const flow = probe(
  'the way of an agent through the deployment',
  { over: 'http', requires: ['authorization', 'authority'] },
  async (context) => {
    const { registered, ...enrolled } = await enrol(context)
    try {
      const name = membersOf(enrolled.asked?.token).access_token
      return { ...enrolled, talked: typeof name === 'string' ? await talk(context, name) : undefined }
    } finally {
      await Promise.all(registered.map((registration) => manage(context, registration, 'DELETE')))
    }
  },
)

export type Flow = Awaited<ReturnType<typeof flow.run>>

/** Calls of one agent in a row. */
export const callsInARow = 20

/** Calls in a row, then one whose token the upstream refuses once, then one whose token it always refuses. */
export const machine = probe(
  'the tokens of the gateway itself',
  { over: 'http', requires: ['authorization', 'scripted upstream'] },
  async (context) => {
    const connection = await context.connect()
    const token = connection.token ?? ''
    const call = async (behaviour: Parameters<typeof scriptedCall>[1], times = 1) => {
      const scripted = await scriptedCall(context, behaviour)
      if (scripted?.seen === undefined) return undefined
      const exchanges: Exchange[] = []
      for (let count = 0; count < times; count++) exchanges.push(await connection.send('tools/call', scripted.params))
      const arrivals = (await scripted.seen()).filter(({ method }) => method === 'tools/call').map((each) => arrivalOf(each, token))
      return { exchange: exchanges.at(-1)!, failed: exchanges.find((each) => resultOf(each) === undefined), arrivals }
    }
    const row = await call({}, callsInARow)
    const once = await call({ status: 401, times: 1 })
    const always = await call({ status: 401 })
    return { row, once, always, after: await call({}) }
  },
)
