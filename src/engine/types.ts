import type {
  AuthorityAccess,
  Beside,
  Check,
  Contracts,
  Finding,
  History,
  Instruments,
  LoadProgress,
  LoadResult,
  Nominal,
  Objective,
  Observations,
  Operations,
  Revision,
  UnitFacts,
  Vendor,
} from '../model/index.ts'

/** A check with the place it has in the registry: `suite` is conformance or security, `area` what its id begins with. */
export interface RegisteredCheck extends Check {
  readonly suite: string
  readonly area: string
}

/** Gives a bearer token for an identity; called again when a token is about to expire. */
export type TokenProvider = () => Promise<string>

export interface Identity {
  name: string
  tenant?: string
  /** Texts that stand in what this tenant sees, and must be seen by no other. */
  canaries?: readonly string[]
  /** Absent for a target that wants no token. */
  token?: TokenProvider
}

/** A target ready to be assessed: nothing is read from files or the environment after this point. */
export interface Target {
  name: string
  kind: string
  /** The product it is: what that is known for is no surprise. */
  vendor?: Vendor
  reach: Reach
  /** Revisions to assess; learnt from the target when left out. */
  revisions?: Revision[]
  /** Only checks of these areas speak about it; all that fit if left out. */
  areas?: readonly string[]
  /** The first is the one that conformance speaks as. */
  identities: Identity[]
  tools: { allow: string[]; echo?: string; slow?: string; failing?: string; personal?: string }
  limits: {
    requestsPerSecond: number
    probesAtOnce: number
    exchangeDeadline: number
    probeDeadline: number
    budget: number
    /** Requests of one storm at most; what the probe asks for if left out. */
    storm?: number
    /** Tokens that probes may be given in one run; no bound if left out. Those of the identities come on top. */
    tokens?: number
    maxBytes: number
  }
  /** How much traffic it is meant to carry; little if left out. */
  nominal?: Nominal
  /** Targets it is compared with under load. */
  beside?: Partial<Record<Beside, Target>>
  /** What its operator wants of it under load. */
  objectives?: readonly Objective[]
  /** What is known of earlier runs against it; nothing if left out. */
  history?: History
  disruptive: boolean
  instruments: Instruments
  /** The authorization server: the target itself, or that of the clients of an endpoint. Secrets as they are. */
  access?: AuthorityAccess
  observe?: Observations
  operate?: Operations
  /** What somebody has approved of the target, by revision. */
  contracts?: Record<string, Contracts>
  /** Addresses of servers that only the target should reach. */
  behind?: string[]
  /** What an https target is trusted by, and what it is shown. */
  tls?: TlsMaterial
  /** Values that must never be written down, beside the tokens themselves. */
  secrets: string[]
}

/** In PEM. */
export interface TlsMaterial {
  /** The authority of the target's certificate, where the public ones are not. */
  ca?: string
  /** Certificates the target accepts. The first is shown, or that of the tenant of an identity. */
  clients: ClientCertificate[]
  /** Certificates the target must refuse, such as expired or revoked ones. */
  refused: ClientCertificate[]
}

export interface ClientCertificate {
  name: string
  tenant?: string
  cert: string
  key: string
}

/** An MCP endpoint, a command to be started for stdio, an authorization server, or files that describe a deployment. */
export type Reach =
  | { url: string; headers?: Record<string, string> }
  | { command: string; args: string[]; env?: Record<string, string>; cwd?: string }
  | { issuer: string }
  | { files: string[]; cwd: string }

/** The place as it is written in messages and reports. */
export function placeOf(reach: Reach): string {
  if ('url' in reach) return reach.url
  if ('issuer' in reach) return reach.issuer
  return 'files' in reach ? reach.files.join(' ') : [reach.command, ...reach.args].join(' ')
}

export const measuredOf = ({ target, revision, probe, objectives, result }: Measured): Measured => ({
  target,
  revision,
  probe,
  ...(objectives && { objectives }),
  result,
})

export interface RunOptions {
  checks: RegisteredCheck[]
  /** Disrupting probes run only when this and the target say so. */
  allowDisruptive: boolean
  /** Name of the run; a new one when left out. */
  run?: string
  /** Where evidence goes; kept in memory only when left out. */
  directory?: string
  signal?: AbortSignal
}

/** The event stream of a run: everything shown or written while it goes on is a fold of it. */
export type RunEvent =
  | { type: 'run-started'; at: string; run: string; targets: string[]; checks: number }
  | { type: 'unit-started'; at: string; target: string; revision: Revision; facts: UnitFacts; checks: number; probes: number }
  | {
      type: 'probe-finished'
      at: string
      target: string
      revision: Revision
      probe: string
      took: number
      /** Exchanges of the unit so far: probes run side by side. */
      exchanges: number
      problem?: string
    }
  | {
      type: 'load-progress'
      at: string
      target: string
      revision: Revision
      /** What the traffic is judged by, where it is. */
      objectives?: readonly Objective[]
      progress: LoadProgress
    }
  | ({ type: 'load-measured'; at: string } & Measured)
  | { type: 'finding'; at: string; finding: Finding }
  | { type: 'unit-finished'; at: string; target: string; revision: Revision; took: number }
  | {
      type: 'target-failed'
      at: string
      target: string
      error: { code: string; message: string; sent?: string; got?: string; likely?: string; attempt?: string }
    }
  | { type: 'run-finished'; at: string; run: string; took: number; counts: Record<string, number> }

/** `run.json`: what is needed, with the evidence, to judge again. */
export interface RunRecord {
  schema: 'assay/run/1'
  run: string
  assay: string
  started: string
  took: number
  checks: string[]
  targets: { name: string; kind: string; url: string; units: UnitFacts[]; error?: { code: string; message: string } }[]
  /** Milliseconds of the run in which no exchange was in flight, and exchanges in all. */
  idle: number
  exchanges: number
}

export interface RunResult {
  record: RunRecord
  findings: Finding[]
  /** What became of the traffic that was sent, in its order; absent when none was. */
  loads?: Measured[]
}

/** Traffic that a probe has sent to a target. */
export interface Measured {
  target: string
  revision: Revision
  probe: string
  /** What the traffic is judged by, where it is. */
  objectives?: readonly Objective[]
  result: LoadResult
}
