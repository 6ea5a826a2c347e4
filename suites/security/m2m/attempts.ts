import type { ClientAccess, Exchange, ProbeContext, RawRequest } from '../../../src/model/index.ts'
import { formBody } from '../forms.ts'
import {
  type Attempt,
  by,
  byBasic,
  byPost,
  type Credentials,
  type Form,
  formOf,
  grant,
  heedsResource,
  type TokenAnswer,
  type Way,
} from './machine.ts'

/** A scope and a resource nobody has. */
export const unknownScope = 'assay:unknown'
export const malformedScope = '"assay"'
export const unknownResource = 'https://assay-resource.example/mcp'

/** One client at one token endpoint, and what it has sent so far. */
export interface Machine {
  context: ProbeContext
  url: string
  client: ClientAccess
  way: Way
  own: Credentials
  asked: { scope?: string; resource?: string }
  /** The parameters of a request that is not damaged. */
  ordinary: Form
  sent: Exchange[]
  /** A token request, as the client itself unless it says otherwise. */
  send(what: string, form: Form, as?: Credentials): Promise<TokenAnswer>
  raw(what: string, request: RawRequest): Promise<Attempt>
}

const decoy = 'assay-wrong-secret-0123456789abcdef'

/** Secrets that are nearly right, or not at all. */
export function wrongSecrets({ context, client, way, ordinary, send }: Machine, other: Way | undefined): Promise<Attempt[]> {
  const secret = context.reveal(client.clientSecret)
  const swapped = secret.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
  const wrong: [what: string, secret: string, how: Way][] = [
    ['with another secret', decoy, way],
    ['with its secret cut short', secret.slice(0, -1), way],
    ['with its secret and more', `${secret}0`, way],
    ['with an empty secret', '', way],
    ...(swapped === secret ? [] : [['with its secret in other letters', swapped, way] as [string, string, Way]]),
    ...(other === undefined ? [] : [[`with another secret by ${other}`, decoy, other] as [string, string, Way]]),
  ]
  return Promise.all(
    wrong.map(([what, value, how]) => {
      const clientSecret = value === '' ? '' : context.conceal(value, 'WRONG_SECRET')
      return send(what, ordinary, by(context, how, { clientId: client.clientId, clientSecret }))
    }),
  )
}

/** Clients that do not authenticate, are unknown, or come with the secret of another. */
export async function wrongClients(
  { context, client, way, ordinary, send }: Machine,
  second: ClientAccess | undefined,
): Promise<{ anonymous: Attempt[]; strangers: Attempt[]; borrowed: Attempt[] }> {
  const nobody = context.conceal(decoy, 'WRONG_SECRET')
  const borrowed = second && by(context, way, { clientId: client.clientId, clientSecret: second.clientSecret })
  return {
    anonymous: [
      await send('with a client id and no secret', ordinary, { headers: [], form: [['client_id', client.clientId]] }),
      await send('without credentials', ordinary, { headers: [], form: [] }),
    ],
    strangers: [
      await send('of an unknown client', ordinary, byBasic(context, 'assay-nobody', nobody)),
      await send('of an unknown client in the form', ordinary, byPost('assay-nobody', nobody)),
    ],
    borrowed: borrowed === undefined ? [] : [await send('with the secret of another client', ordinary, borrowed)],
  }
}

/** The right parameters in places where they do not belong. */
export async function misplaced({ context, client, url, own, ordinary, raw }: Machine) {
  const at = (form: Form) => `${url}${url.includes('?') ? '&' : '?'}${formBody(context, form)}`
  const form: [string, string] = ['Content-Type', 'application/x-www-form-urlencoded']
  const id: Form = [['client_id', client.clientId]]
  const secret: Form = [['client_secret', client.clientSecret]]
  const json: [string, string] = ['Content-Type', 'application/json']
  return {
    query: [
      await raw('with its credentials in the URL', {
        url: at([...id, ...secret]),
        headers: [form],
        body: formBody(context, ordinary),
      }),
      await raw('with its secret in the URL', {
        url: at(secret),
        headers: [form],
        body: formBody(context, [...ordinary, ...id]),
      }),
    ],
    get: await raw('by GET', { method: 'GET', url: at([...ordinary, ...own.form]), headers: own.headers }),
    json: await raw('in JSON', {
      url,
      headers: [json, ...own.headers],
      body: JSON.stringify(Object.fromEntries([...ordinary, ...own.form])),
    }),
  }
}

/** Parameters that stand twice, are missing, or have values nobody knows. */
export async function misspelt({ ordinary, asked: { scope }, send }: Machine) {
  const rest = ordinary.slice(1)
  return {
    repeated: [
      await send('with two grant types', [grant, ...ordinary]),
      ...(scope === undefined ? [] : [await send('with two scopes', [...ordinary, ['scope', scope]])]),
    ],
    noGrant: await send('without a grant type', rest),
    unknownGrant: await send('for a grant nobody knows', [['grant_type', 'urn:assay:grant-type:unknown'], ...rest]),
  }
}

/** Scopes the client cannot have. */
export async function scopes({ context, client, asked: { scope, resource }, send }: Machine) {
  const { privilegedScope } = context.access()
  const ask = (what: string, value: string) => send(what, [grant, ...formOf({ resource, scope: value })])
  const beyond = privilegedScope !== undefined && client.scope !== undefined && !client.scope.split(' ').includes(privilegedScope)
  return {
    scopes: [
      await ask('for an unknown scope', scope === undefined ? unknownScope : `${scope} ${unknownScope}`),
      await ask('for a malformed scope', malformedScope),
    ],
    ...(beyond && { privileged: await ask('for a scope the client may not have', privilegedScope) }),
  }
}

/** Resources the client cannot have; a server that takes no notice of resources is asked for one only. */
export async function resources({ asked: { scope, resource }, send }: Machine, before: TokenAnswer) {
  if (resource === undefined) return { unknown: [], malformed: [] }
  const ask = (what: string, ...values: string[]) =>
    send(what, [grant, ...formOf({ scope }), ...values.map((value) => ['resource', value] as const)])
  const unknown = await ask('for an unknown resource', unknownResource)
  if (!heedsResource(before, unknown)) return { unknown: [unknown], malformed: [] }
  return {
    unknown: [unknown, await ask('for an unknown resource beside a known one', resource, unknownResource)],
    malformed: [
      await ask('for a resource with a fragment', `${resource}#assay`),
      await ask('for a resource that is no absolute URI', 'assay-resource'),
    ],
  }
}
