import type { RegisteredCheck } from '../src/engine/types.ts'
import type { Check } from '../src/model/index.ts'

/** Sections by folder. */
type Areas = Record<string, Check[][]>

const suites: Record<string, () => Promise<{ default: Areas }>> = {
  conformance: () => import('./conformance/index.ts'),
  security: () => import('./security/index.ts'),
  load: () => import('./load/index.ts'),
}

/** Every check there is, in the order of suites, areas and sections. */
export async function loadChecks(): Promise<RegisteredCheck[]> {
  const loaded = await Promise.all(Object.entries(suites).map(async ([suite, load]) => register(suite, (await load()).default)))
  return loaded.flat()
}

// A folder may hold several small areas, as the specification's page on utilities does: the id says which.
const register = (suite: string, folders: Areas): RegisteredCheck[] =>
  Object.values(folders)
    .flat(2)
    .map((check) => ({ ...check, suite, area: check.id.split('/')[0]! }))
