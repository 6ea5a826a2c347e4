/**
 * Lets many share a target and one have it alone. Those who want it alone wait for all others, and nobody new is let in
 * before them.
 */
export class TargetLock {
  readonly #places: number
  #inside = 0
  #resting = 0
  #alone = false
  readonly #queue: { alone: boolean; enter: () => void }[] = []

  constructor(places: number) {
    this.#places = places
  }

  async hold<T>(alone: boolean, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((enter) => {
      this.#queue.push({ alone, enter })
      this.#admit()
    })
    try {
      return await work()
    } finally {
      this.#inside -= 1
      this.#alone = false
      this.#admit()
    }
  }

  /** Work that is inside lends its place to another while it only waits; it still keeps out those who want to be alone. */
  async rest(wait: () => Promise<void>): Promise<void> {
    this.#resting += 1
    this.#admit()
    try {
      await wait()
    } finally {
      this.#resting -= 1
    }
  }

  #admit(): void {
    while (this.#queue.length > 0 && !this.#alone) {
      const next = this.#queue[0]!
      if (next.alone ? this.#inside > 0 : this.#inside - this.#resting >= this.#places) return
      this.#queue.shift()
      this.#inside += 1
      this.#alone = next.alone
      next.enter()
    }
  }
}
