import { type Catalogue, type Contracts, contractsOf, type Listing, resultOf } from '../model/index.ts'
import { Activity, Pace } from '../wire/index.ts'
import { readCatalogue } from './catalogue.ts'
import { closeLine, type OpenLine, openLines } from './connect.ts'
import type { Target } from './types.ts'

/** What a target tells models, at each revision it serves. Throws when it cannot be read whole: half a list is no contract. */
export async function readContracts(target: Target): Promise<Record<string, Contracts>> {
  const lines = await openLines(target, new Pace(target.limits.requestsPerSecond), new Activity())
  try {
    const read = await Promise.all(lines.map(async (open): Promise<[string, Contracts]> => [open.line.revision, await contractsAt(open)]))
    return Object.fromEntries(read)
  } finally {
    await Promise.all(lines.map(closeLine))
  }
}

async function contractsAt({ line, session }: OpenLine): Promise<Contracts> {
  const catalogue = await readCatalogue(session)
  const stopped = Object.values<Listing<unknown>>(catalogue as unknown as Record<keyof Catalogue, Listing<unknown>>).find(
    (list) => list.stopped,
  )
  if (stopped !== undefined) throw new Error(`a list could not be read to its end at ${line.revision}: ${stopped.stopped}`)
  const instructions = resultOf(session.opening)?.instructions
  return contractsOf({
    tools: catalogue.tools.items,
    prompts: catalogue.prompts.items,
    templates: catalogue.templates.items,
    ...(typeof instructions === 'string' ? { instructions } : {}),
  })
}
