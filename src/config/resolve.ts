import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isLocal } from '../engine/local.ts'
import { type Identity, placeOf, type Reach, type Target, type TlsMaterial } from '../engine/types.ts'
import { type ProviderContext, type Secret, type Text, type TokenSource, tokenProvider } from '../identity/index.ts'
import type { AuthorityAccess, Observations } from '../model/index.ts'
import { contractsFor } from './contracts.ts'
import { Instrumentation } from './instruments.ts'
import type { LoadedConfig } from './load.ts'
import { allObjectives, type DeclaredObjective, nominalOf, objectivesFor } from './objectives.ts'
import { Reader } from './reader.ts'
import { startEmbeddedReference } from './reference.ts'
import type { ClientCertificateConfig, Limits, TargetConfig } from './types.ts'
import { unknownTarget } from './validate.ts'

export const defaultLimits: Limits = {
  requestsPerSecond: 50,
  probesAtOnce: 4,
  exchangeDeadline: 10_000,
  probeDeadline: 30_000,
  budget: 900_000,
  maxBytes: 1_000_000,
}

// What runs on this machine, the embedded deployment included, shares its load with nobody else.
const localLimits: Limits = { ...defaultLimits, requestsPerSecond: 2_000, probesAtOnce: 6 }

// Probes over stdio start a process each; more at once than this only wait for one another.
const stdioLimits: Limits = { ...localLimits, probesAtOnce: 4 }

function limitsFor(reach: Reach): Limits {
  if ('command' in reach) return stdioLimits
  if ('files' in reach) return localLimits
  return isLocal(new URL(placeOf(reach)).hostname) ? localLimits : defaultLimits
}

export interface ResolvedTargets {
  targets: Target[]
  /** Whether rules without a specification behind them are judged: only when every target has opted in. */
  policies: boolean
  /** Whether the targets are all our own, started for the run: those may be disturbed without asking. */
  own: boolean
  /** Stops what was started for the run. Never rejects. */
  close(): Promise<void>
}

/** The names of the targets to assess: those asked for, or the default ones. */
export function targetNames({ config, file }: LoadedConfig, asked: readonly string[]): string[] {
  const all = Object.keys(config.targets)
  for (const name of asked) if (!all.includes(name)) throw unknownTarget(name, all, file)
  return asked.length > 0 ? [...new Set(asked)] : (config.defaultTargets ?? all)
}

/** Makes targets ready to be assessed: reads the environment, starts what is to be started. Only the ones named are touched. */
export async function resolveTargets(
  loaded: LoadedConfig,
  names: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ResolvedTargets> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    await Promise.allSettled(closers.splice(0).map((closer) => closer()))
  }
  const chosen = targetNames(loaded, names)
  const objectives = await allObjectives(loaded)
  try {
    const instrumentation = new Instrumentation(closers)
    const resolved = new Map<string, Target[]>()
    const targetsOf = async (name: string): Promise<Target[]> => {
      const known = resolved.get(name) ?? (await resolveTarget(name, loaded, objectives, environment, instrumentation, closers))
      resolved.set(name, known)
      return known
    }
    const targets: Target[] = []
    for (const name of chosen) targets.push(...(await targetsOf(name)))
    // What a target is compared with is made ready, and assessed only where it is asked for.
    for (const name of chosen) Object.assign(resolved.get(name)![0]!, await besideOf(loaded.config.targets[name]!, targetsOf))
    const policies = chosen.every((name) => hasPolicies(loaded.config.targets[name]!))
    const own = chosen.every((name) => loaded.config.targets[name]!.kind === 'reference')
    return { targets, policies, own, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function besideOf({ load }: TargetConfig, targetsOf: (name: string) => Promise<Target[]>): Promise<Pick<Target, 'beside'>> {
  const { direct, previous } = load ?? {}
  if (direct === undefined && previous === undefined) return {}
  const [server] = direct === undefined ? [] : await targetsOf(direct)
  const [release] = previous === undefined ? [] : await targetsOf(previous)
  return { beside: { ...(server && { direct: server }), ...(release && { previous: release }) } }
}

/** Whether a target is judged by rules that no specification backs. */
export const hasPolicies = (target: TargetConfig): boolean => target.policies ?? target.kind === 'reference'

/** One target, or for the embedded deployment each of its parts. */
async function resolveTarget(
  name: string,
  { config, file, directory }: LoadedConfig,
  objectives: readonly DeclaredObjective[],
  environment: NodeJS.ProcessEnv,
  instrumentation: Instrumentation,
  closers: (() => Promise<void>)[],
): Promise<Target[]> {
  const target = config.targets[name]!
  const reader = new Reader(environment, `targets.${name}`, file)
  if (target.kind === 'reference') {
    const approved = await contractsFor(name, target, file, directory)
    const parts = await startEmbeddedReference(closers)
    return Object.entries(parts).map(([part, embedded]) => ({
      ...embedded,
      name: `${name}${part}`,
      revisions: target.revisions,
      disruptive: target.disruptive ?? embedded.disruptive,
      contracts: approved ?? embedded.contracts,
      tools: { ...embedded.tools, ...target.tools },
      limits: { ...localLimits, ...target.limits },
      nominal: nominalOf(target.load),
      objectives: config.objectives || config.openslo ? objectivesFor(name, objectives) : embedded.objectives,
      instruments: { ...embedded.instruments, generator: instrumentation.generator },
    }))
  }
  const reach = await reachOf(target, reader, directory, closers)
  const url = 'url' in reach ? reach.url : undefined
  return [
    {
      name,
      kind: target.kind,
      vendor: target.vendor,
      revisions: target.revisions,
      areas: target.areas,
      disruptive: target.disruptive ?? false,
      secrets: reader.secrets,
      reach,
      identities: target.kind === 'authorization-server' ? [] : await identitiesOf(name, target, url, reader, closers),
      tools: { ...target.tools, allow: target.tools?.allow ?? [] },
      limits: { ...limitsFor(reach), ...target.limits },
      nominal: nominalOf(target.load),
      objectives: objectivesFor(name, objectives),
      instruments: { ...(await instrumentation.of(target, reach, reader)), generator: instrumentation.generator },
      access: await accessOf(target, reach, reader),
      tls: await tlsOf(target, reader, directory),
      observe: observationsOf(target, reader),
      operate: target.operate,
      contracts: await contractsFor(name, target, file, directory),
      behind: target.behind?.map((address, index) => reader.text(address, `behind[${index}]`)),
    },
  ]
}

async function reachOf(target: TargetConfig, reader: Reader, cwd: string, closers: (() => Promise<void>)[]): Promise<Reach> {
  if (target.files) return { files: target.files, cwd }
  if (target.command) {
    const [command, ...args] = target.command
    return { command: command!, args, cwd: target.cwd, env: await reader.texts(target.env, 'env') }
  }
  const url = target.start ? await started(target.start, closers) : reader.text(target.url!, 'url')
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw reader.invalid('url', `"${url}", which is no http or https URL`)
  return target.kind === 'authorization-server' ? { issuer: url } : { url, headers: await reader.texts(target.headers, 'headers') }
}

/** The authorization server: the target itself, or the one `authority.issuer` names. */
async function accessOf({ authority }: TargetConfig, reach: Reach, reader: Reader): Promise<AuthorityAccess | undefined> {
  if (authority === undefined) return undefined
  if (!('issuer' in reach) && authority.issuer === undefined)
    throw reader.invalid('authority.issuer', 'nothing, for a target that is no issuer itself')
  const text = (value: Text | undefined, at: string) => (value === undefined ? undefined : reader.text(value, `authority.${at}`))
  const secret = (value: Secret, at: string) => reader.secret(value, `authority.${at}`)
  return {
    issuer: 'issuer' in reach ? reach.issuer : (text(authority.issuer, 'issuer') ?? ''),
    initialAccessToken: authority.initialAccessToken && (await secret(authority.initialAccessToken, 'initialAccessToken')),
    clients: await Promise.all(
      (authority.clients ?? []).map(async ({ clientId, clientSecret, ...client }, index) => ({
        ...client,
        clientId: reader.text(clientId, `authority.clients[${index}].clientId`),
        clientSecret: await secret(clientSecret, `clients[${index}].clientSecret`),
      })),
    ),
    users: await Promise.all(
      (authority.users ?? []).map(async ({ username, password, ...user }, index) => ({
        ...user,
        username: reader.text(username, `authority.users[${index}].username`),
        password: await secret(password, `users[${index}].password`),
      })),
    ),
    employee: authority.employee && { ...authority.employee, sub: text(authority.employee.sub, 'employee.sub') },
    resource: text(authority.resource, 'resource') ?? ('url' in reach ? reach.url : undefined),
    scope: authority.scope,
    privilegedScope: authority.privilegedScope,
  }
}

/** Files relative to the configuration. */
async function tlsOf({ tls }: TargetConfig, reader: Reader, directory: string): Promise<TlsMaterial | undefined> {
  if (tls === undefined) return undefined
  const pem = (file: Text, at: string) =>
    readFile(resolve(directory, reader.text(file, `tls.${at}`)), 'utf8').catch((error: Error) => {
      throw reader.invalid(`tls.${at}`, error.message)
    })
  const certificates = (list: ClientCertificateConfig[] = [], at: string) =>
    Promise.all(
      list.map(async ({ name, tenant, cert, key }, index) => ({
        name: name ?? tenant ?? `${at} ${index + 1}`,
        ...(tenant === undefined ? {} : { tenant }),
        cert: await pem(cert, `${at}[${index}].cert`),
        key: await pem(key, `${at}[${index}].key`),
      })),
    )
  return {
    ...(tls.ca === undefined ? {} : { ca: await pem(tls.ca, 'ca') }),
    clients: await certificates(tls.clients, 'clients'),
    refused: await certificates(tls.refused, 'refused'),
  }
}

/** What is written to files while the run goes on; what was there before is not looked at. */
function observationsOf({ observe }: TargetConfig, reader: Reader): Observations {
  const logs = observe?.logs?.file && linesSince(reader.text(observe.logs.file, 'observe.logs.file'))
  const audit = observe?.audit?.file && linesSince(reader.text(observe.audit.file, 'observe.audit.file'))
  const metrics = observe?.metrics?.url && reader.text(observe.metrics.url, 'observe.metrics.url')
  return {
    ...(logs && { logs }),
    ...(audit && { audit: async () => (await audit()).map((line) => JSON.parse(line) as Record<string, unknown>) }),
    ...(metrics && { metrics: async () => (await fetch(metrics, { signal: AbortSignal.timeout(10_000) })).text() }),
  }
}

function linesSince(file: string): () => Promise<string[]> {
  const before = existsSync(file) ? statSync(file).size : 0
  return async () => (await readFile(file)).subarray(before).toString('utf8').split('\n').filter(Boolean)
}

async function started(start: NonNullable<TargetConfig['start']>, closers: (() => Promise<void>)[]): Promise<string> {
  const { url, close } = await start()
  closers.push(close)
  return url
}

async function identitiesOf(
  target: string,
  { identities }: TargetConfig,
  url: string | undefined,
  reader: Reader,
  closers: (() => Promise<void>)[],
): Promise<Identity[]> {
  const entries = Object.entries(identities ?? { anonymous: {} })
  return Promise.all(
    entries.map(async ([name, { tenant, token, canaries }]) => ({
      name,
      tenant,
      canaries,
      token: token && (await tokenOf(token, { target, identity: name, url }, reader, closers)),
    })),
  )
}

async function tokenOf(
  source: TokenSource,
  purpose: { target: string; identity: string; url?: string },
  reader: Reader,
  closers: (() => Promise<void>)[],
): Promise<() => Promise<string>> {
  const at = `identities.${purpose.identity}.token`
  const context: ProviderContext = {
    ...purpose,
    text: (value, place) => reader.text(value, at + place),
    secret: (value, place) => reader.secret(value, at + place),
    atEnd: (close) => closers.push(close),
  }
  return tokenProvider(source, context)
}
