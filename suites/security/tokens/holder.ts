import { createHash, randomUUID } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type Exchange, headerOf, type ProbeContext } from '../../../src/model/index.ts'
import { challengeFor } from '../challenge.ts'
import { again } from './attempts.ts'

type Json = Record<string, unknown>

/** A key pair of a client. */
export interface Key {
  alg: string
  privateKey: CryptoKey
  publicJwk: JWK
  privateJwk: JWK
}

/** What is wrong with a proof; a member that is `undefined` is left out. */
export interface Damage {
  claims?: Json
  header?: Json
  /** Signs with another key than that of the client. */
  by?: Key
}

export async function createKey(alg: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, privateKey, publicJwk: await exportJWK(publicKey), privateJwk: await exportJWK(privateKey) }
}

/** A client with a token that is bound to its key, and with proofs of the key (RFC 9449 §4.2). */
export class Holder {
  /** The target wants its own nonce in proofs (RFC 9449 §9); this is the last it gave. */
  nonce: string | undefined
  /** What proofs are for: the address of the endpoint without query and fragment. */
  readonly address: string
  readonly #context: ProbeContext
  readonly #key: Key
  readonly #token: string
  readonly #opening: Exchange

  private constructor(context: ProbeContext, key: Key, token: string, opening: Exchange) {
    this.#context = context
    this.#key = key
    this.#token = token
    this.#opening = opening
    const { origin, pathname } = new URL(opening.request.url)
    this.address = `${origin}${pathname}`
  }

  static async create(context: ProbeContext, key: Key): Promise<Holder> {
    const issuer = context.instruments.issuer!
    const token = await issuer.mint({ claims: { cnf: { jkt: await calculateJwkThumbprint(key.publicJwk) } } })
    const { opening } = await context.connect({ token: await issuer.mint(), hold: true })
    return new Holder(context, key, token, opening)
  }

  header(more: Json = {}): Json {
    return { typ: 'dpop+jwt', alg: this.#key.alg, jwk: this.#key.publicJwk, ...more }
  }

  claims(more: Json = {}): Json {
    return {
      jti: randomUUID(),
      htm: 'POST',
      htu: this.address,
      iat: Math.floor(Date.now() / 1_000),
      ath: createHash('sha256').update(this.#token).digest('base64url'),
      nonce: this.nonce,
      ...more,
    }
  }

  /** A proof that is right but for the damage. */
  proof({ claims, header, by = this.#key }: Damage = {}): Promise<string> {
    return new SignJWT(this.claims(claims)).setProtectedHeader(this.header(header) as { alg: string }).sign(by.privateKey)
  }

  /** Opens a connection with the bound token and these proofs, which are made anew when the target asks for its nonce in them. */
  async open(
    proofs: () => Promise<readonly string[]>,
    { scheme = 'DPoP', url }: { scheme?: string; url?: string } = {},
  ): Promise<Exchange> {
    const first = await this.#send(await proofs(), scheme, url)
    const asksForNonce = challengeFor(first, 'dpop')?.parameters.error === 'use_dpop_nonce'
    return asksForNonce && this.nonce !== undefined ? this.#send(await proofs(), scheme, url) : first
  }

  /** The same opening by a bearer, with the token of the identity. */
  openAsBearer(url: string): Promise<Exchange> {
    return again(this.#context, this.#opening, { url, authorize: true })
  }

  async #send(proofs: readonly string[], scheme: string, url: string | undefined): Promise<Exchange> {
    const { conceal } = this.#context
    const exchange = await again(this.#context, this.#opening, {
      url,
      headers: [
        ['Authorization', `${scheme} ${conceal(this.#token, 'TOKEN_BOUND')}`],
        ...proofs.map((proof): [string, string] => ['DPoP', conceal(proof, 'PROOF')]),
      ],
    })
    this.nonce = headerOf(exchange, 'dpop-nonce') ?? this.nonce
    return exchange
  }
}
