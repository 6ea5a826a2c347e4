import { createHash, X509Certificate } from 'node:crypto'
import { makeAuthority, makeCertificate } from '../instruments/certificates.ts'
import { type TlsChoice, Unfit } from '../model/index.ts'
import type { Credentials } from '../wire/index.ts'
import type { Target } from './types.ts'

/** What connections on behalf of a tenant show of themselves: the certificate given for the tenant, or the first. */
export function ownCredentials({ tls }: Target, tenant?: string): Credentials {
  const client = tls?.clients.find((each) => tenant !== undefined && each.tenant === tenant) ?? tls?.clients[0]
  return { ...(tls?.ca === undefined ? {} : { ca: tls.ca }), ...(client === undefined ? {} : { cert: client.cert, key: client.key }) }
}

/** The choice of a probe, with the certificate it names. */
export function securing(target: Target, choice: TlsChoice) {
  const { version, ciphers, client } = choice
  return {
    choice,
    options: {
      ...credentialsOf(target, client),
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
      ...(ciphers === undefined ? {} : { ciphers }),
      rejectUnauthorized: false as const,
    },
  }
}

function credentialsOf(target: Target, client: string | null | undefined): Credentials {
  const { ca, ...own } = ownCredentials(target)
  const trusted = ca === undefined ? {} : { ca }
  if (client === undefined) return { ...trusted, ...own }
  if (client === null) return trusted
  const given = [...(target.tls?.clients ?? []), ...(target.tls?.refused ?? [])].find(({ name }) => name === client)
  return { ...trusted, ...(given ? { cert: given.cert, key: given.key } : made(client)) }
}

/** A certificate that no target has a reason to trust. */
function made(client: string): Credentials {
  if (client === 'self-signed') return makeCertificate({ name: 'assay' })
  if (client === 'another authority') return makeCertificate({ name: 'assay', by: makeAuthority('Assay') })
  throw new Unfit('not-testable', `there is no client certificate ${client}: see \`tls.clients\` of the target`)
}

/** The SHA-256 of a certificate given in PEM, as tokens name it that are bound to it (RFC 8705 §3.1). */
export const thumbprintOf = (cert: string): string => createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
