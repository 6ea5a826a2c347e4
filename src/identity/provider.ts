import { AssayError, coded } from '../messages/index.ts'
import { cached, type IssuedToken } from './cache.ts'
import { type AuthorizationServer, discover, grantToken, type Purpose, reasonOf, register } from './oauth.ts'
import type {
  AuthorizationCodeOptions,
  ClientCredentialsOptions,
  DynamicRegistrationOptions,
  Secret,
  Text,
  TokenSource,
} from './sources.ts'

/** What a provider is made with: how values are read, and what is to happen at the end. */
export interface ProviderContext extends Purpose {
  /** The URL of the target, for resource indicators. */
  url?: string
  /** Reads a value; `at` is its place below the token. Throws when a variable is not set. */
  text(value: Text, at: string): string
  /** Reads a secret, and sees to it that it is never written down. */
  secret(value: Secret, at: string): Promise<string>
  atEnd(close: () => Promise<void>): void
}

/** A function that gives a bearer token, and a fresh one once the last is about to expire. */
export async function tokenProvider(source: TokenSource, context: ProviderContext): Promise<() => Promise<string>> {
  if (typeof source === 'function') return cached(async () => ({ token: await called(source, context) }))
  if ('env' in source) return fixed(await context.secret(source, ''))
  if ('bearer' in source) return fixed(await context.secret(source.bearer, '.bearer'))
  if ('clientCredentials' in source) return byClientCredentials(source.clientCredentials, context)
  if ('authorizationCode' in source) return byAuthorizationCode(source.authorizationCode, context)
  return byRegistration(source.dynamicRegistration, context)
}

const fixed = (token: string) => () => Promise.resolve(token)

async function called(source: () => string | Promise<string>, { target, identity }: ProviderContext): Promise<string> {
  try {
    return await source()
  } catch (error) {
    if (error instanceof AssayError) throw error
    throw coded('E_TOKEN_REFUSED', { target, identity }, { sent: 'a call of the token function', got: reasonOf(error), cause: error })
  }
}

async function byClientCredentials(options: ClientCredentialsOptions, context: ProviderContext): Promise<() => Promise<string>> {
  const at = '.clientCredentials'
  const read = (name: 'issuer' | 'tokenEndpoint' | 'clientId' | 'scope') =>
    options[name] === undefined ? undefined : context.text(options[name], `${at}.${name}`)
  const tokenEndpoint = read('tokenEndpoint')
  const issuer = read('issuer')
  const grant = {
    clientId: read('clientId')!,
    clientSecret: await context.secret(options.clientSecret, `${at}.clientSecret`),
    scope: read('scope'),
    resource: resourceOf(options.resource, context, at),
    authenticate: options.authenticate,
  }
  const server = once<AuthorizationServer>(async () =>
    tokenEndpoint
      ? { issuer: issuer ?? new URL(tokenEndpoint).origin, token_endpoint: tokenEndpoint }
      : discover(issuer!, { target: context.target, identity: context.identity }),
  )
  return cached(async () => grantToken(await server(), grant, context))
}

async function byRegistration(options: DynamicRegistrationOptions, context: ProviderContext): Promise<() => Promise<string>> {
  const at = '.dynamicRegistration'
  const issuer = context.text(options.issuer, `${at}.issuer`)
  const scope = options.scope === undefined ? undefined : context.text(options.scope, `${at}.scope`)
  const resource = resourceOf(options.resource, context, at)
  const initial =
    options.initialAccessToken === undefined ? undefined : await context.secret(options.initialAccessToken, `${at}.initialAccessToken`)
  const metadata = {
    client_name: 'Assay',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    token_endpoint_auth_method: 'client_secret_basic',
    ...(scope && { scope }),
    ...options.metadata,
  }
  const registered = once(async () => {
    const server = await discover(issuer, context)
    const client = await register(server, metadata, initial, context)
    context.atEnd(client.remove)
    return { server, client }
  })
  return cached(async (): Promise<IssuedToken> => {
    const { server, client } = await registered()
    return grantToken(server, { ...client, scope, resource }, context)
  })
}

async function byAuthorizationCode(options: AuthorizationCodeOptions, context: ProviderContext): Promise<() => Promise<string>> {
  const at = '.authorizationCode'
  const read = (name: 'issuer' | 'clientId' | 'username' | 'scope' | 'redirectUri') =>
    options[name] === undefined ? undefined : context.text(options[name], `${at}.${name}`)
  const issuer = read('issuer')!
  const { byPerson } = await import('./authorization-code.ts')
  const grant = {
    clientId: read('clientId')!,
    clientSecret: options.clientSecret && (await context.secret(options.clientSecret, `${at}.clientSecret`)),
    authenticate: options.authenticate,
    redirectUri: read('redirectUri') ?? 'http://127.0.0.1/callback',
    scope: read('scope'),
    resource: resourceOf(options.resource, context, at),
    person: { username: read('username')!, password: await context.secret(options.password, `${at}.password`) },
    steps: options.steps,
  }
  return cached(
    byPerson(
      once<AuthorizationServer>(() => discover(issuer, context)),
      grant,
      context,
    ),
  )
}

function resourceOf(resource: Text | false | undefined, context: ProviderContext, at: string): string | undefined {
  if (resource === false) return undefined
  return resource === undefined ? context.url : context.text(resource, `${at}.resource`)
}

/** Done once; a failure is not kept, so that the next caller tries again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => {
    result ??= work().catch((error) => {
      result = undefined
      throw error
    })
    return result
  }
}
