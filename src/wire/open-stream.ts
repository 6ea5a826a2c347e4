import type { Exchange, Stream } from '../model/index.ts'

/** What the target says by itself, on a stream that is kept open: an answer over HTTP, or the output of a process. */
export class OpenStream implements Stream {
  readonly exchange: Exchange
  /** Settles when the peer has ended it. */
  readonly #over: Promise<unknown>
  /** Called whenever a message has arrived. */
  readonly #looks: Set<() => void>
  readonly #leave: () => undefined | Promise<unknown>

  constructor(exchange: Exchange, over: Promise<unknown>, looks: Set<() => void>, leave: () => undefined | Promise<unknown>) {
    this.exchange = exchange
    this.#over = over
    this.#looks = looks
    this.#leave = leave
  }

  next(fits: (message: unknown) => boolean, milliseconds: number): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const look = () => {
      const found = this.exchange.messages.find(({ message }) => fits(message))
      if (found) resolve(found.message)
    }
    const timer = setTimeout(() => resolve(undefined), milliseconds)
    this.#looks.add(look)
    look()
    return promise.finally(() => {
      clearTimeout(timer)
      this.#looks.delete(look)
    })
  }

  ended(milliseconds: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), milliseconds)
    this.#over.then(() => resolve(true))
    return promise.finally(() => clearTimeout(timer))
  }

  async close(): Promise<void> {
    await this.#leave()
  }
}
