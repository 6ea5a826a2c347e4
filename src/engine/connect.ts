import { type AssayError, coded } from '../messages/index.ts'
import { type Connection, type ConnectOptions, type Exchange, type Revision, resultOf, revisions, summaryOf } from '../model/index.ts'
import { type Activity, connectOverHttp, connectOverStdio, HttpSockets, type Link, type Pace, Recorder } from '../wire/index.ts'
import { ownCredentials } from './securing.ts'
import type { Target } from './types.ts'

/** The way to one target at one revision: opens connections, all written down by one recorder. */
export interface Line {
  readonly revision: Revision
  readonly recorder: Recorder
  readonly link: Link
  open(options?: ConnectOptions): Promise<Connection>
}

export function lineTo(target: Target, revision: Revision, endpoint: URL | undefined, pace: Pace, activity: Activity): Line {
  const recorder = new Recorder(target.limits, pace, activity)
  for (const secret of target.secrets) recorder.hide(secret, '[redacted]')
  const headers = 'url' in target.reach ? (target.reach.headers ?? {}) : {}
  const link: Link = {
    recorder,
    sockets: new HttpSockets(ownCredentials(target)),
    endpoint: { url: endpoint ?? new URL('stdio:'), headers },
    tools: new Map(),
  }
  return {
    revision,
    recorder,
    link,
    open: async (options = {}) => {
      const spoken = options.revision ?? revision
      if ('command' in target.reach) return connectOverStdio(recorder, target.reach, spoken, options)
      return connectOverHttp(linkFor(target, link, options), spoken, { ...options, token: await tokenFor(target, options, recorder) })
    },
  }
}

/** An identity of another tenant shows the certificate of that tenant, where there is one. */
function linkFor(target: Target, link: Link, { identity }: ConnectOptions): Link {
  const tenant = target.identities.find(({ name }) => name === identity)?.tenant
  const other = target.tls?.clients.find((client) => client.tenant !== undefined && client.tenant === tenant)
  return other === undefined || other === target.tls?.clients[0]
    ? link
    : { ...link, sockets: link.sockets.as(ownCredentials(target, tenant)) }
}

/** The token a connection sends; whatever it is, it is never written down. */
export async function tokenFor(target: Target, options: ConnectOptions, recorder: Recorder): Promise<string | null> {
  const given = options.token
  if (given !== undefined) {
    recorder.hide(given ?? undefined, options.forged ? '$TOKEN_FORGED' : '$TOKEN')
    return given
  }
  if (options.identity === null) return null
  const identity = options.identity === undefined ? target.identities[0] : target.identities.find(({ name }) => name === options.identity)
  const token = await identity?.token?.()
  recorder.hide(token, identity === target.identities[0] ? '$TOKEN' : `$TOKEN_${identity?.name.toUpperCase()}`)
  return token ?? null
}

/** Redirects followed to the endpoint, within its origin. */
const mostRedirects = 3

export interface OpenLine {
  line: Line
  session: Connection
}

/**
 * Opens the target at every revision asked for, or at all there are, and keeps those it serves. The URL it really answers
 * at is learnt on the way.
 */
export async function openLines(target: Target, pace: Pace, activity: Activity): Promise<OpenLine[]> {
  const wanted = target.revisions ?? [...revisions]
  let endpoint = 'url' in target.reach ? new URL(target.reach.url) : undefined
  let opened: OpenLine[] = []
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    opened = await Promise.all(wanted.map((revision) => openLine(target, revision, endpoint, pace, activity)))
    const moved = endpoint && redirectOf(opened, endpoint)
    if (moved === undefined) break
    await Promise.all(opened.map(closeLine))
    endpoint = moved
  }
  const served = opened.filter(({ session }) => serves(session))
  await Promise.all(opened.filter((each) => !served.includes(each)).map(closeLine))
  if (served.length === 0) throw unserved(target, opened)
  const missing = wanted.filter((revision) => target.revisions && !served.some(({ line }) => line.revision === revision))
  if (missing.length > 0) {
    await Promise.all(served.map(closeLine))
    throw notServed(target, missing, opened)
  }
  return served
}

async function openLine(target: Target, revision: Revision, endpoint: URL | undefined, pace: Pace, activity: Activity): Promise<OpenLine> {
  const line = lineTo(target, revision, endpoint, pace, activity)
  return { line, session: await line.open() }
}

export async function closeLine({ line, session }: OpenLine): Promise<void> {
  await session.close()
  line.link.sockets.close()
}

/** Where every revision is sent on to, when it is within the origin. */
function redirectOf(opened: OpenLine[], from: URL): URL | undefined {
  const { response } = opened[0]!.session.opening
  if (response === undefined || ![301, 307, 308].includes(response.status) || response.headers.location === undefined) return undefined
  const next = URL.parse(response.headers.location, from.href)
  return next?.origin === from.origin && next.href !== from.href ? next : undefined
}

/** Served when `initialize` agrees to this very revision, or `server/discover` lists it. */
function serves(session: Connection): boolean {
  const result = resultOf(session.opening)
  if (result === undefined) return false
  if (session.era === 'session') return result.protocolVersion === session.revision
  return Array.isArray(result.supportedVersions) && result.supportedVersions.includes(session.revision)
}

function unserved(target: Target, opened: OpenLine[]): AssayError {
  const openings = opened.map(({ session }) => session.opening)
  const heard = openings.find(({ response, messages }) => response !== undefined || messages.length > 0)
  const opening = heard ?? openings[0]!
  const status = opening.response?.status
  const code =
    heard === undefined ? 'E_TARGET_UNREACHABLE' : status === 401 || status === 403 ? 'E_TARGET_REFUSED_TOKEN' : 'E_TARGET_NOT_MCP'
  return coded(code, { target: target.name }, { sent: describe(opening), got: summaryOf(opening) })
}

function notServed(target: Target, missing: Revision[], opened: OpenLine[]): AssayError {
  const { opening } = opened.find(({ line }) => missing.includes(line.revision))!.session
  return coded(
    'E_REVISION_NOT_SERVED',
    { target: target.name, revisions: missing.join(', ') },
    { sent: describe(opening), got: summaryOf(opening) },
  )
}

const describe = ({ request }: Exchange): string => `${request.method} ${request.url}  ${request.rpc?.method ?? ''}`.trim()

/** Whether a request without a token is refused for want of one. */
export async function asksForToken(line: Line): Promise<boolean> {
  const bare = await line.open({ identity: null, hold: true })
  const status = bare.opening.response?.status
  await bare.close()
  return status === 401 || status === 403
}
