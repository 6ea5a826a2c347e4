import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { type Exchange, type ProbeContext, probe, Unfit } from '../../../src/model/index.ts'
import { hmacJwt } from '../tokens/jwt.ts'
import { type Attempt, endpointOf, type Form, issuedBy, listed, methodsOf, postForm, tokenOf } from './machine.ts'
import { withClient } from './registered.ts'

type Json = Record<string, unknown>

/** Assertions of one client, right and wrong. */
export interface Assertions {
  before: Exchange
  after: Exchange
  audience: Attempt[]
  expired: Attempt[]
  endless: Attempt[]
  early: Attempt[]
  issuer: Attempt[]
  subject: Attempt[]
  signature: Attempt[]
  unsigned: Attempt[]
  replayed: Attempt[]
  issued: number
}

const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

interface Key {
  alg: 'ES256' | 'RS256'
  privateKey: KeyObject
  jwk: Json
}

function createKey(alg: Key['alg']): Key {
  const { privateKey, publicKey } =
    alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg } }
}

const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function signed({ alg, privateKey, jwk }: Key, claims: Json): string {
  const input = `${part({ alg, typ: 'JWT', kid: jwk.kid })}.${part(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const seconds = () => Math.floor(Date.now() / 1_000)

/** The assertion with which a client of the probe's own authenticates (RFC 7523 §2.2), whole and damaged. */
export const assertions = probe(
  'assertions of a client that signs',
  { requires: ['registration', 'authority'], disruptive: true, deadline: 60_000 },
  async (context): Promise<Assertions> => {
    if (!methodsOf(context.facts).includes('private_key_jwt'))
      throw new Unfit('not-applicable', 'its metadata does not offer private_key_jwt')
    const algorithms = listed(context.facts, 'token_endpoint_auth_signing_alg_values_supported') ?? ['RS256']
    const key = createKey(algorithms.includes('ES256') ? 'ES256' : 'RS256')
    const metadata = {
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      scope: context.access().scope,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: key.alg,
      jwks: { keys: [key.jwk] },
    }
    const gathered = await withClient(context, metadata, ({ clientId }) => attack(context, key, clientId))
    if (gathered === undefined)
      throw new Unfit(
        'not-testable',
        'needs a client that signs, and the registration of one is refused: see `authority.initialAccessToken`',
      )
    return gathered
  },
)

async function attack(context: ProbeContext, key: Key, id: string): Promise<Assertions> {
  const url = endpointOf(context, 'token_endpoint')
  const { scope, issuer, clients } = context.access()
  const form: Form = [['grant_type', 'client_credentials'], ...(scope ? [['scope', scope] as const] : [])]
  const sent: Exchange[] = []
  const present = async (assertion: string): Promise<Exchange> => {
    const named = context.conceal(assertion, 'ASSERTION')
    const exchange = await postForm(context, url, [...form, ['client_assertion_type', type], ['client_assertion', named]])
    sent.push(exchange)
    return exchange
  }
  let audience = issuer
  const claims = (more: Json = {}): Json => ({
    ...{ iss: id, sub: id, aud: audience, jti: randomUUID(), iat: seconds(), exp: seconds() + 60 },
    ...more,
  })
  const all = (list: Record<string, string>): Promise<Attempt[]> =>
    Promise.all(Object.entries(list).map(async ([what, assertion]) => ({ what, exchange: await present(assertion) })))
  const each = (list: Record<string, Json>) =>
    all(Object.fromEntries(Object.entries(list).map(([what, more]) => [what, signed(key, claims(more))])))

  // Both are allowed as the audience; servers differ in which they know.
  let first = signed(key, claims())
  let before = await present(first)
  if (tokenOf(before) === undefined) {
    audience = url
    first = signed(key, claims())
    before = await present(first)
  }
  const whole = signed(key, claims())
  const [header, payload] = whole.split('.') as [string, string]
  const other = clients[0]?.clientId
  const now = seconds()
  return {
    before,
    audience: await each({
      'for another server': { aud: 'https://assay-audience.example' },
      'for a server that is named alike': { aud: `${audience}.assay-audience.example` },
      'for nobody': { aud: undefined },
    }),
    expired: await each({ 'that expired an hour ago': { exp: now - 3_600, iat: now - 3_660 } }),
    endless: await each({ 'without an end': { exp: undefined } }),
    early: await each({ 'that is valid from an hour on': { nbf: now + 3_600, exp: now + 7_200 } }),
    issuer: await each({ 'of another issuer': { iss: 'assay-stranger' }, 'of no issuer': { iss: undefined } }),
    subject: await each({
      ...(other === undefined
        ? {}
        : { 'about another client': { sub: other }, 'in the name of another client': { iss: other, sub: other } }),
      'about an unknown client': { sub: 'assay-stranger' },
      'about nobody': { sub: undefined },
    }),
    signature: await all({
      'signed with another key': signed({ ...createKey(key.alg), jwk: key.jwk }, claims()),
      'changed after signing': `${header}.${part(claims({ exp: now + 120 }))}.${whole.split('.')[2]}`,
      'signed with the public key as a secret': hmacJwt(
        { header: { typ: 'JWT', kid: key.jwk.kid }, claims: claims() },
        JSON.stringify(key.jwk),
      ),
    }),
    unsigned: await all({
      'that says it needs no signature': `${part({ alg: 'none', typ: 'JWT' })}.${part(claims())}.`,
      'whose signature is left out': `${header}.${payload}.`,
    }),
    replayed: tokenOf(before) === undefined ? [] : await all({ 'that was used before': first }),
    after: await present(signed(key, claims())),
    issued: issuedBy(sent),
  }
}
