import type { RegisteredCheck } from '../src/engine/types.ts'
import type { Check } from '../src/model/index.ts'

type Areas = Record<string, Check[][]>

const suites: Record<string, () => Promise<{ default: Areas }>> = {
  conformance: () => import('./conformance/index.ts'),
  security: () => import('./security/index.ts'),
}

/** Every check there is, in the order of suites, areas and sections. */
export async function loadChecks(): Promise<RegisteredCheck[]> {
  const loaded = await Promise.all(Object.entries(suites).map(async ([suite, load]) => register(suite, (await load()).default)))
  return loaded.flat()
}

const register = (suite: string, areas: Areas): RegisteredCheck[] =>
  Object.entries(areas).flatMap(([area, sections]) => sections.flat().map((check) => ({ ...check, suite, area })))
