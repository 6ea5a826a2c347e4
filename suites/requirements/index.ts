import type { RegisteredCheck } from '../../src/engine/types.ts'
import type { Revision } from '../../src/model/index.ts'
import rows from './requirements.json' with { type: 'json' }
import { reasons } from './unchecked.ts'

/** One thing of the specification that can be observed from outside a server or gateway. */
export interface Requirement {
  id: string
  section: number
  /** `CLIENT` marks a duty of the other side whose effect on the server is observed. */
  keyword: 'MUST' | 'SHOULD' | 'POLICY' | 'CLIENT'
  revisions: Revision[]
  /** Page and section of the specification, or the concern where no page says it. */
  page: string
}

export const requirements = rows as Requirement[]

export interface Coverage {
  requirement: Requirement
  checks: RegisteredCheck[]
  /** Why no check observes it. */
  reason?: string
}

/** Every requirement with the checks that observe it, or the reason why none does. */
export function coverageBy(checks: readonly RegisteredCheck[]): Coverage[] {
  return requirements.map((requirement) => {
    const observing = checks.filter(({ covers }) => covers.includes(requirement.id))
    return observing.length > 0 ? { requirement, checks: observing } : { requirement, checks: [], reason: reasonFor(requirement) }
  })
}

const reasonFor = ({ id, section }: Requirement): string | undefined => reasons[id] ?? reasons[`section ${section}`]
