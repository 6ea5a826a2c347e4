import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AuthorityAccess,
  type Beside,
  type Catalogue,
  type Connection,
  type ConnectOptions,
  type Exchange,
  eraOf,
  type Lack,
  type LoadGenerator,
  type LoadProgress,
  metadataUrls,
  modest,
  noHistory,
  type Objective,
  type Probe,
  type ProbeContext,
  type RawRequest,
  type Revision,
  type ToolCall,
  transcript,
  Unfit,
  type UnitFacts,
} from '../model/index.ts'
import { exchangeOverHttp, exchangeOverSocket } from '../wire/index.ts'
import { withoutSecrets } from './authority.ts'
import { readCatalogue } from './catalogue.ts'
import { type Line, tokenFor } from './connect.ts'
import type { ProbeEvidence, UnitEvidence } from './evidence.ts'
import type { TargetLock } from './lock.ts'
import { ownCredentials, securing, thumbprintOf } from './securing.ts'
import { raise } from './storm.ts'
import { streamScriptOf } from './streams.ts'
import type { TokenBudget } from './token-budget.ts'
import { addressedCall, anyCall, echoCall, mirroredCall, namedCall, structuredCall } from './tools.ts'
import { scriptOf, type Way } from './traffic.ts'
import type { Measured, Target } from './types.ts'

/** What the units of one target have in common. */
export interface Shared {
  lock: TargetLock
  /** The same for all targets: what runs alone on this machine has it to itself. */
  machine: TargetLock
  tokens: TokenBudget
  /** Takes word of traffic that is being sent, and what became of it. */
  told: (event: LoadEvent) => void
  /** Opens another target at a revision. Throws when it does not serve that. */
  open: (target: Target, revision: Revision) => Promise<Unit>
  /** How often the running version of the target was replaced: it may not know the sessions that were opened before. */
  version: number
  signal?: AbortSignal
}

type LoadEvent =
  | { type: 'load-progress'; revision: Revision; objectives?: readonly Objective[]; progress: LoadProgress }
  | ({ type: 'load-measured' } & Omit<Measured, 'target'>)

/** One target at one revision: runs probes, each once, and keeps what they bring. */
export class Unit {
  readonly target: Target
  readonly line: Line
  /** What is known of an MCP endpoint; other things have no connection. */
  endpoint?: { readonly session: Connection; readonly catalogue: Catalogue }
  facts!: UnitFacts
  readonly #shared: Shared
  readonly #runs = new Map<Probe, Promise<ProbeEvidence>>()
  readonly #probes: Record<string, ProbeEvidence> = {}
  readonly #durations = new Map<Probe, number>()
  readonly #sessions = new Map<string, Promise<Connection>>()
  readonly #echo: { call?: Promise<ToolCall> } = {}
  readonly #beside = new Map<Beside, Promise<Unit>>()
  readonly #access?: AuthorityAccess
  #version: number
  #renewed: Promise<void> = Promise.resolve()

  constructor(target: Target, line: Line, shared: Shared, endpoint?: { session: Connection; catalogue: Catalogue }) {
    this.target = target
    this.line = line
    this.endpoint = endpoint
    this.#shared = shared
    this.#version = shared.version
    this.#access = target.access && withoutSecrets(target.access, line.recorder)
  }

  /** The unit of an MCP endpoint, its lists read. */
  static async open(target: Target, line: Line, session: Connection, shared: Shared): Promise<Unit> {
    const catalogue = await readCatalogue(session)
    for (const tool of catalogue.tools.items) line.link.tools.set(tool.name, tool)
    return new Unit(target, line, shared, { session, catalogue })
  }

  get evidence(): UnitEvidence {
    return { facts: this.facts, exchanges: this.line.recorder.exchanges, probes: this.#probes }
  }

  /** Runs a probe in its turn; what it throws becomes evidence of why there is none. */
  gather(probe: Probe, withheld: () => ProbeEvidence | undefined): Promise<ProbeEvidence> {
    const { lock, machine } = this.#shared
    const run = async () => withheld() ?? this.#run(probe)
    return this.#once(probe, () => lock.hold(Boolean(probe.alone), () => machine.hold(probe.alone === 'on this machine', run)))
  }

  /** Milliseconds the probe itself took, without its wait for a turn; nothing if it was not run. */
  durationOf(probe: Probe): number {
    return Math.round(this.#durations.get(probe) ?? 0)
  }

  /** Asks the target whether it is still there; why not, if it is not. */
  async silence(): Promise<string | undefined> {
    if (this.facts.of === 'manifests') return undefined
    if (this.facts.of === 'authorization-server') {
      const asked = await this.#raw({ method: 'GET', url: metadataUrls(this.facts.url)[0], authorize: false })
      return asked.response === undefined ? asked.failure?.message : undefined
    }
    const alive = await this.line.open({ hold: true })
    await alive.close()
    const { opening } = alive
    return opening.response === undefined && opening.messages.length === 0 ? opening.failure?.message : undefined
  }

  async close(): Promise<void> {
    await this.endpoint?.session.close()
    await Promise.all([...this.#sessions.values()].map(async (session) => (await session).close()))
    await Promise.allSettled([...this.#beside.values()].map(async (unit) => (await unit).close()))
    this.line.link.sockets.close()
  }

  #once(probe: Probe, start: () => Promise<ProbeEvidence>): Promise<ProbeEvidence> {
    let run = this.#runs.get(probe)
    if (run === undefined) {
      run = start().then((evidence) => {
        this.#probes[probe.name] = evidence
        return evidence
      })
      this.#runs.set(probe, run)
    }
    return run
  }

  /** The first thing the probe asks for that is not there. */
  #lackOf(probe: Probe): Lack | undefined {
    const requires = probe.requires === undefined ? [] : [probe.requires].flat()
    if (probe.over !== undefined && probe.over !== this.facts.via) return { kind: 'not-applicable', reason: `it is about ${probe.over}` }
    return requires.map((facility) => this.facts.facilities[facility]).find((state) => state !== true)
  }

  async #run(probe: Probe): Promise<ProbeEvidence> {
    const lack = this.#lackOf(probe)
    if (lack) return { unfit: lack.kind, reason: lack.reason }
    await this.#renew()
    const own: Connection[] = []
    const began = performance.now()
    const deadline = probe.deadline ?? this.target.limits.probeDeadline
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Unfit('inconclusive', `the probe did not finish within ${deadline} ms`)), deadline)
    try {
      const value = await Promise.race([probe.run(this.#context(probe, own)), late.promise])
      return { value: value ?? null }
    } catch (error) {
      if (error instanceof Unfit) return { unfit: error.kind, reason: error.message }
      return { unfit: 'inconclusive', reason: `the probe "${probe.name}" failed: ${(error as Error).message}` }
    } finally {
      clearTimeout(timer)
      await Promise.all(own.map((connection) => connection.close()))
      this.#durations.set(probe, performance.now() - began)
    }
  }

  /** Opens the shared sessions anew after the version of the target was replaced. */
  #renew(): Promise<void> {
    if (this.#version === this.#shared.version || this.endpoint === undefined) return this.#renewed
    this.#version = this.#shared.version
    this.#sessions.clear()
    const { catalogue } = this.endpoint
    this.#renewed = this.line.open().then((session) => {
      this.endpoint = { session, catalogue }
    })
    return this.#renewed
  }

  async #switchVersion(): Promise<void> {
    try {
      await this.target.operate!.switchVersion!()
    } finally {
      this.#shared.version += 1
    }
  }

  #context(probe: Probe, own: Connection[]): ProbeContext {
    const { target, line } = this
    const endpoint = () => this.#endpoint()
    const { connect } = this.#way(own)
    return {
      revision: line.revision,
      era: eraOf(line.revision),
      facts: this.facts,
      instruments: target.instruments,
      access: () => {
        if (this.#access === undefined)
          throw new Unfit('not-testable', 'nothing is known of the authorization server: see `authority` of the target')
        return this.#access
      },
      observe: target.observe ?? {},
      operate: { ...target.operate, ...(target.operate?.switchVersion && { switchVersion: () => this.#switchVersion() }) },
      approved: target.contracts?.[line.revision],
      behind: target.behind ?? [],
      identities: target.identities.map(({ name, tenant, canaries }) => ({ name, tenant, canaries })),
      certificates: {
        clients: (target.tls?.clients ?? []).map(({ name, tenant, cert }) => ({ name, tenant, thumbprint: thumbprintOf(cert) })),
        refused: (target.tls?.refused ?? []).map(({ name }) => name),
      },
      reveal: (text) => line.recorder.reveal(text),
      redact: (text) => line.recorder.redact(text),
      conceal: (value, kind) => line.recorder.keep(value, kind),
      session: async (identity) => this.#sessionOf(endpoint().session, identity),
      connect,
      request: (raw) => this.#shared.tokens.spend(raw, () => this.#raw(raw)),
      catalogue: async () => endpoint().catalogue,
      tool: async (role, at) => (at === undefined ? this : await this.#besideAt(at)).#tool(role),
      documents: async () => {
        if (!('files' in target.reach)) throw new Unfit('not-applicable', 'the target is no description of a deployment')
        // Most runs read no documents, and need no YAML.
        const { readDocuments } = await import('./documents.ts')
        return readDocuments(target.reach.files, target.reach.cwd)
      },
      storm: (plan) => raise(plan, line.recorder, target.limits.storm),
      nominal: target.nominal ?? modest,
      most: target.limits.requestsPerSecond,
      load: async (traffic, toldProbe) => {
        const { signal, told } = this.#shared
        const { revision } = line
        const { objectives } = traffic
        const result = await generatorOf(target).run(
          await scriptOf(traffic, async (at) => (at === undefined ? this : await this.#besideAt(at)).#way(own)),
          {
            signal,
            told: (progress) => {
              toldProbe?.(progress)
              told({ type: 'load-progress', revision, objectives, progress })
            },
          },
        )
        told({ type: 'load-measured', revision, probe: probe.name, objectives, result })
        return result
      },
      streams: async (plan, meanwhile) => {
        const { signal } = this.#shared
        return generatorOf(target).streams(await streamScriptOf(plan, target, line, connect), { signal, meanwhile })
      },
      history: () => {
        const { machine, loads } = target.history ?? noHistory
        return { machine, loads: loads.filter((load) => load.revision === line.revision && load.probe === probe.name) }
      },
      use: async <E>(other: Probe<E>) => {
        if (other.alone) throw new Error(`"${other.name}" runs alone and cannot be used by another probe`)
        const evidence = await this.#once(other as Probe, () => this.#run(other as Probe))
        if ('unfit' in evidence) throw new Unfit(evidence.unfit, evidence.reason)
        return evidence.value as E
      },
      pause: (milliseconds) => this.#shared.lock.rest(() => sleep(milliseconds)),
    }
  }

  #endpoint(): { session: Connection; catalogue: Catalogue } {
    if (this.endpoint === undefined) throw new Unfit('not-applicable', 'the target is no MCP endpoint')
    return this.endpoint
  }

  /** How traffic gets to the target; connections are closed by whoever gives the list. */
  #way(own: Connection[]): Way {
    const { target, line } = this
    const connect = async (options: ConnectOptions = {}) => {
      const connection = await line.open(options)
      own.push(connection)
      // Nothing can be said by a client that was never let in; an error is an answer, and the probe's to judge.
      const { opening } = connection
      if (opening.failure !== undefined && opening.messages.length === 0)
        throw new Unfit('inconclusive', `a connection could not be opened: ${opening.failure.message}`)
      return connection
    }
    return { target, line, connect }
  }

  /** Another target that this one is compared with, at the same revision. */
  #besideAt(at: Beside): Promise<Unit> {
    const other = this.target.beside?.[at]
    if (other === undefined) throw new Unfit('not-testable', `needs \`load.${at}\` of the target`)
    const opened =
      this.#beside.get(at) ??
      this.#shared.open(other, this.line.revision).catch((error: Error) => {
        throw new Unfit('not-testable', `${other.name}, which it is to be compared with: ${error.message}`)
      })
    this.#beside.set(at, opened)
    return opened
  }

  /** One connection for each further identity, opened when it is first asked for. */
  #sessionOf(own: Connection, identity = this.target.identities[0]?.name): Promise<Connection> | Connection {
    if (identity === this.target.identities[0]?.name) return own
    const opened = this.#sessions.get(identity!) ?? this.line.open({ identity })
    this.#sessions.set(identity!, opened)
    return opened
  }

  async #tool(role: Parameters<ProbeContext['tool']>[0]): Promise<ToolCall> {
    const { session, catalogue } = this.#endpoint()
    if (role === 'any') return anyCall(catalogue, this.target)
    if (role === 'structured') return structuredCall(catalogue, this.target)
    if (role === 'addressed') return addressedCall(catalogue, this.target)
    if (role === 'mirrored') return mirroredCall(catalogue, this.target)
    if (role !== 'echo') return namedCall(catalogue, this.target, role)
    this.#echo.call ??= echoCall(catalogue, this.target, session)
    return this.#echo.call
  }

  async #raw(raw: RawRequest): Promise<Exchange> {
    const { recorder, sockets, endpoint } = this.line.link
    const headers: [string, string][] = [...(raw.headers ?? [])]
    if (raw.authorize !== false && this.facts.of === 'endpoint') {
      const token = await tokenFor(this.target, {}, recorder)
      if (token !== null) headers.push(['Authorization', `Bearer ${token}`])
    }
    const { method = 'POST', body, target, halfOpen, drip, deadline, wholeStream, abort } = raw
    const url = raw.url === undefined ? endpoint.url : new URL(raw.url, endpoint.url)
    if (raw.bytes !== undefined)
      return exchangeOverSocket(recorder, {
        url,
        bytes: raw.bytes,
        untilAnswered: raw.untilAnswered,
        deadline,
        credentials: ownCredentials(this.target),
      })
    const tls = raw.tls && securing(this.target, raw.tls)
    return exchangeOverHttp(recorder, sockets, {
      connection: 0,
      method,
      url,
      target,
      tls,
      headers,
      body,
      halfOpen,
      drip,
      deadline,
      wholeStream,
      abort,
    })
  }
}

function generatorOf({ instruments: { generator } }: Target): LoadGenerator {
  if (generator === undefined) throw new Unfit('not-testable', 'nothing sends load in this run')
  return generator
}

export const isTranscript = (probe: Probe): boolean => probe === (transcript as Probe)
