import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A certificate with its key, in PEM. */
export interface Certified {
  cert: string
  key: string
}

/** What signs certificates: a certificate of its own, and its key. */
export interface Authority extends Certified {
  readonly name: string
}

export interface CertificateWish {
  /** The common name. */
  name: string
  /** The organisational unit, which is where deployments put a tenant. */
  unit?: string
  /** Names and addresses a server is reached at. */
  hosts?: readonly string[]
  /** Signs itself when left out. */
  by?: Authority
  authority?: boolean
  /** Seconds from now; an hour ago and a day from now when left out. */
  from?: number
  to?: number
}

const hour = 3_600
const day = 86_400

/** Makes a certificate for a fresh P-256 key (RFC 5280). What is wrong with it is what was asked for. */
export function makeCertificate(wish: CertificateWish): Certified {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = wish.by === undefined ? privateKey : wish.by.key
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(wish.by?.name ?? wish.name, wish.by === undefined ? wish.unit : undefined),
    sequence(time(wish.from ?? -hour), time(wish.to ?? day)),
    nameOf(wish.name, wish.unit),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions(wish))),
  )
  const signature = sign('sha256', body, signer)
  const der = sequence(body, algorithm, bits(signature))
  return { cert: pem(der), key: pkcs8(privateKey) }
}

/** Makes an authority that signs certificates. */
export function makeAuthority(name: string): Authority {
  return { name, ...makeCertificate({ name, authority: true }) }
}

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`

// The distinguished encoding rules of ITU-T X.690, as far as a certificate needs them.

function tagged(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length > 0xff ? [0x82, content.length >> 8, content.length & 0xff] : [0x81, content.length])
  return Buffer.concat([Buffer.from([tag]), length, content])
}

const sequence = (...members: Buffer[]): Buffer => tagged(0x30, ...members)
const set = (...members: Buffer[]): Buffer => tagged(0x31, ...members)
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes)
const octets = (content: Buffer): Buffer => tagged(0x04, content)
const bits = (content: Buffer): Buffer => tagged(0x03, Buffer.from([0]), content)
const text = (value: string): Buffer => tagged(0x0c, Buffer.from(value, 'utf8'))
const truth: Buffer = tagged(0x01, Buffer.from([0xff]))

const identifiers = {
  'ecdsa-with-SHA256': '2a8648ce3d040302',
  commonName: '550403',
  organizationalUnit: '55040b',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
} as const

const identifier = (name: keyof typeof identifiers): Buffer => tagged(0x06, Buffer.from(identifiers[name], 'hex'))

const algorithm = sequence(identifier('ecdsa-with-SHA256'))

const attribute = (name: 'commonName' | 'organizationalUnit', value: string): Buffer => set(sequence(identifier(name), text(value)))

const nameOf = (common: string, unit: string | undefined): Buffer =>
  sequence(...(unit === undefined ? [] : [attribute('organizationalUnit', unit)]), attribute('commonName', common))

/** UTCTime, good until 2049. */
const time = (seconds: number): Buffer =>
  tagged(0x17, Buffer.from(`${new Date(Date.now() + seconds * 1_000).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`))

function extensions({ authority = false, hosts = [] }: CertificateWish): Buffer[] {
  const extension = (name: keyof typeof identifiers, value: Buffer, critical = false) =>
    sequence(identifier(name), ...(critical ? [truth] : []), octets(value))
  const usage = authority ? Buffer.from([1, 0x06]) : Buffer.from([7, 0x80])
  return [
    extension('basicConstraints', authority ? sequence(truth) : sequence(), true),
    extension('keyUsage', tagged(0x03, usage), true),
    ...(authority ? [] : [extension('extendedKeyUsage', sequence(identifier('serverAuth'), identifier('clientAuth')))]),
    ...(hosts.length === 0 ? [] : [extension('subjectAltName', sequence(...hosts.map(hostName)))]),
  ]
}

function hostName(host: string): Buffer {
  const numbers = host.split('.').map(Number)
  const isAddress = numbers.length === 4 && numbers.every((number) => number >= 0 && number <= 255)
  return isAddress ? tagged(0x87, Buffer.from(numbers)) : tagged(0x82, Buffer.from(host))
}
