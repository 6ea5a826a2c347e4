import { randomUUID } from 'node:crypto'
import type { UpstreamBehaviour } from '../../model/index.ts'
import { Calls } from './record.ts'

const mostScripts = 1000

export interface Script {
  behaviour: UpstreamBehaviour
  attempts: number
  calls: Calls
}

/** The behaviours registered, each with the calls that named it. */
export class Scripts {
  readonly #registered = new Map<string, Script>()

  register(behaviour: UpstreamBehaviour): string {
    const id = randomUUID()
    this.#registered.set(id, { behaviour, attempts: 0, calls: new Calls() })
    forgetOldest(this.#registered, mostScripts)
    return id
  }

  get(id: string): Script | undefined {
    return this.#registered.get(id)
  }
}

export function forgetOldest(map: Map<string, unknown>, most: number): void {
  const oldest = map.keys().next()
  if (map.size > most && !oldest.done) map.delete(oldest.value)
}
