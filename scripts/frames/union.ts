import type { Definitions, Schema } from './source.ts'

type Branch = { schema: Schema; shape: Schema }

/**
 * The same union, written so that a value is judged by the one branch it claims to be: by the tag it carries, by being a list, or by the
 * member that only that branch has. What is valid stays the same; what is said of the invalid becomes precise.
 */
export function discriminate(union: Schema[], definitions: Definitions): Schema {
  const branches = union.map((schema) => ({ schema, shape: shapeOf(schema, definitions) }))
  const lists = branches.filter(({ shape }) => shape.type === 'array')
  const objects = branches.filter(({ shape }) => shape.type === 'object')
  if (lists.length + objects.length === branches.length && lists.length === 1 && objects.length > 0) {
    return when({ type: 'array' }, lists[0]!.schema, amongObjects(objects))
  }
  return objects.length === branches.length ? amongObjects(objects) : { anyOf: union }
}

// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
const when = (test: Schema, met: Schema, unmet?: Schema): Schema => ({ if: test, then: met, ...(unmet && { else: unmet }) })

function amongObjects(branches: Branch[]): Schema {
  if (branches.length === 1) return branches[0]!.schema
  return byTag(branches) ?? byMember(branches) ?? { anyOf: branches.map(({ schema }) => schema) }
}

function shapeOf(schema: Schema, definitions: Definitions): Schema {
  for (let hops = 0; schema.$ref && hops < 10; hops++) schema = definitions[schema.$ref.replace('#/$defs/', '')] ?? {}
  return schema
}

const requires = ({ shape }: Branch, name: string): boolean => shape.required?.includes(name) ?? false

function tagsOf({ shape }: Branch, name: string): string[] | undefined {
  const { const: constant, enum: values } = shape.properties?.[name] ?? {}
  return constant === undefined ? values : [constant]
}

function byTag(branches: Branch[]): Schema | undefined {
  const names = Object.keys(branches[0]!.shape.properties ?? {}).sort()
  for (const name of names) {
    const groups = new Map<string, { tags: string[]; members: Branch[] }>()
    for (const branch of branches) {
      const tags = tagsOf(branch, name)
      if (!tags) break
      const group = groups.get(tags.join()) ?? { tags, members: [] }
      group.members.push(branch)
      groups.set(tags.join(), group)
    }
    const grouped = [...groups.values()]
    const tags = grouped.flatMap((group) => group.tags)
    const optional = branches.filter((branch) => !requires(branch, name))
    const complete = grouped.reduce((count, { members }) => count + members.length, 0) === branches.length
    if (!complete || grouped.length < 2 || new Set(tags).size !== tags.length || optional.length > 1) continue
    if (optional.length === 1 && grouped.length !== branches.length) continue
    return {
      type: 'object',
      properties: { [name]: { enum: tags } },
      ...(optional.length === 0 && { required: [name] }),
      allOf: grouped.map(({ tags: own, members }) =>
        when(
          { properties: { [name]: { enum: own } }, ...(!optional.includes(members[0]!) && { required: [name] }) },
          amongObjects(members.map((member) => withoutTag(member, name))),
        ),
      ),
    }
  }
  return undefined
}

// The branches of one group share the tag, so it no longer tells them apart.
const withoutTag = ({ schema, shape }: Branch, name: string): Branch => {
  const { [name]: _tag, ...properties } = shape.properties
  return { schema, shape: { ...shape, properties } }
}

function byMember(branches: Branch[]): Schema | undefined {
  const required = branches.map((branch) =>
    (branch.shape.required ?? []).find((name: string) => branches.every((other) => other === branch || !requires(other, name))),
  )
  if (required.includes(undefined)) return undefined
  const alone = required.map((name) => ({
    required: [name],
    not: { anyOf: required.filter((other) => other !== name).map((other) => ({ required: [other] })) },
  }))
  return {
    type: 'object',
    allOf: [
      ...branches.map(({ schema }, index) => when(alone[index]!, schema)),
      when({ anyOf: alone }, {}, { anyOf: branches.map(({ schema }) => schema) }),
    ],
  }
}
