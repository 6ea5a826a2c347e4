import { createHmac } from 'node:crypto'
import { type ProbeContext, Unfit } from '../../../src/model/index.ts'

type Json = Record<string, unknown>

export interface Jwt {
  header: Json
  claims: Json
  signature: string
}

/** The parts of a signed JWT, or undefined for any other token. */
export function decodeJwt(token: string): Jwt | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Json)
    return { header: header!, claims: claims!, signature: parts[2]! }
  } catch {
    return undefined
  }
}

export const encodeJwt = ({ header, claims, signature }: Jwt): string => `${encoded(header)}.${encoded(claims)}.${signature}`

/** The claims under an HMAC with the secret, which no target should know as a key. */
export function hmacJwt({ header, claims }: Omit<Jwt, 'signature'>, secret: string): string {
  const signed = `${encoded({ ...header, alg: 'HS256' })}.${encoded(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const encoded = (part: Json): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A token the target accepts, in its parts: that of the identity, or one of the forging issuer where the identity's is opaque. */
export async function acceptedJwt({ session, instruments }: ProbeContext): Promise<{ token: string; jwt: Jwt }> {
  const own = (await session()).token
  const jwt = own === undefined ? undefined : decodeJwt(own)
  if (own !== undefined && jwt !== undefined) return { token: own, jwt }
  const minted = await instruments.issuer?.mint()
  if (minted !== undefined) return { token: minted, jwt: decodeJwt(minted)! }
  throw new Unfit('not-testable', 'needs a token that is a signed JWT: that of the identity is opaque, and there is no forging issuer')
}
