import { type Exchange, type ProbeContext, probe, statusOf, Unfit } from '../../../src/model/index.ts'
import { type Machine, misplaced, misspelt, resources, scopes, wrongClients, wrongSecrets } from './attempts.ts'
import {
  type Attempt,
  by,
  byBasic,
  byPost,
  endpointOf,
  type Form,
  formOf,
  grant,
  issuedBy,
  methodsOf,
  percentEncoded,
  postForm,
  read,
  type TokenAnswer,
  tokenOf,
  toldBy,
  type Way,
} from './machine.ts'

/** What the requests of one client brought: those that should bring a token, and those that should not, between two that do. */
export interface Requests {
  way: Way
  /** What the client asks for in a request that is not damaged. */
  asked: { scope?: string; resource?: string }
  /** What the operator says the client may have. */
  allowed?: string
  before: TokenAnswer
  after: TokenAnswer
  /** The client by each way of presenting its secret that was tried. */
  presented: { basic?: Exchange; post?: Exchange }
  /** Nothing but the grant type. */
  plain: TokenAnswer
  unknownParameter: Attempt
  emptyScope: Attempt
  encoded?: Attempt
  secrets: Attempt[]
  anonymous: Attempt[]
  borrowed: Attempt[]
  strangers: Attempt[]
  twice: Attempt
  misplaced: { query: Attempt[]; get: Attempt; json: Attempt }
  repeated: Attempt[]
  noGrant: Attempt
  unknownGrant: Attempt
  scopes: TokenAnswer[]
  privileged?: TokenAnswer
  resources: { unknown: TokenAnswer[]; malformed: TokenAnswer[] }
  /** Tokens issued altogether. */
  issued: number
}

/**
 * Everything asked of the token endpoint as the operator's own client. One probe, so that one pair of controls serves every
 * damaged request: tokens may cost money.
 */
export const requests = probe(
  'token requests of a machine',
  { requires: 'client', deadline: 60_000 },
  async (context): Promise<Requests> => {
    const url = endpointOf(context, 'token_endpoint')
    const [client, second] = context.access().clients
    const { answer: before, way, asked, presented, tried } = await firstToken(context, url)
    const machine = machineOf(context, url, way, asked, tried)
    const { ordinary, send } = machine

    const other = way === 'basic' ? 'post' : 'basic'
    if (presented[other] === undefined && methodsOf(context.facts).includes(`client_secret_${other}`))
      presented[other] = (await send(`with the secret by ${other}`, ordinary, by(context, other, client!))).exchange
    const otherWay = presented[other] && tokenOf(presented[other]) !== undefined ? other : undefined

    const plain = await send('for no scope in particular', [grant])
    const gathered = {
      unknownParameter: await send('with a parameter nobody knows', [...ordinary, ['assay_unknown', '1']]),
      emptyScope: await send('with a scope of no value', [grant, ['scope', '']]),
      ...(way === 'basic' && {
        encoded: await send('encoded throughout', ordinary, byBasic(context, client!.clientId, client!.clientSecret, percentEncoded)),
      }),
      secrets: await wrongSecrets(machine, otherWay),
      ...(await wrongClients(machine, second)),
      twice: await send(
        'that authenticates in two ways',
        [...ordinary, ...byPost(client!.clientId, client!.clientSecret).form],
        byBasic(context, client!.clientId, client!.clientSecret),
      ),
      misplaced: await misplaced(machine),
      ...(await misspelt(machine)),
      ...(await scopes(machine)),
      resources: await resources(machine, before),
    }
    const after = await send('that is not damaged', ordinary)
    return { way, asked, allowed: client!.scope, before, presented, plain, ...gathered, after, issued: issuedBy(machine.sent) }
  },
)

function machineOf(context: ProbeContext, url: string, way: Way, asked: Requests['asked'], tried: Exchange[]): Machine {
  const client = context.access().clients[0]!
  const own = by(context, way, client)
  const sent = [...tried]
  return {
    context,
    url,
    client,
    way,
    own,
    asked,
    ordinary: [grant, ...formOf(asked)],
    sent,
    send: async (what, form, { headers, form: more } = own) => {
      const exchange = await postForm(context, url, [...form, ...more], headers)
      sent.push(exchange)
      return read(context, what, exchange)
    },
    raw: async (what, request) => {
      const exchange = await context.request({ authorize: false, ...request })
      sent.push(exchange)
      return { what, exchange }
    },
  }
}

interface FirstToken {
  way: Way
  asked: Requests['asked']
  presented: Requests['presented']
  answer: TokenAnswer
  tried: Exchange[]
}

// By Basic first, which every server must know; without the resource when it is the resource that is refused.
async function firstToken(context: ProbeContext, url: string): Promise<FirstToken> {
  const { clients, scope, resource } = context.access()
  const presented: Requests['presented'] = {}
  const tried: Exchange[] = []
  for (const way of ['basic', 'post'] as const) {
    const { headers, form } = by(context, way, clients[0]!)
    for (const target of resource === undefined ? [undefined] : [resource, undefined]) {
      const asked = { scope, resource: target }
      const whole: Form = [grant, ...formOf(asked), ...form]
      const exchange = await postForm(context, url, whole, headers)
      tried.push(exchange)
      presented[way] = exchange
      if (tokenOf(exchange) !== undefined) return { way, asked, presented, answer: read(context, 'that is not damaged', exchange), tried }
      if (statusOf(exchange) === 401) break
    }
  }
  throw new Unfit('inconclusive', `the client given gets no token: ${toldBy(tried[0]!)}`)
}
