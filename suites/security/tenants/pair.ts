import { type Connection, type Exchange, type ProbeContext, Unfit } from '../../../src/model/index.ts'

export type Side = 'own' | 'other'

/** The identity that the unit speaks as, and one of another tenant. */
export interface Pair {
  own: Party
  other: Party
}

export interface Party {
  identity: string
  tenant: string
  /** Texts that only this tenant may see, by the word of the operator. */
  canaries: readonly string[]
}

export const sides = ['own', 'other'] as const

export const otherSide = (side: Side): Side => (side === 'own' ? 'other' : 'own')

export function pairOf({ identities }: ProbeContext): Pair {
  const [own] = identities
  const other = identities.find(({ tenant }) => tenant !== own?.tenant)
  if (own === undefined || other === undefined)
    throw new Unfit('not-testable', 'needs identities of two tenants under `identities` of the target')
  return { own: partyOf(own), other: partyOf(other) }
}

const partyOf = ({ name, tenant, canaries }: ProbeContext['identities'][number]): Party => ({
  identity: name,
  tenant: tenant ?? name,
  canaries: canaries ?? [],
})

export type Clients = Record<Side, Connection>

/** The connection of each tenant that probes share, for what harms no other. */
export async function sharedBoth(context: ProbeContext): Promise<Clients> {
  const { own, other } = pairOf(context)
  const clients = { own: await context.session(own.identity), other: await context.session(other.identity) }
  const { opening } = clients.other
  if (opening.failure !== undefined && opening.messages.length === 0)
    throw new Unfit('inconclusive', `a connection could not be opened: ${opening.failure.message}`)
  return clients
}

/** A connection of each tenant for this probe alone. */
export async function connectBoth(context: ProbeContext): Promise<Clients> {
  const { own, other } = pairOf(context)
  const [mine, theirs] = await Promise.all([context.connect({ identity: own.identity }), context.connect({ identity: other.identity })])
  return { own: mine, other: theirs }
}

/** Everything that came back, as one text. */
export const heard = ({ response, messages }: Exchange): string =>
  `${response?.body ?? ''}\n${JSON.stringify(messages.map(({ message }) => message))}\n${JSON.stringify(response?.events ?? [])}`

/** Members of an answer that differ from one to the next without saying anything of its contents. */
const passing = new Set(['_meta', 'nextCursor', 'blob', 'ttlMs', 'cacheScope'])

/** The text of a result, without pictures and the like. */
export const textOf = (value: unknown): string =>
  JSON.stringify(value, (name, each) => (passing.has(name) || (name === 'data' && typeof each === 'string') ? undefined : each)) ?? ''
