import type { UpstreamCall } from '../../model/index.ts'

/** More than a run has; a target that fetches one for each call would fill the memory. */
const kept = 1_000
/** Milliseconds in which refusals are gathered. */
const gathered = 1_000

/** The tokens that callers show, by their digests. */
export class Tokens {
  readonly #seen = new Set<string>()
  #ended: ReadonlySet<string> = new Set()
  #refusedFrom = 0

  see({ headers: { authorization } }: UpstreamCall): void {
    if (authorization === undefined || this.#ended.has(authorization)) return
    this.#seen.add(authorization)
    if (this.#seen.size > kept) this.#seen.delete(this.#seen.values().next().value!)
  }

  /** Every token seen so far is no longer good. */
  end(): void {
    this.#ended = new Set([...this.#ended, ...this.#seen])
    this.#seen.clear()
    this.#refusedFrom = Date.now() + gathered
  }

  hasEnded({ headers: { authorization } }: UpstreamCall): boolean {
    return authorization !== undefined && this.#ended.has(authorization)
  }

  /** Milliseconds a refusal is still held back. */
  held(): number {
    return Math.max(0, this.#refusedFrom - Date.now())
  }
}
