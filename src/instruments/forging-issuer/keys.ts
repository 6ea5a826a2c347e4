import { createPublicKey, generateKeyPair, type KeyObject, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)
const mostPublished = 10

export interface SigningKey {
  kid: string
  alg: string
  privateKey: KeyObject
  jwk: Record<string, unknown>
  pem: string
}

/** One key for each family of algorithms. */
export interface KeySet {
  rsa: SigningKey
  ec: SigningKey
}

async function newKeySet(): Promise<KeySet> {
  const [rsa, ec] = await Promise.all([generate('rsa', { modulusLength: 2048 }), generate('ec', { namedCurve: 'P-256' })])
  return { rsa: signingKey(rsa.privateKey, 'RS256'), ec: signingKey(ec.privateKey, 'ES256') }
}

function signingKey(privateKey: KeyObject, alg: string): SigningKey {
  const kid = randomUUID()
  const publicKey = createPublicKey(privateKey)
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { kid, alg, privateKey, jwk, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}

/** The keys of the issuer: those it signs with, those it publishes, and one it never publishes. */
export class Keys {
  #current: KeySet
  #published: KeySet[]
  #former?: { current: KeySet; published: KeySet[] }
  readonly stray: KeySet

  private constructor(current: KeySet, stray: KeySet) {
    this.#current = current
    this.#published = [current]
    this.stray = stray
  }

  static async generate(): Promise<Keys> {
    return new Keys(await newKeySet(), await newKeySet())
  }

  get current(): KeySet {
    return this.#current
  }

  get published(): Record<string, unknown>[] {
    return this.#published.flatMap(jwksOf)
  }

  async rotate({ publish = true, withdraw = false, back = false }: Rotation): Promise<void> {
    if (back) return this.#goBack()
    this.#former = { current: this.#current, published: this.#published }
    this.#current = await newKeySet()
    if (withdraw) this.#published = []
    if (publish) this.#published = [this.#current, ...this.#published].slice(0, mostPublished)
  }

  #goBack(): void {
    if (this.#former === undefined) return
    this.#current = this.#former.current
    this.#published = this.#former.published
    this.#former = undefined
  }
}

export interface Rotation {
  publish?: boolean
  withdraw?: boolean
  back?: boolean
}

export const jwksOf = ({ rsa, ec }: KeySet): Record<string, unknown>[] => [rsa.jwk, ec.jwk]
