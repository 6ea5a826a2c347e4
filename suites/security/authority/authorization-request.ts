import { createHash } from 'node:crypto'
import { type Exchange, headerOf, type ProbeContext, statusOf } from '../../../src/model/index.ts'

/** The code verifier of these requests: no secret, as they are the harness's own. */
export const verifier = 'assay'.repeat(12)

/** The address of an authorization request with everything a server may ask for; parameters given here replace or, empty, remove the usual ones. */
export function authorizationUrl(
  { facts }: ProbeContext,
  clientId: string,
  redirectUri: string,
  change: Record<string, string> = {},
): string {
  const url = new URL(String(facts.metadata!.authorization_endpoint))
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state: 'assay-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== '') url.searchParams.set(name, value)
  return url.href
}

/** Whether the browser was sent to this redirect URI: for an error too that is done only where the URI is held to be right. */
export function isHonoured(exchange: Exchange, redirectUri: string): boolean {
  const location = headerOf(exchange, 'location')
  return location !== undefined && (statusOf(exchange) ?? 0) < 400 && location.startsWith(redirectUri)
}
