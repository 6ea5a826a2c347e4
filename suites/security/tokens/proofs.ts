import { createHash } from 'node:crypto'
import { type Exchange, type ProbeContext, probe, Unfit } from '../../../src/model/index.ts'
import { memberOfMetadata } from '../metadata/document.ts'
import type { Attempt } from './attempts.ts'
import { createKey, type Damage, Holder } from './holder.ts'
import { hmacJwt } from './jwt.ts'

/** Openings with a token that is bound to a key, with proofs of it that are whole and damaged. */
export interface Proofs {
  before: Exchange
  missing: Attempt[]
  repeated: Attempt[]
  claims: Attempt[]
  type: Attempt[]
  algorithm: Attempt[]
  signature: Attempt[]
  privateKey: Attempt[]
  method: Attempt[]
  address: Attempt[]
  token: Attempt[]
  key: Attempt[]
  age: Attempt[]
  window: Attempt[]
  replayed: { first: Exchange; second: Attempt }
  asBearer: Attempt[]
  /** At an address with a query, which no proof names: from a bearer, and with a proof. */
  query: { plain: Exchange; shown: Exchange }
  spelling: Exchange
  after: Exchange
  /** The target gives nonces, by which it may tell how old a proof is instead (RFC 9449 §4.3). */
  nonce: boolean
}

/** How a target claims that it checks proofs (RFC 9728 §2): by the algorithms it accepts. */
const claim = 'dpop_signing_alg_values_supported'

/** Those there are keys for here; the first that the target accepts is used. */
const algorithms = ['ES256', 'PS256', 'RS256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'PS384', 'PS512', 'RS384', 'RS512']

async function algorithmFor(context: ProbeContext): Promise<string> {
  const claimed = await memberOfMetadata(context, claim)
  if (!Array.isArray(claimed) || claimed.length === 0)
    throw new Unfit('not-applicable', `the target does not claim to check proofs of possession: its metadata has no ${claim}`)
  const algorithm = algorithms.find((each) => claimed.includes(each))
  if (algorithm === undefined) throw new Unfit('not-testable', `no proof can be made with the algorithms accepted: ${claimed.join(', ')}`)
  return algorithm
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const now = () => Math.floor(Date.now() / 1_000)
const hour = 3_600
const year = 31_536_000

export const proofs = probe(
  'proofs of the key a token is bound to',
  { over: 'http', requires: ['authorization', 'forging issuer', 'newest revision'], deadline: 60_000 },
  async (context): Promise<Proofs> => {
    const alg = await algorithmFor(context)
    const [own, other] = await Promise.all([createKey(alg), createKey(alg)])
    const holder = await Holder.create(context, own)
    const open = (damage: Damage = {}, options?: Parameters<Holder['open']>[1]) =>
      holder.open(async () => [await holder.proof(damage)], options)
    // One after the other, for a target may give a nonce with every answer and take the last one only.
    const tried = async (list: Record<string, () => Promise<Exchange>>): Promise<Attempt[]> => {
      const attempts: Attempt[] = []
      for (const [what, send] of Object.entries(list)) attempts.push({ what, opening: await send() })
      return attempts
    }
    const damaged = (list: Record<string, Damage>) =>
      tried(Object.fromEntries(Object.entries(list).map(([what, damage]) => [what, () => open(damage)])))
    const { origin, protocol, host, pathname } = new URL(holder.address)
    const queried = `${holder.address}?assay=1`

    return {
      before: await open(),
      missing: await tried({
        'without the proof it needs': () => holder.open(async () => []),
        'with something that is no proof': () => holder.open(async () => ['assay-no-proof']),
      }),
      repeated: await tried({ 'with two proofs': () => holder.open(async () => [await holder.proof(), await holder.proof()]) }),
      claims: await damaged({
        'with a proof that has no jti': { claims: { jti: undefined } },
        'with a proof that has no htm': { claims: { htm: undefined } },
        'with a proof that has no htu': { claims: { htu: undefined } },
        'with a proof that has no iat': { claims: { iat: undefined } },
      }),
      type: await damaged({
        'with a proof of the type JWT': { header: { typ: 'JWT' } },
        'with a proof of no type': { header: { typ: undefined } },
      }),
      algorithm: await tried({
        'with a proof that says it needs no signature': () =>
          holder.open(async () => [`${part(holder.header({ alg: 'none' }))}.${part(holder.claims())}.`]),
        'with a proof signed with the public key as a secret': () =>
          holder.open(async () => [hmacJwt({ header: holder.header(), claims: holder.claims() }, JSON.stringify(own.publicJwk))]),
      }),
      signature: await tried({
        'with a proof signed with another key than it names': () => open({ by: other }),
        'with a proof that was changed after signing': () =>
          holder.open(async () => {
            const [header, , signature] = (await holder.proof()).split('.')
            return [`${header}.${part(holder.claims())}.${signature}`]
          }),
      }),
      privateKey: await damaged({ 'with a proof that gives the private key away': { header: { jwk: own.privateJwk } } }),
      method: await damaged({ 'with a proof for another method': { claims: { htm: 'GET' } } }),
      address: await damaged({
        'with a proof for another host': { claims: { htu: `https://assay-resource.example${pathname}` } },
        'with a proof for another path': { claims: { htu: `${origin}/assay/elsewhere` } },
      }),
      token: await damaged({
        'with a proof for another token': { claims: { ath: createHash('sha256').update('assay').digest('base64url') } },
        'with a proof for no token': { claims: { ath: undefined } },
      }),
      key: await damaged({ 'with a proof of another key': { by: other, header: { jwk: other.publicJwk } } }),
      age: await damaged({
        'with a proof that is a year old': { claims: { iat: now() - year } },
        'with a proof that is made in a year': { claims: { iat: now() + year } },
      }),
      window: await damaged({
        'with a proof that is an hour old': { claims: { iat: now() - hour } },
        'with a proof that is made in an hour': { claims: { iat: now() + hour } },
      }),
      replayed: await replayed(holder),
      asBearer: await tried({
        'as a bearer, though it is bound to a key': () => holder.open(async () => [], { scheme: 'Bearer' }),
        'as a bearer, though it is bound to a key, with a proof': () => open({}, { scheme: 'Bearer' }),
      }),
      query: { plain: await holder.openAsBearer(queried), shown: await open({}, { url: queried }) },
      spelling: await open({ claims: { htu: `${protocol.toUpperCase()}//${host.toUpperCase()}${pathname}` } }),
      after: await open(),
      nonce: holder.nonce !== undefined,
    }
  },
)

/** One proof with two requests. */
async function replayed(holder: Holder): Promise<Proofs['replayed']> {
  let proof = ''
  const first = await holder.open(async () => {
    proof = await holder.proof()
    return [proof]
  })
  return { first, second: { what: 'with a proof that was used before', opening: await holder.open(async () => [proof]) } }
}
