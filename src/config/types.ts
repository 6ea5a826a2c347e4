import type { Secret, Text, TokenSource } from '../identity/index.ts'
import type { Operations, Outcome, Revision, Vendor } from '../model/index.ts'

export type Kind = 'gateway' | 'server' | 'agentcore-gateway' | 'authorization-server' | 'manifests' | 'agent' | 'reference'

export interface Config {
  $schema?: string
  /** What can be assessed, by name. */
  targets: Record<string, TargetConfig>
  /** Assessed when neither the command line nor the gate names a target; all targets if left out. */
  defaultTargets?: string[]
  gates?: Record<string, GateConfig>
  /** What is wanted of targets under load, by name. */
  objectives?: Record<string, ObjectiveConfig>
  /** Files of further objectives, in OpenSLO v1, by globs relative to the configuration. */
  openslo?: string[]
  reporters?: string[]
  /** Where gates keep what they came to, for the nights to come: a file relative to the configuration; beside the runs if left out. */
  history?: { file: string }
}

export interface TargetConfig {
  /** `reference` starts the embedded deployment. */
  kind: Kind
  /** The product it is: deviations it is known for are marked, and do not fail a gate. */
  vendor?: Vendor
  /** One of `url`, `command`, `start` and `files` is needed, unless `kind` is `reference`. */
  url?: Text
  command?: string[]
  env?: Record<string, Text | Secret>
  cwd?: string
  /** Starts the target; `close` is called when the run is over. */
  start?: () => Promise<{ url: string; close(): Promise<void> }>
  headers?: Record<string, Text | Secret>
  environment?: 'local' | 'development' | 'test' | 'pre-production' | 'production'
  revisions?: Revision[]
  /** Only checks of these areas are judged on it, such as `tls`; all that fit if left out. */
  areas?: string[]
  /** The first one is used unless a check needs several. `canaries` are texts that only the tenant of the identity may see. */
  identities?: Record<string, { tenant?: string; token?: TokenSource; canaries?: string[] }>
  tools?: { allow?: string[]; echo?: string; slow?: string; failing?: string; personal?: string }
  /** Files that describe a deployment, by globs relative to the configuration; for `kind: 'manifests'`. */
  files?: string[]
  /** The authorization server of the clients, or what is needed to assess one. */
  authority?: AuthorityConfig
  /** What the target writes while it is assessed: lines of a log, audit records as JSON lines, metrics for Prometheus. */
  observe?: { logs?: { file: Text }; audit?: { file: Text }; metrics?: { url: Text } }
  /** What is done to the deployment, on the harness's request, while it is watched; functions, so in a configuration that is code. */
  operate?: Operations
  /** The file of contracts that `assay approve` writes, relative to the configuration. */
  contracts?: string
  /** What an https target is trusted by and shown, as PEM files. */
  tls?: TlsConfig
  /** What the harness holds out to the target, or looks at it with. */
  instruments?: InstrumentsConfig
  /** Addresses of the servers behind the target, which nobody but the target should reach. */
  behind?: Text[]
  limits?: Partial<Limits>
  /** How much traffic it is meant to carry. */
  load?: LoadConfig
  disruptive?: boolean
  /** Whether rules are judged that no specification backs; true for the reference, false otherwise. */
  policies?: boolean
}

/** Durations are milliseconds, or texts such as `400ms`, `10s` and `5m`. */
export interface LoadConfig {
  /** Requests a second; 20 if left out. */
  rate?: number
  /** How long each scenario sends them, without the warm-up; 8 seconds if left out. */
  duration?: number | string
  /** The name of a target: a server behind this one, which answers the same call without it. */
  direct?: string
  /** The name of a target: the release before this one, with the same servers behind it. */
  previous?: string
  /** What it may add to a call of the direct server; 10 ms if left out. */
  overhead?: number | string
  /** Streams that are open at once; 50 if left out. */
  streams?: number
}

export interface ObjectiveConfig {
  /** `availability`: requests are answered as they should be. `latency`: they are answered within a time. */
  sli: 'availability' | 'latency'
  /** Or, for `latency`, a time of streams: `first event`, `event gap`, `event delay`. */
  method: string
  /** The share of requests, between 0 and 1. */
  target?: number
  /** For `latency`, the time for that share; or times by percentile. */
  within?: number | string
  p50?: number | string
  p95?: number | string
  p99?: number | string
  'p99.9'?: number | string
  /** Those it is about; all targets if left out. */
  targets?: string[]
  /** The time its error budget is for, in days or weeks such as `28d` or `4w`, for the rules of Prometheus; `30d` if left out. */
  window?: string
  /** The same objective in PromQL, for the rules of Prometheus: one of `good` and `bad`. `{{window}}` stands for the range. */
  prometheus?: { good?: string; bad?: string; total: string }
}

export interface AuthorityConfig {
  /** Left out when the target is the authorization server. */
  issuer?: Text
  /** Lets a client be registered where registration is not open to everyone. */
  initialAccessToken?: Secret
  /** Confidential clients with the client credentials grant; two of different tenants show most. */
  clients?: { clientId: Text; clientSecret: Secret; scope?: string; tenant?: string; redirectUri?: string }[]
  /** People who can log in. */
  users?: { username: Text; password: Secret; tenant?: string }[]
  /**
   * Somebody for whom the issuer of `instruments` vouches, where it is trusted as an identity provider and the first client may
   * present what it says (ID-JAG): `sub`, and other claims that are needed.
   */
  employee?: { sub: Text; [claim: string]: unknown }
  /** The resource tokens are for; the URL of the target if left out. */
  resource?: Text
  /** A scope any agent may have. */
  scope?: string
  /** A scope nobody may have without being approved. */
  privilegedScope?: string
}

export interface InstrumentsConfig {
  /** A Chromium of this machine; true if left out and `authority` names users. */
  browser?: boolean
  /** An address that the target can ask, to see whether it does. */
  listener?: PlaceConfig
  /** Where clients that are documents are published; its origin begins with https, and TLS ends before it. */
  documents?: PlaceConfig & { origin: Text }
  /** An MCP server of the harness, to be registered behind the gateway under the path /mcp. */
  upstream?: PlaceConfig
  /** An issuer of the harness, to be trusted by the target: it can mint any token, so for test deployments alone. */
  issuer?: PlaceConfig & {
    /** The resource of the tokens; the URL of the target if left out. */
    audience?: Text
    /** Separated by spaces. */
    scopes?: string
    /** The scope that implies all others an agent needs. */
    broadScope?: string
    /** Claim `tenant` of every token. */
    tenant?: string
    /** The clients whose tokens alone the target accepts from this issuer, better two than one; any client if left out. */
    clients?: [string, ...string[]]
  }
}

export interface PlaceConfig {
  port: number
  /** The address to listen on; 127.0.0.1 if left out. */
  host?: string
  /** The origin under which the target reaches it, where that is another. */
  origin?: Text
}

export interface TlsConfig {
  /** The authority of the target's certificate, where that is no public one. */
  ca?: Text
  /** Client certificates the target accepts; the first is shown, or that of the tenant of an identity. */
  clients?: ClientCertificateConfig[]
  /** Client certificates the target must refuse, such as expired or revoked ones. */
  refused?: ClientCertificateConfig[]
}

export interface ClientCertificateConfig {
  name?: string
  tenant?: string
  cert: Text
  key: Text
}

/** Times are in milliseconds. */
export interface Limits {
  requestsPerSecond: number
  probesAtOnce: number
  exchangeDeadline: number
  probeDeadline: number
  /** For everything that is sent to the target in one run. */
  budget: number
  /** Tokens that probes may be given in one run, where each is billed; no bound if left out. Those of the identities come on top. */
  tokens?: number
  /** Bytes kept of one answer. */
  maxBytes: number
}

export interface GateConfig {
  /** Suites, areas, check ids, or patterns with `*`. */
  suites: string[]
  targets?: string[]
  /** Only findings at this revision decide; the others are reported. */
  requirements?: Revision
  waivers?: string
  baseline?: string
  /** Outcomes that do not pass; `fail` and `inconclusive` if left out. */
  failOn?: Extract<Outcome, 'fail' | 'warn' | 'inconclusive' | 'not-testable'>[]
  maxWarnings?: number
  /** Checks that must be judged: not-testable, inconclusive or absent fails the gate. */
  require?: string[]
}

/** Types a configuration; it returns what it is given. */
export const defineConfig = (config: Config): Config => config
