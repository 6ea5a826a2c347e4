import type { Exchange, ProbeContext } from '../../../src/model/index.ts'
import { basicCredentials, formBody } from '../forms.ts'
import { type Client, listOf } from './desk.ts'

/** Asks for a token as a client, in the way it was registered to prove who it is. */
export function askAs(
  context: ProbeContext,
  { clientId, secret, said }: Pick<Client, 'clientId' | 'secret' | 'said'>,
  fields: Record<string, string>,
): Promise<Exchange> {
  const headers: [string, string][] = [
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Accept', 'application/json'],
  ]
  const url = String(context.facts.metadata!.token_endpoint)
  const ask = (more: [string, string][], all: Record<string, string>) =>
    context.request({ method: 'POST', url, headers: [...headers, ...more], body: formBody(context, all), authorize: false })
  if (secret === undefined) return ask([], { ...fields, client_id: clientId })
  if (said.token_endpoint_auth_method === 'client_secret_post') return ask([], { ...fields, client_id: clientId, client_secret: secret })
  return ask([['Authorization', basicCredentials(context, clientId, secret)]], fields)
}

/** The first client the operator has given; how it proves who it is follows from what the server offers. */
export function operatorClient(context: ProbeContext): Pick<Client, 'clientId' | 'secret' | 'said'> {
  const { clientId, clientSecret } = context.access().clients[0]!
  const methods = listOf(context.facts.metadata!.token_endpoint_auth_methods_supported) ?? ['client_secret_basic']
  const method = methods.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post'
  return { clientId, secret: clientSecret, said: { token_endpoint_auth_method: method } }
}

/** The resource to ask tokens for, where one is known. */
export function resourceOf(context: ProbeContext): Record<string, string> {
  const { resource } = context.facts.facilities.resource === true ? context.access() : { resource: undefined }
  return resource === undefined ? {} : { resource }
}
