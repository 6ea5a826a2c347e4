import { type AssayError, coded } from '../messages/index.ts'
import { type AuthorityAccess, bodyOf, type Exchange, metadataUrls, statusOf, summaryOf } from '../model/index.ts'
import { type Activity, exchangeOverHttp, type Pace, type Recorder } from '../wire/index.ts'
import { type Line, lineTo } from './connect.ts'
import type { Target } from './types.ts'

/** The same with each secret by the name the recorder keeps it under. */
export const withoutSecrets = (access: AuthorityAccess, recorder: Recorder): AuthorityAccess => ({
  ...access,
  ...(access.initialAccessToken && { initialAccessToken: recorder.keep(access.initialAccessToken, 'INITIAL_ACCESS_TOKEN') }),
  clients: access.clients.map((client) => ({ ...client, clientSecret: recorder.keep(client.clientSecret, 'CLIENT_SECRET') })),
  users: access.users.map((user) => ({ ...user, password: recorder.keep(user.password, 'PASSWORD') })),
})

/** Opens an authorization server: nothing is connected, its metadata is read. */
export async function openAuthority(
  target: Target & { reach: { issuer: string } },
  pace: Pace,
  activity: Activity,
): Promise<{ line: Line; metadata: Record<string, unknown> }> {
  const line = lineTo(target, newest(target), new URL(target.reach.issuer), pace, activity)
  const tried: Exchange[] = []
  for (const url of metadataUrls(target.reach.issuer)) {
    const exchange = await exchangeOverHttp(line.recorder, line.link.sockets, {
      connection: 0,
      method: 'GET',
      url: new URL(url),
      headers: [],
    })
    tried.push(exchange)
    const metadata = metadataIn(exchange)
    if (metadata !== undefined) return { line, metadata }
  }
  line.link.sockets.close()
  throw unknownAuthority(target, tried)
}

/** The rules of the newest revision the operator names bind whatever is not spoken to in MCP. */
export const newest = ({ revisions }: Target) => revisions?.toSorted().at(-1) ?? '2026-07-28'

function metadataIn(exchange: Exchange): Record<string, unknown> | undefined {
  const document = statusOf(exchange) === 200 ? bodyOf(exchange) : undefined
  return typeof document?.issuer === 'string' ? document : undefined
}

function unknownAuthority(target: Target, tried: Exchange[]): AssayError {
  const heard = tried.find(({ response }) => response !== undefined)
  return coded(
    heard ? 'E_TARGET_NOT_AUTHORITY' : 'E_TARGET_UNREACHABLE',
    { target: target.name },
    { sent: tried.map(({ request }) => `GET ${request.url}`).join(', '), got: summaryOf(heard ?? tried[0]!) },
  )
}
