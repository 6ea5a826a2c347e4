import {
  all,
  check,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  type PageAnswer,
  type PageRequest,
  probe,
  section,
  type UnitFacts,
} from '../../../src/model/index.ts'

const foreign = 'http://assay-page.example'

/** Origins a page may come from: any site, and this machine under its other name, which local targets often allow. */
function originsFor({ url, local }: UnitFacts): string[] {
  const { protocol, hostname, port } = new URL(url)
  const other = hostname === 'localhost' ? '127.0.0.1' : 'localhost'
  return local ? [foreign, `${protocol}//${other}${port && `:${port}`}`] : [foreign.replace('http:', protocol)]
}

/** What a page can see of the endpoint: of a request without a token, and of one with it. */
const seen = probe('the endpoint, asked by a page of another origin', { over: 'http', requires: 'browser' }, async (context) => {
  const { facts, revision, era, instruments } = context
  const { token } = await context.session()
  const initialize = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'assay-page', version: '1' } }
  const stateless = { _meta: { 'io.modelcontextprotocol/protocolVersion': revision, 'io.modelcontextprotocol/clientCapabilities': {} } }
  const [method, params] = era === 'session' ? ['initialize', initialize] : ['server/discover', stateless]
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(era === 'session' ? {} : { 'mcp-protocol-version': revision, 'mcp-method': method }),
  }
  const opening: PageRequest = { url: facts.url, method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) }
  const withToken = { ...opening, headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) } }
  const asked: { origin: string; without: PageAnswer; opened: PageAnswer }[] = []
  for (const origin of originsFor(facts)) {
    const [without, opened] = await instruments.browser!.fetchFrom(origin, [opening, withToken])
    asked.push({ origin, without: without!, opened: opened! })
  }
  return asked
})

const reads = ({ status, readable }: PageAnswer, field: string, from: string): Judgement =>
  holdsIf(readable.includes(field), `hides ${field} from pages it answers`, {
    expected: `${field} among Access-Control-Expose-Headers`,
    actual: `HTTP ${status} to ${from}: ${readable.join(', ') || 'no field'}`,
  })

export default section(
  {
    spec: 'policy',
    page: 'browser',
    revisions: '2025-03-26..',
    over: 'http',
    requires: 'browser',
    weakness: 'API8:2023',
    threat: 'browser-attack',
  },
  [
    check('browser/cors-exposed-headers', {
      title: 'Pages it lets in can read what they need',
      policy: 'let pages of the origins it accepts read WWW-Authenticate and the id of their session',
      needs: { seen },
      judge: ({ seen }, { sessions, authorization }) => {
        const allowed = seen.filter(({ opened }) => opened.status !== undefined)
        if (allowed.length === 0) return notApplicable('the target lets no page of another origin in')
        const judged = allowed.flatMap(({ origin, without, opened }) => [
          ...(authorization && without.status === 401 ? [reads(without, 'www-authenticate', origin)] : []),
          ...(sessions && opened.status! < 300 ? [reads(opened, 'mcp-session-id', origin)] : []),
        ])
        return judged.length === 0 ? nothingToRead(allowed) : all(judged)
      },
      fix: 'Send `Access-Control-Expose-Headers: Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate` to the origins that are accepted, with 401 too.',
    }),
  ],
)

const nothingToRead = (allowed: { opened: PageAnswer }[]): Judgement =>
  allowed.some(({ opened }) => opened.status! >= 400)
    ? inconclusive(`the page is answered with HTTP ${allowed[0]!.opened.status}`)
    : notApplicable('the target issues no session id and asks for no token')
