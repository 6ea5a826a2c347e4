import { type Catalogue, type Connection, type Listing, resultOf } from '../model/index.ts'

/** Pages read of one list at most: a catalogue of ten thousand tools at a hundred a page. */
const mostPages = 100

const empty = { items: [], pages: [] }

/** Reads the lists of every claimed capability to their ends. */
export async function readCatalogue(connection: Connection): Promise<Catalogue> {
  const claims = connection.capabilities
  const [tools, resources, templates, prompts] = await Promise.all([
    claims.tools ? walk(connection, 'tools/list', 'tools') : empty,
    claims.resources ? walk(connection, 'resources/list', 'resources') : empty,
    claims.resources ? walk(connection, 'resources/templates/list', 'resourceTemplates') : empty,
    claims.prompts ? walk(connection, 'prompts/list', 'prompts') : empty,
  ])
  return { tools, resources, templates, prompts } as Catalogue
}

/** Follows `nextCursor` until there is none, a page fails, a cursor comes back, or the bound is reached. */
export async function walk(connection: Connection, method: string, member: string): Promise<Listing<unknown>> {
  const listing: Listing<unknown> = { items: [], pages: [] }
  const seen = new Set<string>()
  let cursor: string | undefined
  while (listing.pages.length < mostPages) {
    const page = await connection.send(method, cursor === undefined ? undefined : { cursor })
    listing.pages.push(page)
    const result = resultOf(page)
    if (result === undefined) return { ...listing, stopped: `page ${listing.pages.length} of ${method} has no result` }
    if (Array.isArray(result[member])) listing.items.push(...result[member].filter((item) => typeof item === 'object' && item !== null))
    const next = result.nextCursor
    if (next === undefined || next === null) return listing
    if (typeof next !== 'string' || seen.has(next)) return { ...listing, stopped: `nextCursor ${JSON.stringify(next)} comes back` }
    seen.add(next)
    cursor = next
  }
  return { ...listing, stopped: `more than ${mostPages} pages` }
}
