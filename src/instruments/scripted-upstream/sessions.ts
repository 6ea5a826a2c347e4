import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isRevision, type Revision } from '../../model/index.ts'
import { forgetOldest } from './scripts.ts'

const mostSessions = 10_000
const assumed: Revision = '2025-03-26'

export const sessionOf = (request: IncomingMessage): string | undefined => {
  const id = request.headers['mcp-session-id']
  return typeof id === 'string' ? id : undefined
}

/** The sessions of the upstream, each with the revision agreed on. */
export class Sessions {
  readonly #open = new Map<string, Revision>()

  begin(revision: Revision): string {
    const id = randomUUID()
    this.#open.set(id, revision)
    forgetOldest(this.#open, mostSessions)
    return id
  }

  end(id: string): boolean {
    return this.#open.delete(id)
  }

  lose(): void {
    this.#open.clear()
  }

  /** The request names a session that does not exist, or no longer. */
  lacks(request: IncomingMessage): boolean {
    const id = sessionOf(request)
    return id !== undefined && !this.#open.has(id)
  }

  /** The revision of the session, or without one that of the version header. */
  revisionOf(request: IncomingMessage, version: string | undefined): Revision {
    const id = sessionOf(request)
    if (id !== undefined) return this.#open.get(id) ?? assumed
    return isRevision(version) ? version : assumed
  }
}
