import { placeOf, type Reach } from '../engine/types.ts'
import type { Place, StartedBrowser } from '../instruments/index.ts'
import { coded } from '../messages/index.ts'
import type { Instruments, LoadGenerator } from '../model/index.ts'
import type { Reader } from './reader.ts'
import type { PlaceConfig, TargetConfig } from './types.ts'

interface Closable {
  close(): Promise<void>
}

/** What the harness holds out to the targets of one run, or looks at them with. Nothing is loaded that no target asks for. */
export class Instrumentation {
  readonly #closers: (() => Promise<void>)[]
  #browser: StartedBrowser | undefined
  #k6: Promise<LoadGenerator> | undefined
  /** One for all targets: it sends traffic to one after the other. */
  readonly generator: LoadGenerator = {
    run: async (...traffic) => (await this.#loaded()).run(...traffic),
    streams: async (...streams) => (await this.#loaded()).streams(...streams),
  }

  constructor(closers: (() => Promise<void>)[]) {
    this.#closers = closers
  }

  async of({ instruments = {}, authority }: TargetConfig, reach: Reach, reader: Reader): Promise<Instruments> {
    const { listener, documents, upstream, issuer } = instruments
    const seesPages = instruments.browser ?? (authority?.users ?? []).length > 0
    if (!seesPages && !listener && !documents && !upstream && !issuer) return {}
    const { startBrowser, startForgingIssuer, startListener, startScriptedUpstream } = await import('../instruments/index.ts')
    return {
      ...(seesPages && { browser: this.#shared(startBrowser) }),
      ...(listener && { listener: await this.#started('listener', listener, reader, startListener) }),
      ...(documents && { documents: await this.#started('documents', documents, reader, startListener) }),
      ...(upstream && { upstream: await this.#started('upstream', upstream, reader, (place) => startScriptedUpstream({ place })) }),
      ...(issuer && {
        issuer: await this.#started('issuer', issuer, reader, async (place) => {
          const { scopes, broadScope, tenant, clients, audience } = issuer
          const resource = audience === undefined ? placeOf(reach) : reader.text(audience, 'instruments.issuer.audience')
          return startForgingIssuer({ place, scopes, broadScope, tenant, clients, audience: () => resource })
        }),
      }),
    }
  }

  #loaded(): Promise<LoadGenerator> {
    this.#k6 ??= import('../load/index.ts').then(({ k6Generator }) => k6Generator())
    return this.#k6
  }

  /** One for all targets: it opens a profile of its own for each visit. */
  #shared(start: () => StartedBrowser): StartedBrowser {
    if (this.#browser !== undefined) return this.#browser
    const browser = start()
    this.#browser = browser
    this.#closers.push(() => browser.close())
    return browser
  }

  async #started<T extends Closable>(
    name: string,
    { port, host, origin }: PlaceConfig,
    reader: Reader,
    start: (place: Place) => Promise<T>,
  ): Promise<T> {
    const at = `instruments.${name}`
    const place = { port, host, ...(origin !== undefined && { origin: reader.text(origin, `${at}.origin`) }) }
    const instrument = await start(place).catch((error: NodeJS.ErrnoException) => {
      throw coded('E_INSTRUMENT_PLACE', { instrument: name, place: `${host ?? '127.0.0.1'}:${port}` }, { got: error.message, cause: error })
    })
    this.#closers.push(() => instrument.close())
    return instrument
  }
}
