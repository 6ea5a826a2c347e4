import { randomUUID } from 'node:crypto'
import { type Exchange, type Forgery, type ProbeContext, probe } from '../../../src/model/index.ts'
import { unknownResource } from '../m2m/attempts.ts'
import {
  type Attempt,
  by,
  type Credentials,
  endpointOf,
  type Form,
  formOf,
  issuedBy,
  postForm,
  read,
  type TokenAnswer,
  tokenOf,
  words,
} from '../m2m/machine.ts'

/** The grant type of RFC 7523 §2.1. */
export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** The type of the JWT in which an identity provider vouches for somebody (ID-JAG §3.1). */
const typ = 'oauth-id-jag+jwt'

/** What a client gets for the grants of an identity provider, right and wrong. */
export interface Grants {
  resource: string
  before: TokenAnswer
  after: TokenAnswer
  type: Attempt[]
  idToken: Attempt[]
  audience: Attempt[]
  alone: Attempt[]
  client: Attempt[]
  issuer: Attempt[]
  subject: Attempt[]
  expired: Attempt[]
  endless: Attempt[]
  early: Attempt[]
  signature: Attempt[]
  unsigned: Attempt[]
  replayed: Attempt[]
  unnumbered: Attempt[]
  foreign: Attempt[]
  anonymous: Attempt[]
  /** For more than the grant says, where the client could have more. */
  beyond?: { scopes: string[]; answer: TokenAnswer }
  issued: number
}

const seconds = () => Math.floor(Date.now() / 1_000)

/** The grants with which a client asks for a token in the name of somebody else (ID-JAG §4.4), whole and damaged. */
export const grants = probe(
  'grants of an identity provider',
  { requires: ['identity assertion grant', 'client', 'resource'], deadline: 60_000 },
  async (context): Promise<Grants> => {
    const { clients, resource, scope: common } = context.access()
    const [client, second] = clients
    const scope = common ?? client!.scope
    const { bearer, own, first, before } = await firstGrant(context, scope)
    const { mint, present, all, each } = bearer
    const now = seconds()
    const gathered = {
      type: await each(own, {
        'with a JWT of no type in particular': { header: { typ: 'JWT' } },
        'with a JWT of the type of access tokens': { header: { typ: 'at+jwt' } },
        'with a JWT without a type': { header: { typ: undefined } },
      }),
      idToken: await each(own, {
        'with an ID token in place of a grant': {
          header: { typ: 'JWT' },
          claims: { aud: client!.clientId, client_id: undefined, resource: undefined, scope: undefined, nonce: randomUUID() },
        },
      }),
      audience: await each(own, {
        'with a grant for another server': { claims: { aud: 'https://assay-audience.example' } },
        'with a grant for a server that is named alike': { claims: { aud: `${bearer.audience}.assay-audience.example` } },
        'with a grant for nobody': { claims: { aud: undefined } },
      }),
      alone: await each(own, {
        'with a grant for another server as well': { claims: { aud: [bearer.audience, 'https://assay-audience.example'] } },
      }),
      client: await each(own, {
        ...(second && { 'with the grant of another client': { claims: { client_id: second.clientId } } }),
        'with the grant of an unknown client': { claims: { client_id: 'assay-stranger' } },
        'with the grant of no client': { claims: { client_id: undefined } },
      }),
      issuer: await each(own, {
        'with a grant of another issuer': { claims: { iss: 'https://assay-issuer.example' } },
        'with a grant of no issuer': { claims: { iss: undefined } },
      }),
      subject: await each(own, { 'with a grant about nobody': { claims: { sub: undefined } } }),
      expired: await each(own, { 'with a grant that expired an hour ago': { claims: { iat: now - 3_900, exp: now - 3_600 } } }),
      endless: await each(own, { 'with a grant without an end': { claims: { exp: undefined } } }),
      early: await each(own, { 'with a grant that is valid from an hour on': { claims: { nbf: now + 3_600, exp: now + 3_900 } } }),
      signature: await each(own, {
        'with a grant signed with another key': { key: 'unknown' },
        'with a grant that brings its own key': { key: 'unknown', header: { jwk: true } },
        'with a grant that names its own keys': { key: 'unknown', header: { jku: true } },
        'with a grant that was changed after it was signed': { tamper: 'payload' },
        'with a grant whose signature was changed': { tamper: 'signature' },
        'with a grant signed with the public key as a secret': { key: 'public-as-secret-pem' },
      }),
      unsigned: await each(own, {
        'with a grant that says it needs no signature': { key: 'none' },
        'with a grant whose signature is left out': { tamper: 'strip-signature' },
      }),
      replayed: tokenOf(before.exchange) === undefined ? [] : await all(own, { 'with a grant that was used before': first }),
      unnumbered: await each(own, { 'with a grant without a number': { claims: { jti: undefined } } }),
      foreign: await each(own, { 'with a grant for the resource of somebody else': { claims: { resource: unknownResource } } }),
      anonymous: await anonymously(context, bearer, client!.clientId),
    }
    const wider = words(client!.scope).filter((each) => !words(scope).includes(each))
    const asked = [...words(scope), ...wider].join(' ')
    const beyond =
      wider.length > 0 ? { scopes: wider, answer: await present('for more than the grant is for', await mint(), own, asked) } : undefined
    const after = await present('that is not damaged', await mint(), own)
    return { resource: resource!, before, ...gathered, beyond, after, issued: bearer.issued() }
  },
)

interface Bearer {
  /** The issuer of the authorization server by its own name. */
  audience: string
  /** A grant the server must take unless it is damaged. */
  mint(damage?: Forgery): Promise<string>
  present(what: string, grant: string, as: Credentials, scope?: string): Promise<TokenAnswer>
  all(as: Credentials, grants: Record<string, string>): Promise<Attempt[]>
  each(as: Credentials, damages: Record<string, Forgery>): Promise<Attempt[]>
  issued(): number
}

interface FirstGrant {
  bearer: Bearer
  own: Credentials
  first: string
  before: TokenAnswer
}

// By Basic first, which every server must know; for the issuer as the operator spells it, and then as the metadata does.
async function firstGrant(context: ProbeContext, scope: string | undefined): Promise<FirstGrant> {
  const { clients, issuer } = context.access()
  const tried: FirstGrant[] = []
  for (const way of ['basic', 'post'] as const) {
    for (const audience of new Set([issuer, String(context.facts.metadata!.issuer)])) {
      const [bearer, own] = [bearerOf(context, audience, scope), by(context, way, clients[0]!)]
      const first = await bearer.mint()
      const before = await bearer.present('that is not damaged', first, own)
      tried.push({ bearer, own, first, before })
      if (tokenOf(before.exchange) !== undefined) return tried.at(-1)!
    }
  }
  return tried[0]!
}

function bearerOf(context: ProbeContext, audience: string, scope: string | undefined): Bearer {
  const url = endpointOf(context, 'token_endpoint')
  const { clients, employee, resource } = context.access()
  const sent: Exchange[] = []
  const mint = ({ header, claims, ...damage }: Forgery = {}) =>
    context.instruments.issuer!.mint({
      ...damage,
      header: { typ, ...header },
      claims: { tenant: undefined, ...employee, aud: audience, client_id: clients[0]!.clientId, resource, scope, ...claims },
    })
  const present: Bearer['present'] = async (what, grant, { headers, form }, asked = scope) => {
    const whole: Form = [['grant_type', jwtBearer], ['assertion', context.conceal(grant, 'GRANT')], ...formOf({ scope: asked }), ...form]
    const exchange = await postForm(context, url, whole, headers)
    sent.push(exchange)
    return read(context, what, exchange)
  }
  const all: Bearer['all'] = (as, grants) => Promise.all(Object.entries(grants).map(([what, grant]) => present(what, grant, as)))
  const each: Bearer['each'] = (as, damages) =>
    Promise.all(Object.entries(damages).map(async ([what, damage]) => present(what, await mint(damage), as)))
  return { audience, mint, present, all, each, issued: () => issuedBy(sent) }
}

/** Whole grants of which the bearer does not show that they are its own. */
async function anonymously(context: ProbeContext, { mint, present }: Bearer, clientId: string): Promise<Attempt[]> {
  const clientSecret = context.conceal('assay-wrong-secret-0123456789abcdef', 'WRONG_SECRET')
  return [
    await present('with a grant and another secret', await mint(), by(context, 'basic', { clientId, clientSecret })),
    await present('with a grant and no secret', await mint(), { headers: [], form: [['client_id', clientId]] }),
    await present('with a grant and no credentials', await mint(), { headers: [], form: [] }),
  ]
}
