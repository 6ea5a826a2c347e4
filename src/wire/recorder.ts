import type { Exchange, Revision, SentRequest } from '../model/index.ts'

export interface RecorderLimits {
  /** Bytes of a response body that are read. */
  maxBytes: number
  /** Milliseconds an exchange may take unless it says otherwise. */
  exchangeDeadline: number
}

/** Characters of a body that are kept as text. */
export const keptText = 65_536

/** Members of a JSON document that hand out a credential (RFC 6749 §5.1, RFC 7591 §3.2.1, OpenID Connect Core §3.1.3.3). */
const handedOut = /"(access_token|refresh_token|id_token|client_secret|registration_access_token)"\s*:\s*"((?:[^"\\]|\\.)+)"/g
/** The same in the address of a redirect. */
const inAddress = /[?&#](code|access_token|id_token)=([^&#"'\s<]+)/g

/** Holds all units of one target together under its limit on requests a second. */
export class Pace {
  readonly #gap: number
  #nextSlot = 0

  constructor(requestsPerSecond: number) {
    this.#gap = 1000 / requestsPerSecond
  }

  async turn(): Promise<void> {
    const now = performance.now()
    // Slots not used in the last tenth of a second may be used at once: a pace, not a metronome.
    this.#nextSlot = Math.max(this.#nextSlot + this.#gap, now - 100)
    const wait = this.#nextSlot - now
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

/**
 * Writes down what a unit of a run says and hears. Secrets are replaced here, before anything is kept, so that nothing
 * downstream can leak them. Also paces requests, and measures the time in which nothing was in flight.
 */
export class Recorder {
  readonly exchanges: Exchange[] = []
  readonly limits: RecorderLimits
  readonly #secrets = new Map<string, string>()
  #longestFirst: [secret: string, label: string][] = []
  readonly #epoch: number
  readonly #activity: Activity
  readonly #awaited = new Set<Exchange>()
  readonly #pace: Pace
  readonly #foreign = new Map<number, Revision>()
  readonly #vault = new Map<string, string>()
  #connections = 0
  #written = 0

  constructor(limits: RecorderLimits, pace: Pace, activity: Activity) {
    this.limits = limits
    this.#pace = pace
    this.#activity = activity
    this.#epoch = activity.epoch
  }

  /** Milliseconds since the run began, to the microsecond. */
  now(): number {
    return Math.round((performance.now() - this.#epoch) * 1000) / 1000
  }

  /** The number of a new connection; `foreign` is the revision it speaks when that is not the unit's. */
  nextConnection(foreign?: Revision): number {
    this.#connections += 1
    if (foreign !== undefined) this.#foreign.set(this.#connections, foreign)
    return this.#connections
  }

  /** From now on the value is written as `label`. Very short values are left alone: they would blot out ordinary text. */
  hide(secret: string | undefined, label: string): void {
    if (secret !== undefined && secret.length >= 8) this.#write(secret, label)
  }

  /** Hides a secret that will be needed again, and returns the name it has from now on. */
  keep(secret: string, kind: string): string {
    const known = this.#secrets.get(secret)
    if (known !== undefined && this.#vault.has(known)) return known
    const name = `$${kind}_${this.#vault.size + 1}`
    this.#write(secret, name)
    this.#vault.set(name, secret)
    return name
  }

  /** Puts the secrets back in the place of their names. */
  reveal(text: string): string {
    return this.#vault.size === 0 || !text.includes('$') ? text : text.replaceAll(/\$[A-Z_]+_\d+/g, (name) => this.#vault.get(name) ?? name)
  }

  /** Keeps the credentials that a text hands out, and returns the text without them. */
  conceal(text: string): string {
    for (const given of [handedOut, inAddress])
      for (const [, member, value] of text.matchAll(given)) this.keep(value!, member!.toUpperCase())
    return this.redact(text)
  }

  /** The value of a Set-Cookie field without the value of the cookie. */
  concealCookie(field: string): string {
    return field.replace(
      /^([^=;]*=)([^;]+)/,
      (_, name: string, value: string) => name + (value.length < 4 ? value : this.keep(value, 'COOKIE')),
    )
  }

  // A secret may begin as another does: were the shorter one replaced first, the rest of the longer one would stay.
  #write(secret: string, label: string): void {
    if (this.#secrets.get(secret) === label) return
    this.#secrets.set(secret, label)
    this.#longestFirst = [...this.#secrets].toSorted(([one], [other]) => other.length - one.length)
  }

  redact(text: string): string {
    let clean = text
    for (const [secret, label] of this.#longestFirst) if (clean.includes(secret)) clean = clean.replaceAll(secret, label)
    return clean
  }

  turn(): Promise<void> {
    return this.#pace.turn()
  }

  /** An exchange that has begun. One of a storm is written down only if it turns out to be worth it. */
  begin(via: 'http' | 'stdio', connection: number, request: SentRequest, passing = false): Exchange {
    const started = this.now()
    const revision = this.#foreign.get(connection)
    const spoken = revision === undefined ? {} : { revision }
    const exchange: Exchange = {
      id: 0,
      connection,
      via,
      ...spoken,
      request: this.#clean(request),
      messages: [],
      started,
      ended: started,
    }
    if (!passing) this.write(exchange)
    this.#awaited.add(exchange)
    this.#activity.began()
    return exchange
  }

  /** Keeps an exchange, if it is not kept yet. */
  write(exchange: Exchange): void {
    if (exchange.id !== 0) return
    this.#written += 1
    exchange.id = this.#written
    this.exchanges.push(exchange)
  }

  /** Takes an exchange out again that never was one. */
  strike(exchange: Exchange): void {
    const at = this.exchanges.lastIndexOf(exchange)
    if (at >= 0) this.exchanges.splice(at, 1)
  }

  /** Marks the moment from which nobody waits for the exchange any more. An open stream is not waited for. */
  end(exchange: Exchange): Exchange {
    exchange.ended = this.now()
    if (this.#awaited.delete(exchange)) this.#activity.ended()
    return exchange
  }

  #clean(request: SentRequest): SentRequest {
    const headers = request.headers.map(([name, value]): [string, string] => [name, this.redact(value)])
    const body =
      request.body === undefined
        ? undefined
        : this.redact(request.body.length > keptText ? `${request.body.slice(0, keptText)}…` : request.body)
    return { ...request, url: this.redact(request.url), headers, body }
  }
}

/** Measures how long nothing at all was in flight, over every unit of a run. */
export class Activity {
  readonly epoch = performance.now()
  #flying = 0
  #since = performance.now()
  #idle = 0
  count = 0

  began(): void {
    if (this.#flying === 0) this.#idle += performance.now() - this.#since
    this.#flying += 1
    this.count += 1
  }

  ended(): void {
    this.#flying -= 1
    if (this.#flying === 0) this.#since = performance.now()
  }

  /** Milliseconds. */
  get idle(): number {
    return this.#idle + (this.#flying === 0 ? performance.now() - this.#since : 0)
  }
}
