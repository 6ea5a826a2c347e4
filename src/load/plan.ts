import { createHash } from 'node:crypto'
import type { LoadScript, UnitFacts } from '../model/index.ts'

/** Traffic that is sent elsewhere: what is needed to read what was written there, and to judge it. It holds no secrets. */
export interface LoadPlan {
  readonly schema: 'assay/load-plan/1'
  /** The same for the same traffic; what shards write names it. */
  readonly id: string
  readonly shards: number
  /** Version of k6. */
  readonly k6: string
  /** What is known of the target. */
  readonly facts: UnitFacts
  readonly script: LoadScript
}

/** What one process of k6 counted, as the script of the virtual users writes it. */
export interface ShardSummary {
  readonly schema: 'assay/load-shard/1'
  readonly plan?: string
  /** Its execution segment, such as `1/4:1/2`; nothing where it sent the whole. */
  readonly segment: string | null
  readonly dropped: number
  readonly iterations: number
}

export const planOf = (script: LoadScript, facts: UnitFacts, shards: number, k6: string): LoadPlan => ({
  schema: 'assay/load-plan/1',
  id: createHash('sha256').update(JSON.stringify({ script, shards })).digest('hex').slice(0, 16),
  shards,
  k6,
  facts,
  script,
})
