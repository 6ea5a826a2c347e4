import {
  all,
  broken,
  check,
  controlled,
  type Exchange,
  holds,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { fieldsOf, isServed } from './bare.ts'

/** Addresses that are tried, at most. */
const most = 20

/** Fields by which gateways tell their servers whom they speak for. */
const internal: [string, string][] = [
  'X-User',
  'X-User-Id',
  'X-Tenant',
  'X-Tenant-Id',
  'X-Forwarded-User',
  'X-Auth-Request-User',
  'X-Gateway',
  'X-Internal',
].map((name) => [name, 'assay'])

interface Reached {
  address: string
  bare: Exchange
  named: Exchange
  garbage: Exchange
  agent: Exchange | null
}

/** Each server behind the target, asked without going through it. */
const direct = probe('the servers behind the target, reached directly', { over: 'http', requires: 'addresses behind' }, async (context) => {
  const { connect, behind } = context
  const { opening, token } = await connect({ hold: true })
  const servers = await Promise.all(behind.slice(0, most).map((address) => reach(context, address, opening, token)))
  return { before: opening, servers, after: (await connect({ hold: true })).opening }
})

async function reach({ request }: ProbeContext, address: string, opening: Exchange, token: string | undefined): Promise<Reached> {
  const ask = (headers: [string, string][]) =>
    request({
      url: address,
      method: 'POST',
      authorize: false,
      body: opening.request.body,
      deadline: 4_000,
      headers: [...fieldsOf(opening).filter(([name]) => !/^mcp-session-id$/i.test(name)), ...headers],
    })
  const [bare, named, garbage, agent] = await Promise.all([
    ask([]),
    ask(internal),
    ask([['Authorization', 'Bearer assay.not-a.token']]),
    token === undefined ? null : ask([['Authorization', `Bearer ${token}`]]),
  ])
  return { address, bare, named, garbage, agent }
}

interface Direct {
  before: Exchange
  servers: Reached[]
  after: Exchange
}

/** What cannot be reached is as good as refused. */
const turnedAway = (exchange: Exchange, how: string): Judgement =>
  isServed(exchange)
    ? broken(`a server behind the target serves ${how}`, {
        expected: 'no connection, or HTTP 401',
        actual: summaryOf(exchange),
        exchange,
      })
    : holds

const eachServer = ({ before, servers, after }: Direct, judge: (server: Reached) => Judgement): Judgement =>
  controlled([before, after], () => all(servers.map(judge)))

const servesAnybody = ({ servers }: Direct): boolean => servers.some(({ bare }) => isServed(bare))

const asksForNone = notApplicable('a server behind the target asks for no token at all: see exposure/direct-access')

export default section(
  {
    spec: 'mcp',
    page: 'basic/authorization#access-token-privilege-restriction',
    movedTo: 'basic/authorization/security-considerations#access-token-privilege-restriction',
    revisions: '2025-06-18..',
    over: 'http',
    threat: 'gateway-bypass',
    weakness: ['CWE-306', 'CWE-923', 'API2:2023', 'API9:2023', 'MCP07:2025', 'MCP09:2025'],
  },
  [
    check('exposure/direct-access', {
      spec: 'policy',
      page: 'gateway-bypass',
      revisions: 'all',
      title: 'No server behind the target serves whoever reaches it',
      policy: 'have servers behind it that are out of reach, or serve nobody without a token',
      needs: { direct },
      judge: ({ direct }) => eachServer(direct, ({ bare }) => turnedAway(bare, 'a request without a token')),
      fix: 'Let each server verify the token of the gateway, and let the network allow connections from the gateway alone.',
    }),

    check('exposure/direct-access-claimed', {
      spec: 'policy',
      page: 'gateway-bypass',
      revisions: 'all',
      title: 'A server behind the target believes no field about who calls',
      policy: 'have servers behind it that take nobody for the gateway because a field says so',
      needs: { direct },
      judge: ({ direct }) =>
        servesAnybody(direct)
          ? asksForNone
          : eachServer(direct, ({ named }) => turnedAway(named, 'a request without a token that names a user')),
      fix: 'Verify a token before any field that the gateway sets is read.',
      weakness: ['CWE-290', 'CWE-348', 'API2:2023', 'MCP07:2025'],
    }),

    check('exposure/direct-access-invalid', {
      title: 'A server behind the target verifies the token',
      must: 'validate access tokens before a request is processed, behind the gateway as well',
      needs: { direct },
      judge: ({ direct }) =>
        servesAnybody(direct) ? asksForNone : eachServer(direct, ({ garbage }) => turnedAway(garbage, 'a token that nobody issued')),
      fix: 'Verify signature, issuer and expiry at the server too; the gateway has checked another token.',
    }),

    check('exposure/direct-access-agent', {
      title: 'The token of an agent opens no server behind the target',
      must: 'accept only tokens that were issued for it, which behind the gateway are those of the gateway',
      requires: 'authorization',
      needs: { direct },
      judge: ({ direct }) =>
        servesAnybody(direct)
          ? asksForNone
          : eachServer(direct, ({ agent }) =>
              agent === null ? notApplicable('the identity has no token') : turnedAway(agent, 'the token of an agent'),
            ),
      fix: 'Accept the issuer and the clients of the gateway alone.',
      weakness: ['CWE-863', 'CWE-441', 'API2:2023', 'MCP07:2025'],
    }),
  ],
)
