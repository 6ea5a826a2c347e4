import { bodyOf, type Exchange, type RawRequest, Unfit } from '../model/index.ts'

/** Counts the tokens that probes are given: where each is billed, so many in one run and no more. */
export class TokenBudget {
  readonly #most: number
  #spent = 0

  constructor(most: number = Number.POSITIVE_INFINITY) {
    this.#most = most
  }

  /** Sends a request; throws `Unfit` instead when it might bring a token and none is left. */
  async spend(request: RawRequest, send: () => Promise<Exchange>): Promise<Exchange> {
    if (!mayBringToken(request)) return send()
    if (this.#spent >= this.#most)
      throw new Unfit('not-testable', `the budget of ${this.#most} tokens is spent: see \`limits.tokens\` of the target`)
    // Taken before the answer is known, for several may be asked for at once.
    this.#spent += 1
    const exchange = await send()
    if (bodyOf(exchange)?.access_token === undefined) this.#spent -= 1
    return exchange
  }
}

const mayBringToken = ({ url, body }: RawRequest): boolean => /\bgrant_type=/.test(`${url} ${typeof body === 'string' ? body : ''}`)
