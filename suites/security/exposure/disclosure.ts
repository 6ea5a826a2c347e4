import {
  check,
  type Exchange,
  each,
  errorOf,
  headerOf,
  holdsIf,
  isResponse,
  probe,
  section,
  statusOf,
  transcript,
} from '../../../src/model/index.ts'
import { errorProbe } from '../../conformance/json-rpc/errors.ts'
import { addressesIn } from './addresses.ts'

const behind = probe('the addresses of the servers behind the target', { requires: 'addresses behind' }, async ({ behind }) => [...behind])

/** What an exchange says when something is wrong: the error, or the body of a refusal. */
function errorTextOf(exchange: Exchange): string {
  const errors = exchange.messages.flatMap(({ message }) =>
    isResponse(message) && 'error' in message ? [JSON.stringify(message.error)] : [],
  )
  const bare = exchange.messages.length === 0 && (statusOf(exchange) ?? 0) >= 400 ? [exchange.response!.body] : []
  return [...errors, ...bare].join('\n')
}

/** What the request said itself is no disclosure. */
const unsaid = (found: readonly string[], { request }: Exchange): string | undefined =>
  found.find(
    (text) =>
      !(request.body ?? '').includes(text) && !request.url.includes(text) && !request.headers.some(([, value]) => value.includes(text)),
  )

const toldFields = /^(server|via|x-powered-by|x-upstream.*|x-backend.*|x-served-by|x-real-server|x-debug.*|location|content-location)$/

const toldIn = (exchange: Exchange): string =>
  Object.entries(exchange.response?.headers ?? {})
    .filter(([name]) => toldFields.test(name))
    .map(([, value]) => value)
    .join('\n')

const heard = (all: readonly Exchange[], target: string): Exchange[] => {
  const { origin } = new URL(target)
  return all.filter(({ request, response }) => response !== undefined && request.url.startsWith(origin))
}

const silent = 'the target answered nothing'

const versioned =
  /\b(?:nginx|apache|openresty|envoy|caddy|jetty|tomcat|uvicorn|gunicorn|werkzeug|express|kestrel|php|asp\.net|python|node(?:\.js)?|undertow|iis|coyote|hypercorn)\/v?\d[\w.]*/i

const database =
  /SQLSTATE|syntax error at or near|\bORA-\d{5}|SQLITE_[A-Z]+|ER_[A-Z_]{6,}|You have an error in your SQL syntax|PG::[A-Z]\w+|\bduplicate key value violates|relation "[^"]+" does not exist|psycopg2\.|MongoServerError|\bSELECT\b.{1,200}\bFROM\b/

const inUrl =
  /[?&#](access_token|id_token|refresh_token|token|api[_-]?key|apikey|client_secret|secret|password|passwd|auth)=([^&#"'\s<>\\]{8,})|\b[a-z][a-z+.-]*:\/\/[^\s/:@"'<>]+:[^\s/@"'<>]+@/i

const urlsIn = (exchange: Exchange): string =>
  [
    ...['location', 'content-location', 'link', 'refresh', 'www-authenticate'].map((name) => headerOf(exchange, name) ?? ''),
    errorTextOf(exchange),
  ].join('\n')

const sharable = /(^|[\s,])(public|s-maxage=\d+)/i

const withToken = ({ request }: Exchange): boolean => request.headers.some(([name]) => name.toLowerCase() === 'authorization')

export default section(
  {
    spec: 'policy',
    page: 'disclosure',
    revisions: 'all',
    over: 'http',
    threat: 'exposed-internals',
    weakness: ['CWE-209', 'CWE-497', 'API8:2023'],
  },
  [
    check('exposure/private-addresses', {
      title: 'Errors name no internal address',
      policy: 'keep private addresses and internal names out of errors and header fields',
      needs: { misdirected: errorProbe, all: transcript },
      judge: ({ all }, { url }) =>
        each(heard(all, url), silent, (exchange) => {
          const found = unsaid(addressesIn(`${errorTextOf(exchange)}\n${toldIn(exchange)}`, exchange.request.url), exchange)
          return holdsIf(found === undefined, 'names an internal address', { expected: 'no private address', actual: found, exchange })
        }),
      fix: 'Map failures of upstream servers to a fixed text, and log the rest.',
    }),

    check('exposure/upstream-addresses', {
      title: 'Nothing names the servers behind the target',
      policy: 'never name the address of a server behind it',
      needs: { behind, misdirected: errorProbe, all: transcript },
      judge: ({ behind, all }, { url }) => {
        const hosts = behind.flatMap((address) => URL.parse(address)?.host ?? [])
        return each(heard(all, url), silent, (exchange) => {
          const said = JSON.stringify([
            exchange.response!.headers,
            exchange.messages.length === 0 ? exchange.response!.body : '',
            exchange.messages,
          ])
          const found = unsaid(
            hosts.filter((host) => said.includes(host)),
            exchange,
          )
          return holdsIf(found === undefined, 'names a server behind it', {
            expected: 'no address behind the target',
            actual: found,
            exchange,
          })
        })
      },
      fix: 'Rewrite or leave out what upstream servers say of themselves, in errors above all.',
      weakness: ['CWE-497', 'API9:2023', 'MCP09:2025'],
    }),

    check('exposure/software', {
      title: 'Header fields tell no version',
      policy: 'not tell in header fields which software it runs in which version',
      needs: { misdirected: errorProbe, all: transcript },
      judge: ({ all }, { url }) =>
        each(heard(all, url), silent, (exchange) => {
          const { headers } = exchange.response!
          const found = ['server', 'x-powered-by', 'via', 'x-aspnet-version', 'x-aspnetmvc-version', 'x-runtime-version', 'x-generator']
            .map((name) => [name, headers[name] ?? ''] as const)
            .find(([name, value]) => versioned.test(value) || (/version$/.test(name) && /\d/.test(value)))
          return holdsIf(found === undefined, 'tells the version of its software', {
            expected: 'no version',
            actual: found?.join(': '),
            exchange,
          })
        }),
      fix: 'Switch the version off (server_tokens off, disable x-powered-by).',
      weakness: ['CWE-497', 'API8:2023'],
    }),

    check('exposure/queries', {
      title: 'Errors tell no query',
      policy: 'keep queries and the messages of databases out of errors',
      needs: { misdirected: errorProbe, all: transcript },
      judge: ({ all }, { url }) =>
        each(heard(all, url), silent, (exchange) => {
          const text = errorOf(exchange) !== undefined || (statusOf(exchange) ?? 0) >= 400 ? errorTextOf(exchange) : ''
          const found = unsaid(database.exec(text)?.slice(0, 1) ?? [], exchange)
          return holdsIf(found === undefined, 'tells what a database said', {
            expected: 'a message for the client',
            actual: found,
            exchange,
          })
        }),
      fix: 'Catch the errors of the database where it is called, and answer with a fixed text.',
      weakness: ['CWE-209', 'API8:2023'],
    }),

    check('exposure/secrets-in-urls', {
      title: 'No URL carries a secret',
      policy: 'write no credential into a URL it sends',
      needs: { misdirected: errorProbe, all: transcript },
      judge: ({ all }, { url }) =>
        each(heard(all, url), silent, (exchange) => {
          const match = inUrl.exec(urlsIn(exchange))
          const found = match === null ? undefined : unsaid([match[2] ?? match[0]], exchange)
          return holdsIf(found === undefined, 'writes a credential into a URL', {
            expected: 'URLs without credentials',
            actual: match?.[1] === undefined ? 'a password before the host' : `the parameter ${match[1]}`,
            exchange,
          })
        }),
      fix: 'Send credentials in a header field or a body: URLs end up in logs and histories.',
      threat: 'token-theft',
      weakness: ['CWE-598', 'CWE-522', 'API2:2023', 'MCP01:2025'],
    }),

    check('exposure/shared-caching', {
      spec: 'rfc9111',
      page: '3.5',
      requires: 'authorization',
      title: 'What a token gets is for no shared cache',
      policy: 'not allow shared caches to keep what it answers to a request with a token',
      needs: { misdirected: errorProbe, all: transcript },
      judge: ({ all }, { url }) =>
        each(
          heard(all, url).filter((exchange) => withToken(exchange) && statusOf(exchange)! < 300),
          silent,
          (exchange) => {
            const found = headerOf(exchange, 'cache-control')
            return holdsIf(found === undefined || !sharable.test(found), 'lets shared caches keep what is for the holder of a token', {
              expected: 'Cache-Control: no-store or private',
              actual: found,
              exchange,
            })
          },
        ),
      fix: 'Send Cache-Control: no-store with every answer at the endpoint.',
      threat: 'token-theft',
      weakness: ['CWE-524', 'CWE-525', 'API8:2023'],
    }),
  ],
)
