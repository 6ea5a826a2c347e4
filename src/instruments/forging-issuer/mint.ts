import { constants, createHmac, type KeyObject, sign } from 'node:crypto'
import type { Forgery } from '../../model/index.ts'
import type { KeySet, Keys, SigningKey } from './keys.ts'

type Json = Record<string, unknown>

const encode = (data: string | Buffer): string => Buffer.from(data as string).toString('base64url')

/** Where the keys that no target should trust are served. */
export interface StrayAddresses {
  jku: string
  x5u: string
}

/**
 * Assembles a token by hand, since libraries rightly refuse most of what is asked for here. Header members `jwk`, `jku` and
 * `x5u` given as `true` become the signing key, or an address of the issuer that serves it.
 */
export function mintToken(keys: Keys, claims: Json, forgery: Forgery, stray: StrayAddresses): string {
  const key = forgery.key ?? (isNone(forgery.alg) ? 'none' : 'own')
  const alg = forgery.alg ?? defaultAlg(key)
  const signing = signingKeyOf(key === 'unknown' ? keys.stray : keys.current, alg)
  const header = { alg, typ: 'at+jwt', kid: signing.kid, ...standIns(forgery.header ?? {}, signing, stray) }
  const payload = forgery.payload ?? JSON.stringify({ ...claims, ...forgery.claims })
  const input = `${encode(forgery.head ?? JSON.stringify(header))}.${encode(payload)}`
  return tampered(input, signature(input, key, alg, signing), forgery.tamper)
}

const isNone = (alg: string | undefined): boolean => alg?.toLowerCase() === 'none'

function defaultAlg(key: NonNullable<Forgery['key']>): string {
  if (key === 'none') return 'none'
  return key === 'own' || key === 'unknown' ? 'RS256' : 'HS256'
}

const signingKeyOf = (set: KeySet, alg: string): SigningKey => (alg.startsWith('ES') ? set.ec : set.rsa)

function standIns(header: Json, signing: SigningKey, stray: StrayAddresses): Json {
  const values: Json = { jwk: signing.jwk, ...stray }
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name, value === true && name in values ? values[name] : value]))
}

function signature(input: string, key: NonNullable<Forgery['key']>, alg: string, signing: SigningKey): Buffer {
  if (key === 'none') return Buffer.alloc(0)
  if (key === 'own' || key === 'unknown') return asymmetric(input, alg, signing.privateKey)
  const secret = { 'public-as-secret-pem': signing.pem, 'public-as-secret-jwk': JSON.stringify(signing.jwk), 'weak-secret': 'secret' }[key]
  return createHmac(hashOf(alg), secret).update(input).digest()
}

const hashOf = (alg: string): string => `sha${/(256|384|512)$/.exec(alg)?.[1] ?? '256'}`

/** An algorithm that is none of these signs as its key does, so that only the name in the header is wrong. */
function asymmetric(input: string, alg: string, key: KeyObject): Buffer {
  const data = Buffer.from(input)
  if (key.asymmetricKeyType === 'ec') return sign(hashOf(alg), data, { key, dsaEncoding: 'ieee-p1363' })
  if (!alg.startsWith('PS')) return sign(hashOf(alg), data, key)
  return sign(hashOf(alg), data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
}

function tampered(input: string, bytes: Buffer, tamper: Forgery['tamper']): string {
  if (tamper === 'strip-signature') return `${input}.`
  if (tamper === 'zero-signature') return `${input}.${encode(Buffer.alloc(bytes.length || 64))}`
  if (tamper === 'signature') return `${input}.${encode(Buffer.from(bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte))))}`
  return `${tamper === 'payload' ? otherSubject(input) : input}.${encode(bytes)}`
}

/** The same token for somebody else, under the signature of the first. */
function otherSubject(input: string): string {
  const [header, payload] = input.split('.') as [string, string]
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  return `${header}.${encode(JSON.stringify({ ...(claims as Json), sub: 'somebody-else' }))}`
}
