import {
  all,
  answered,
  check,
  controlled,
  type Exchange,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  notTestable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { fieldsOf } from './bare.ts'

/** Milliseconds in which somebody who fetches what a request names has done so. */
const patience = 400

interface Named {
  what: string
  exchange: Exchange
  /** Requests that arrived at the address. */
  hits: number
}

const listening = { over: 'http', requires: 'out-of-band listener' } as const

/** Sends requests that each name an address of their own, and looks then which were asked for. */
async function named(context: ProbeContext, attempts: Record<string, (address: string) => Promise<Exchange>>): Promise<Named[]> {
  const listener = context.instruments.listener!
  const sent = await Promise.all(
    Object.entries(attempts).map(async ([what, attempt]) => {
      const address = await listener.url()
      return { what, address, exchange: await attempt(address) }
    }),
  )
  await context.pause(patience)
  return Promise.all(sent.map(async ({ what, address, exchange }) => ({ what, exchange, hits: (await listener.hits(address)).length })))
}

const isPrivate = (address: string): boolean =>
  /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|localhost$|\[::1\]$|\[f[cde])/.test(new URL(address).hostname)

/** Ways of writing an address that a comparison of texts does not recognise. */
function forms(address: string): Record<string, string> {
  const { hostname, port, pathname } = new URL(address)
  const parts = hostname.split('.').map(Number)
  const place = (host: string) => `http://${host}:${port}${pathname}`
  const others = {
    'behind a name of somebody else': `http://docs.assay.example@${hostname}:${port}${pathname}`,
    'in capitals': `HTTP://${hostname}:${port}${pathname}`,
  }
  if (parts.length !== 4 || parts.some(Number.isNaN)) return others
  const number = parts.reduce((sum, part) => sum * 256 + part, 0)
  const hex = parts.map((part) => part.toString(16).padStart(2, '0'))
  const loopback: Record<string, string> =
    parts[0] === 127
      ? { 'as localhost': place('localhost'), 'as localhost with a full stop': place('localhost.'), 'as 0.0.0.0': place('0.0.0.0') }
      : {}
  return {
    ...others,
    ...loopback,
    'as one number': place(String(number)),
    'in hexadecimal': place(`0x${hex.join('')}`),
    'in octal': place(parts.map((part) => `0${part.toString(8)}`).join('.')),
    'as IPv6': place(`[::ffff:${hostname}]`),
    'as IPv6 in hexadecimal': place(`[::ffff:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}]`),
  }
}

const calling = probe(
  'a tool given addresses of the harness',
  { ...listening, requires: ['out-of-band listener', 'tools'] },
  async (context) => {
    const { name, arguments: given, takesUrl } = await context.tool('addressed')
    const connection = await context.session()
    const call = (url: string) => connection.send('tools/call', { name, arguments: { ...given, [takesUrl!]: url } })
    const sample = await context.instruments.listener!.url()
    const before = await connection.send('tools/list')
    const plain = await named(context, { plainly: call })
    const tried = await named(
      context,
      Object.fromEntries(Object.keys(forms(sample)).map((form) => [form, (address: string) => call(forms(address)[form]!)])),
    )
    return { before, private: isPrivate(sample), plain: plain[0]!, tried, after: await connection.send('tools/list') }
  },
)

/** Accounts of a system, the first of which may do everything. */
const accounts = /root:[^:\n]*:0:0:/

const reading = probe(
  'resources that are addresses of the harness',
  { ...listening, requires: ['out-of-band listener', 'resources'] },
  async (context) => {
    const connection = await context.session()
    const read = (uri: string) => connection.send('resources/read', { uri })
    const before = await connection.send('resources/list')
    const tried = await named(context, { plainly: read })
    return { before, tried, after: await connection.send('resources/list') }
  },
)

const toolFiles = probe('a tool given addresses of files', { over: 'http', requires: 'tools' }, async (context) => {
  const { name, arguments: given, takesUrl } = await context.tool('addressed')
  const connection = await context.session()
  const before = await connection.send('tools/list')
  const files = ['file:///etc/passwd', 'file://localhost/etc/passwd', 'FILE:///etc/passwd', '/etc/passwd']
  const read = await Promise.all(files.map((url) => connection.send('tools/call', { name, arguments: { ...given, [takesUrl!]: url } })))
  return { before, read, after: await connection.send('tools/list') }
})

const resourceFiles = probe('resources that are files of the machine', { over: 'http', requires: 'resources' }, async ({ session }) => {
  const connection = await session()
  const before = await connection.send('resources/list')
  const files = ['file:///etc/passwd', 'file:///../../../../etc/passwd', 'file:////etc/passwd']
  const read = await Promise.all(files.map((uri) => connection.send('resources/read', { uri })))
  return { before, read, after: await connection.send('resources/list') }
})

/** Fields, names and metadata that speak of addresses without asking for anything. */
const speaking = probe('requests that mention addresses of the harness', listening, async (context) => {
  const { connect, revision } = context
  const connection = await connect()
  const list = (headers: Record<string, string>, meta?: Record<string, unknown>) =>
    connection.send('tools/list', undefined, { headers, ...(meta === undefined ? {} : { meta }) })
  const before = await list({})
  const hostOf = (address: string) => new URL(address).host + new URL(address).pathname
  const fields = ['Referer', 'X-Callback-URL', 'X-Wap-Profile', 'X-Original-URL', 'X-Forwarded-Url', 'X-Auth-URL', 'Link'].map(
    (name) => [`in ${name}`, (address: string) => list({ [name]: name === 'Link' ? `<${address}>; rel="preload"` : address })] as const,
  )
  const tried = await named(context, {
    ...Object.fromEntries(fields),
    'in X-Forwarded-Host': (address) => list({ 'X-Forwarded-Host': hostOf(address) }),
    'in _meta': (address) => list({}, { 'example.assay/callback': address, webhook: address }),
    'in the description of the client': async (address) => {
      const clientInfo = { name: 'assay', version: '1', websiteUrl: address, icons: [{ src: address, mimeType: 'image/png' }] }
      return context.era === 'session'
        ? (await connect({ hold: true })).post(
            {
              jsonrpc: '2.0',
              id: 'assay-client',
              method: 'initialize',
              params: { protocolVersion: revision, capabilities: {}, clientInfo },
            },
            { headers: { 'Mcp-Session-Id': null, 'MCP-Protocol-Version': null } },
          )
        : list({}, { 'io.modelcontextprotocol/clientInfo': clientInfo })
    },
  })
  return { before, tried, after: await list({}) }
})

const proxied = probe('requests for other hosts, as to a proxy', listening, async (context) => {
  const { request, facts, connect } = context
  const before = (await connect({ hold: true })).opening
  const own = new URL(facts.url).host
  const tried = await named(context, {
    'by GET': (address) =>
      request({ method: 'GET', target: address, authorize: false, deadline: 3_000, headers: [['Host', new URL(address).host]] }),
    'by GET under its own name': (address) =>
      request({ method: 'GET', target: address, authorize: false, deadline: 3_000, headers: [['Host', own]] }),
    'by POST': (address) =>
      request({ method: 'POST', target: address, authorize: false, deadline: 3_000, headers: fieldsOf(before), body: before.request.body }),
    'by CONNECT': (address) => {
      const { host, pathname } = new URL(address)
      return request({
        bytes: `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\nGET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        deadline: 2_000,
      })
    },
  })
  return { before, tried, after: (await connect({ hold: true })).opening }
})

const notFetched = ({ what, exchange, hits }: Named, who: string): Judgement =>
  holdsIf(hits === 0, `${who} ${what}`, { expected: 'no request at the address', actual: `${hits} requests at the address`, exchange })

const readsNothing = (exchange: Exchange): Judgement =>
  answered(exchange, () =>
    accounts.test(JSON.stringify(resultOf(exchange) ?? ''))
      ? holdsIf(false, 'reads a file of the machine it runs on', { expected: 'a refusal', actual: 'accounts of the system', exchange })
      : holds,
  )

export default section(
  {
    spec: 'policy',
    page: 'forged-requests',
    revisions: 'all',
    over: 'http',
    threat: 'forged-request',
    weakness: ['CWE-918', 'API7:2023'],
  },
  [
    check('exposure/tool-addresses', {
      title: 'No tool asks for a private address',
      policy: 'fetch nothing from loopback and private addresses because an argument of a tool says so',
      needs: { calling },
      judge: ({ calling: { before, private: own, plain, after } }) =>
        controlled([before, after], () =>
          own
            ? notFetched(plain, 'fetches a private address given to a tool')
            : notTestable('the out-of-band listener is at a public address, which a tool may well fetch'),
        ),
      fix: 'Allow the schemes and hosts that are needed, and refuse whatever resolves to a private address, at each redirect anew.',
    }),

    check('exposure/address-forms', {
      title: 'A private address is recognised however it is written',
      policy: 'recognise a private address that is written as a number, as IPv6 or behind a name',
      needs: { calling },
      judge: ({ calling: { before, private: own, plain, tried, after } }) =>
        plain.hits > 0
          ? notApplicable('a private address is fetched however it is written: see exposure/tool-addresses')
          : controlled([before, after], () =>
              own
                ? all(tried.map((each) => notFetched(each, 'fetches a private address written')))
                : notTestable('the out-of-band listener is at a public address, which a tool may well fetch'),
            ),
      fix: 'Compare addresses after the URL is parsed and the name resolved, and connect to the very address that was compared.',
    }),

    check('exposure/tool-files', {
      title: 'No tool reads a file for an address',
      policy: 'read no file of its machine because an argument of a tool is a file URL',
      needs: { toolFiles },
      judge: ({ toolFiles: { before, read, after } }) => controlled([before, after], () => all(read.map(readsNothing))),
      fix: 'Allow https alone.',
      weakness: ['CWE-918', 'CWE-552', 'API7:2023'],
    }),

    check('exposure/resource-addresses', {
      title: 'Reading a resource fetches no address',
      policy: 'fetch nothing because the URI of a resource nobody listed is an address',
      needs: { reading },
      judge: ({ reading: { before, tried, after } }) =>
        controlled([before, after], () => all(tried.map((each) => notFetched(each, 'fetches an address read as a resource')))),
      fix: 'Look the URI up among the resources there are, and fetch nothing for the others.',
    }),

    check('exposure/resource-files', {
      title: 'Reading a resource reads no file of the machine',
      policy: 'read no file outside of what it offers because the URI of a resource names it',
      needs: { resourceFiles },
      judge: ({ resourceFiles: { before, read, after } }) => controlled([before, after], () => all(read.map(readsNothing))),
      fix: 'Resolve the path with links followed, and compare it with the folder that is offered.',
      weakness: ['CWE-22', 'CWE-552', 'API8:2023'],
    }),

    check('exposure/mentioned-addresses', {
      title: 'An address that is only mentioned is not fetched',
      policy: 'fetch no address that a field, the description of a client or metadata mentions',
      needs: { speaking },
      judge: ({ speaking: { before, tried, after } }) =>
        controlled([before, after], () => all(tried.map((each) => notFetched(each, 'fetches an address')))),
      fix: 'Fetch nothing on behalf of a client but what an operation is about.',
    }),

    check('exposure/open-proxy', {
      title: 'The endpoint is no proxy',
      policy: 'forward no request for another host',
      needs: { proxied },
      judge: ({ proxied: { before, tried, after } }) =>
        controlled([before, after], () =>
          all(
            tried.map(({ what, exchange, hits }) =>
              holdsIf(hits === 0, `forwards a request for another host ${what}`, {
                expected: 'HTTP 4xx',
                actual: summaryOf(exchange),
                exchange,
              }),
            ),
          ),
        ),
      fix: 'Serve the own host alone: switch forward proxying and CONNECT off.',
      weakness: ['CWE-918', 'CWE-441', 'API7:2023'],
    }),
  ],
)
