import type { Exchange } from './exchange.ts'

/** Requests before the one of interest that are repeated, beside the opening of the connection. */
const mostSteps = 6

/**
 * Shell lines that show an exchange again: over HTTP `curl`, opening a session first when it ran in one; over stdio the lines
 * piped into the server. `$TOKEN` stands for a bearer token.
 */
export function replayOf(exchange: Exchange, all: readonly Exchange[]): string {
  const before = exchange.connection === 0 ? [] : all.filter((each) => each.connection === exchange.connection && each.id < exchange.id)
  const opening = before.filter(
    ({ request }) => request.rpc?.method === 'initialize' || request.rpc?.method === 'notifications/initialized',
  )
  const steps = before.filter((each) => !opening.includes(each) && each.request.method !== 'stdout').slice(-mostSteps)
  const needed = steps.length === mostSteps ? [] : steps
  return exchange.via === 'stdio' ? stdioReplay([...opening, ...needed, exchange]) : httpReplay([...opening, ...needed], exchange)
}

function stdioReplay(exchanges: Exchange[]): string {
  const lines = exchanges.flatMap(({ request }) => (request.body === undefined ? [] : [quoted(request.body)]))
  return `{ printf '%s\\n' ${lines.join(' ')}; sleep 2; } | ${exchanges[0]!.request.url}`
}

function httpReplay(before: Exchange[], exchange: Exchange): string {
  const session = before.map((each) => each.response?.headers['mcp-session-id']).find((id) => id !== undefined)
  const lines = before.map((each) => {
    if (session !== undefined && each.request.rpc?.method === 'initialize')
      return `SESSION=$(${curl(each, undefined, '-sS -D - -o /dev/null --max-time 10')} | tr -d '\\r' | sed -n 's/^[Mm]cp-[Ss]ession-[Ii]d: //p')`
    return `${curl(each, session, '-sS -o /dev/null --max-time 10')}`
  })
  return [...lines, curl(exchange, session, '-isS --max-time 10')].join('\n')
}

function curl({ request }: Exchange, session: string | undefined, options: string): string {
  if (request.pace === 'raw') return rawReplay(request)
  const left = new Set(['host', 'content-length'])
  const [address, target] = request.url.split(' ') as [string, string | undefined]
  const url = new URL(address)
  const spelling = target === undefined ? (url.href === address ? [] : ['--path-as-is']) : [`--request-target ${quoted(target)}`]
  const fields = request.headers
    .filter(
      ([name, value]) =>
        !left.has(name.toLowerCase()) ||
        (name.toLowerCase() === 'host' && value !== url.host) ||
        (name.toLowerCase() === 'content-length' && request.pace === undefined && isFalse(value, request.body)),
    )
    .map(
      ([name, value]) =>
        `-H ${name.toLowerCase() === 'mcp-session-id' && value === session ? '"Mcp-Session-Id: $SESSION"' : header(name, value)}`,
    )
  const verb = request.method === 'POST' && request.body !== undefined ? [] : [`-X ${request.method}`]
  const body = request.body === undefined ? [] : [`--data-binary ${quoted(request.body)}`]
  const silent =
    request.method === 'POST' && !request.headers.some(([name]) => name.toLowerCase() === 'content-type') ? ["-H 'Content-Type:'"] : []
  const accept = request.headers.some(([name]) => name.toLowerCase() === 'accept') ? [] : ["-H 'Accept:'"]
  return ['curl', options, ...verb, ...spelling, ...securing(request), ...fields, ...silent, ...accept, ...body, quoted(address)].join(' ')
}

/** The operator has the certificates: a replay names the one that was shown. */
function securing({ tls }: Exchange['request']): string[] {
  const version = tls?.version?.replace(/^TLSv/, '').replace(/^1$/, '1.0')
  return [
    ...(version === undefined ? [] : [`--tlsv${version} --tls-max ${version}`]),
    ...(tls?.ciphers === undefined ? [] : [`--ciphers ${quoted(tls.ciphers)}`]),
    ...(tls?.client === undefined || tls.client === null ? [] : [`--cert ${quoted(`${tls.client}.pem`)}`]),
  ]
}

/** No client sends such a message of its own accord. */
function rawReplay({ url, body = '' }: Exchange['request']): string {
  const { hostname, port, protocol } = new URL(url)
  const bytes = JSON.stringify(body).slice(1, -1).replaceAll('%', '%%').replaceAll('\\"', '"').replaceAll("'", `'\\''`)
  if (protocol === 'https:') return `printf '${bytes}' | openssl s_client -quiet -connect ${hostname}:${port || 443}`
  // The shell can do without another program.
  return `{ printf '${bytes}' >&3; timeout 3 cat <&3; } 3<>/dev/tcp/${hostname.replace(/^\[|\]$/g, '')}/${port || 80}`
}

// The recorder has put `$TOKEN` in place of the token; double quotes let the shell put it back.
const header = (name: string, value: string): string =>
  /\$(TOKEN|[A-Z_]+_\d)/.test(value)
    ? `"${name}: ${value.replaceAll(/["\\`]/g, '\\$&')}"`
    : quoted(value === '' ? `${name};` : `${name}: ${value}`)

const isFalse = (length: string, body: string | undefined): boolean => Number(length) !== Buffer.byteLength(body ?? '')

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
