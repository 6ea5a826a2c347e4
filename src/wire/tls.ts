import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { SecuredBy, SentRequest } from '../model/index.ts'

/** In PEM: what a client trusts, and what it shows of itself. */
export interface Credentials {
  ca?: string
  cert?: string
  key?: string
}

/** One way of securing a connection: as it is written down, and as it is done. */
export interface Securing {
  choice: NonNullable<SentRequest['tls']>
  options: Credentials & { minVersion?: Version; maxVersion?: Version; ciphers?: string; rejectUnauthorized: false }
}

type Version = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** What a handshake has led to. A certificate that is not trusted does not end it: that is for a check to say. */
export function securedBy(socket: TLSSocket): SecuredBy {
  const certificate = socket.getPeerCertificate()
  const problem = socket.authorized ? undefined : String(socket.authorizationError ?? 'not trusted')
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher()?.standardName ?? '',
    ...(problem === undefined ? {} : { problem }),
    serial: certificate.serialNumber ?? '',
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    names: certificate.subjectaltname ?? '',
    from: certificate.valid_from ?? '',
    to: certificate.valid_to ?? '',
  }
}

const nameOf = (name: PeerCertificate['subject'] | undefined): string =>
  Object.entries(name ?? {})
    .map(([part, value]) => `${part}=${[value].flat().join('+')}`)
    .join(', ')
