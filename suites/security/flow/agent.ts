import { generateKeyPairSync, sign } from 'node:crypto'
import { type AuthorityAccess, bodyOf, type Exchange, metadataUrls, type ProbeContext, statusOf, Unfit } from '../../../src/model/index.ts'
import { basicCredentials } from '../forms.ts'

type Json = Record<string, unknown>

/** How an agent presents itself: its id as it is, its secret by name. */
export interface Credentials {
  id: string
  secret: string
}

/** The members of the object in the body of an answer; of none where there is none. */
export const membersOf = (exchange: Exchange | undefined): Json => (exchange && bodyOf(exchange)) ?? {}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The metadata of the authorization server of the agents, wherever a client would look for it. */
export async function readAuthority({ facts, request, access }: ProbeContext): Promise<Json> {
  if (facts.metadata !== undefined) return facts.metadata
  for (const url of metadataUrls(access().issuer)) {
    const exchange = await request({ method: 'GET', url, authorize: false, headers: [['Accept', 'application/json']] })
    const metadata = membersOf(exchange)
    if (statusOf(exchange) === 200 && typeof metadata.token_endpoint === 'string') return metadata
  }
  throw new Unfit('inconclusive', 'the metadata of the authorization server of the agents cannot be read')
}

/** What the agents of the operator may do: the scopes of the client that was given, or the scope anybody may have. */
export const agentScope = ({ clients, scope }: AuthorityAccess): string | undefined => clients[0]?.scope ?? scope

/** What an agent says of itself when it registers. */
export const agentMetadata = (access: AuthorityAccess, more: Json = {}): Json => ({
  client_name: 'Assay agent',
  software_id: 'assay-agent',
  grant_types: ['client_credentials'],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
  ...(agentScope(access) === undefined ? {} : { scope: agentScope(access) }),
  ...more,
})

/** One registration, with the initial access token when the operator has given one. */
export function register({ request, access }: ProbeContext, endpoint: string, metadata: Json): Promise<Exchange> {
  const { initialAccessToken } = access()
  const headers: [string, string][] = [['Content-Type', 'application/json']]
  if (initialAccessToken !== undefined) headers.push(['Authorization', `Bearer ${initialAccessToken}`])
  return request({ url: endpoint, authorize: false, headers, body: JSON.stringify(metadata) })
}

/** The credentials a registration gave. */
export function credentialsIn(registration: Exchange): Credentials | undefined {
  const { client_id, client_secret } = membersOf(registration)
  const [id, secret] = [textOf(client_id), textOf(client_secret)]
  return statusOf(registration) === 201 && id !== undefined && secret !== undefined ? { id, secret } : undefined
}

/** A request to the configuration of a client that was registered (RFC 7592); nothing when the server offers none. */
export async function manage(
  { request }: ProbeContext,
  registration: Exchange,
  method: 'GET' | 'PUT' | 'DELETE',
  about: { token?: string; body?: Json } = {},
): Promise<Exchange | undefined> {
  const { registration_client_uri, registration_access_token } = membersOf(registration)
  const [url, token] = [textOf(registration_client_uri), about.token ?? textOf(registration_access_token)]
  if (url === undefined || token === undefined) return undefined
  const headers: [string, string][] = [['Authorization', `Bearer ${token}`]]
  if (about.body !== undefined) headers.push(['Content-Type', 'application/json'])
  return request({ method, url, authorize: false, headers, body: about.body && JSON.stringify(about.body) })
}

const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+')

/** A token for the resource by client credentials. */
export function askForToken(context: ProbeContext, endpoint: string, { id, secret }: Credentials): Promise<Exchange> {
  const { resource, ...access } = context.access()
  const scope = agentScope({ ...access, resource })
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
    ...(resource === undefined ? {} : { resource }),
  })
  return context.request({
    url: endpoint,
    authorize: false,
    headers: [
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Authorization', basicCredentials(context, id, secret, encoded)],
    ],
    body: form.toString(),
  })
}

/** What the statement of nobody says of the software. */
export const vouched = 'Assay agent, vouched for'

const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A software statement of somebody no authorization server knows. */
export function strangersStatement(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const claims = {
    iss: 'https://assay-software.example',
    software_id: 'assay-agent',
    client_name: vouched,
    iat: Math.floor(Date.now() / 1_000),
  }
  const input = `${part({ alg: 'ES256', typ: 'JWT', kid: 'assay-stranger' })}.${part(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
