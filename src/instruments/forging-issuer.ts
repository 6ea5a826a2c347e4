import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Forgery, ForgingIssuer } from '../model/index.ts'
import { jwksOf, Keys, type Rotation } from './forging-issuer/keys.ts'
import { mintToken, type StrayAddresses } from './forging-issuer/mint.ts'
import { bodyOf, HttpServer, type Place, pause, reply } from './http-server.ts'

export interface ForgingIssuerOptions {
  /** The resource that tokens are for: the URL of the target. */
  audience?: () => string
  /** Granted scopes, separated by spaces. */
  scopes?: string
  /** The scope among them that implies the others. */
  broadScope?: string
  /** Claim `tenant` of every token. */
  tenant?: string
  /** The clients whose tokens alone the target accepts; the tokens are for the first. */
  clients?: readonly [string, ...string[]]
  /** Milliseconds the JWKS takes while `slow`. */
  slowness?: number
  place?: Place
}

export interface StartedForgingIssuer extends ForgingIssuer, AsyncDisposable {
  readonly jwksUri: string
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientSecret: string
  setAudience(url: string): Promise<void>
  /** How often anyone asked for the keys that tokens point to by `jku` or `x5u`. */
  strayHits(): Promise<number>
  close(): Promise<void>
}

type JwksState = Parameters<ForgingIssuer['jwks']>[0]

const lifetime = 300

/** Starts an authorization server on a free port of 127.0.0.1 with fresh keys and one client for client credentials. */
export async function startForgingIssuer(options: ForgingIssuerOptions = {}): Promise<StartedForgingIssuer> {
  const issuer = new Issuer(options, await Keys.generate())
  await issuer.open()
  return issuer
}

class Issuer implements StartedForgingIssuer {
  readonly clientId: string
  readonly clients?: readonly [string, ...string[]]
  readonly broadScope?: string
  readonly clientSecret = randomBytes(24).toString('base64url')
  readonly #options: ForgingIssuerOptions
  readonly #keys: Keys
  readonly #server: HttpServer
  readonly #closing = new AbortController()
  #audience: () => string
  #state: JwksState = 'up'
  #hits = 0
  #strayHits = 0

  constructor(options: ForgingIssuerOptions, keys: Keys) {
    this.#options = options
    this.clients = options.clients
    this.broadScope = options.broadScope
    this.clientId = options.clients?.[0] ?? 'assay-client'
    this.#server = new HttpServer((request, response) => void this.#guarded(request, response), options.place)
    this.#keys = keys
    this.#audience = options.audience ?? noAudience
  }

  get issuer(): string {
    return this.#server.origin
  }

  get jwksUri(): string {
    return `${this.issuer}/jwks`
  }

  get tokenEndpoint(): string {
    return `${this.issuer}/token`
  }

  get #stray(): StrayAddresses {
    return { jku: `${this.issuer}/stray/jwks`, x5u: `${this.issuer}/stray/x5u` }
  }

  open(): Promise<void> {
    return this.#server.open()
  }

  async mint(forgery: Forgery = {}): Promise<string> {
    return mintToken(this.#keys, this.#claims(this.#audience(), this.#scopes), forgery, this.#stray)
  }

  async publicKey(): Promise<{ pem: string; jwk: Record<string, unknown> }> {
    const { pem, jwk } = this.#keys.current.rsa
    return { pem, jwk: { ...jwk } }
  }

  async rotate(options: Rotation = {}): Promise<void> {
    await this.#keys.rotate(options)
  }

  async jwks(state: JwksState): Promise<void> {
    this.#state = state
  }

  async jwksHits(): Promise<number> {
    return this.#hits
  }

  async strayHits(): Promise<number> {
    return this.#strayHits
  }

  async setAudience(url: string): Promise<void> {
    this.#audience = () => url
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#server.shut()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #scopes(): string {
    return this.#options.scopes ?? 'mcp'
  }

  #claims(audience: string, scope: string): Record<string, unknown> {
    const iat = Math.floor(Date.now() / 1000)
    const who = { sub: this.clientId, client_id: this.clientId, tenant: this.#options.tenant }
    return { iss: this.issuer, aud: audience, ...who, scope, iat, exp: iat + lifetime, jti: randomUUID() }
  }

  async #guarded(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response)
    } catch (error) {
      // A caller that goes away while its body is read ends here too; then there is nobody left to tell.
      reply(response, 500, { error: 'server_error', error_description: String(error) })
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.issuer)
    if (pathname === '/token') return this.#token(request, response)
    if (request.method !== 'GET') return reply(response, 405, undefined, { allow: 'GET' })
    if (pathname === '/.well-known/openid-configuration' || pathname === '/.well-known/oauth-authorization-server')
      return reply(response, 200, this.#metadata())
    if (pathname === '/jwks') return this.#serveJwks(response)
    if (pathname === '/stray/jwks' || pathname === '/stray/x5u') {
      this.#strayHits++
      return pathname === '/stray/x5u' ? reply(response, 404) : reply(response, 200, { keys: jwksOf(this.#keys.stray) })
    }
    if (pathname === '/authorize') return reply(response, 400, { error: 'unsupported_response_type' })
    reply(response, 404)
  }

  #metadata(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: this.tokenEndpoint,
      jwks_uri: this.jwksUri,
      scopes_supported: this.#scopes.split(' '),
      response_types_supported: ['code'],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256'],
    }
  }

  async #serveJwks(response: ServerResponse): Promise<void> {
    this.#hits++
    if (this.#state === 'down') return void response.destroy()
    if (this.#state === 'error') return reply(response, 500)
    if (this.#state === 'wrong-type') return reply(response, 200, '<!doctype html><title>Keys</title>', { 'content-type': 'text/html' })
    if (this.#state === 'slow' && !(await pause(this.#options.slowness ?? 10_000, this.#closing.signal))) return
    reply(response, 200, { keys: this.#keys.published })
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, error: string, headers: Record<string, string> = {}) =>
      reply(response, status, { error }, { 'cache-control': 'no-store', ...headers })
    if (request.method !== 'POST') return reply(response, 405, undefined, { allow: 'POST' })
    const form = new URLSearchParams((await bodyOf(request)) ?? '')
    if (!this.#knows(credentialsOf(request, form))) return refuse(401, 'invalid_client', { 'www-authenticate': 'Basic realm="token"' })
    if (!form.has('grant_type')) return refuse(400, 'invalid_request')
    if (form.get('grant_type') !== 'client_credentials') return refuse(400, 'unsupported_grant_type')
    const granted = this.#scopes.split(' ')
    const scope = form.get('scope') ?? this.#scopes
    if (!scope.split(' ').every((one) => granted.includes(one))) return refuse(400, 'invalid_scope')

    const access_token = mintToken(this.#keys, this.#claims(form.get('resource') ?? this.#audience(), scope), {}, this.#stray)
    reply(response, 200, { access_token, token_type: 'Bearer', expires_in: lifetime, scope }, { 'cache-control': 'no-store' })
  }

  #knows({ id, secret }: { id: string; secret: string }): boolean {
    return equal(id, this.clientId) && equal(secret, this.clientSecret)
  }
}

function noAudience(): string {
  throw new Error('the forging issuer does not know whom its tokens are for: call setAudience with the URL of the target')
}

const equal = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function credentialsOf(request: IncomingMessage, form: URLSearchParams): { id: string; secret: string } {
  const basic = /^Basic\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (!basic) return { id: form.get('client_id') ?? '', secret: form.get('client_secret') ?? '' }
  const text = Buffer.from(basic, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const decoded = new URLSearchParams(`id=${text.slice(0, colon)}&secret=${text.slice(colon + 1)}`)
  return { id: decoded.get('id') ?? '', secret: decoded.get('secret') ?? '' }
}
