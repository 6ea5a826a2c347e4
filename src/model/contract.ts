import { createHash } from 'node:crypto'

/** Digests of contracts by kind, such as `tools`, and by name. */
export type Contracts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The saved form of what somebody has approved: by target and revision, because a gateway may say less at an old one. */
export interface ApprovedContracts {
  schema: 'assay/contracts/1'
  targets: Record<string, Record<string, Contracts>>
}

/** What a target tells models of itself, as it was read. Resources are left out: they are data, and come and go. */
export interface Told {
  tools: readonly object[]
  prompts: readonly object[]
  templates: readonly object[]
  instructions?: string
}

const keys = { tools: 'name', prompts: 'name', templates: 'uriTemplate' } as const

/** The contract of everything a target tells models: what it is called, what it says it does, what it takes and gives. */
export function contractsOf(told: Told): Contracts {
  const kinds = (Object.keys(keys) as (keyof typeof keys)[]).map((kind) => {
    const items = told[kind] as readonly Record<string, unknown>[]
    return [kind, Object.fromEntries(items.map((item) => [String(item[keys[kind]]), digestOf(contractOf(item))]))]
  })
  const server = told.instructions === undefined ? {} : { server: { instructions: digestOf(told.instructions) } }
  return { ...Object.fromEntries(kinds), ...server }
}

/** How contracts differ from those approved; each is named `kind name`. */
export function contractChanges(approved: Contracts, now: Contracts): { added: string[]; changed: string[]; gone: string[] } {
  const before = new Map(entriesOf(approved))
  const after = new Map(entriesOf(now))
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    changed: [...after].filter(([name, digest]) => before.has(name) && before.get(name) !== digest).map(([name]) => name),
    gone: [...before.keys()].filter((name) => !after.has(name)),
  }
}

const entriesOf = (contracts: Contracts): [string, string][] =>
  Object.entries(contracts).flatMap(([kind, digests]) =>
    Object.entries(digests).map(([name, digest]): [string, string] => [`${kind} ${name}`, digest]),
  )

// Neither reaches a model, and both may hold what differs from answer to answer.
const contractOf = ({ _meta, icons, ...contract }: Record<string, unknown>): Record<string, unknown> => contract

const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}
