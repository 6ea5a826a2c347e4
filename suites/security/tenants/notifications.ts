import { randomUUID } from 'node:crypto'
import {
  type Connection,
  check,
  type Exchange,
  each,
  errorOf,
  holdsIf,
  type Judgement,
  notApplicable,
  notificationsOf,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { twinOf } from './calls.ts'
import { proven } from './crossing.ts'
import { connectBoth, sharedBoth } from './pair.ts'
import { foreignOf, viewsOf } from './views.ts'

/** Milliseconds a message is given to come in where it does not belong. */
const grace = 250

const logLevel = 'io.modelcontextprotocol/logLevel'

interface Overheard {
  log: string
  uri: string
  /** The call on which a server spoke. */
  call: Exchange
  /** What the other tenant had open meanwhile: its stream, and a call of its own. */
  open: Exchange[]
}

/** A server speaks on a call of one tenant while the other listens on everything it has. */
const overheard = probe(
  'what a server says to one tenant while another listens',
  { requires: ['second tenant', 'scripted upstream'], over: 'http', waits: true },
  async (context): Promise<Overheard> => {
    const { name } = await scriptedTool(context)
    const upstream = context.instruments.upstream!
    const [log, uri] = [`assay-log-${randomUUID()}`, `scripted://note/assay-${randomUUID()}`]
    const clients = await connectBoth(context)
    const listening = await listen(context, clients.other, uri)
    const speaking = await upstream.script({
      delay: 120,
      progress: [1],
      notifications: [
        { method: 'notifications/message', params: { level: 'error', logger: 'assay', data: log } },
        { method: 'notifications/resources/updated', params: { uri } },
      ],
    })
    const quiet = await upstream.script({ delay: 240, progress: [1] })
    const say = (client: Connection, script: string, progressToken: string) =>
      client.send(
        'tools/call',
        { name, arguments: { script, text: 'assay' }, _meta: { progressToken } },
        { wholeStream: true, ...(context.era === 'stateless' ? { meta: { [logLevel]: 'debug' } } : {}) },
      )
    const [call, own] = await Promise.all([say(clients.own, speaking, 'assay-speaking'), say(clients.other, quiet, 'assay-quiet')])
    await context.pause(grace)
    await listening?.close()
    return { log, uri, call, open: [...(listening === undefined ? [] : [listening.exchange]), own] }
  },
)

/** Listens on everything there is, and would be told of the resource. */
async function listen({ era, facts, pause }: ProbeContext, client: Connection, uri: string) {
  if (era === 'stateless') {
    const stream = await client.listen({ filter: { toolsListChanged: true, resourcesListChanged: true, resourceSubscriptions: [uri] } })
    await stream.next(() => stream.exchange.messages.length > 0, 1_500)
    return stream
  }
  if (client.capabilities.logging) await client.send('logging/setLevel', { level: 'debug' })
  if ((client.capabilities.resources as { subscribe?: boolean } | undefined)?.subscribe) await client.send('resources/subscribe', { uri })
  if (facts.revision === '2024-11-05' && client.sessionId === undefined) return undefined
  const stream = await client.listen()
  await pause(80)
  return stream
}

/** A resource that only the other tenant has, and one that nobody has. */
const subscribed = probe(
  'subscriptions to what only another tenant has',
  { requires: ['second tenant', 'resources.subscribe'], over: 'http' },
  async (context) => {
    const [uri] = foreignOf(await viewsOf(context)).resources
    if (uri === undefined) return null
    const { own, other } = await sharedBoth(context)
    const subscribe = async (client: Connection, to: string) => {
      if (context.era === 'session') return client.send('resources/subscribe', { uri: to })
      const stream = await client.listen({ filter: { resourceSubscriptions: [to] } })
      await stream.next(() => true, 1_500)
      await stream.close()
      return stream.exchange
    }
    const [rightly, wrongly, absent] = [await subscribe(other, uri), await subscribe(own, uri), await subscribe(own, twinOf(uri))]
    return { uri, rightly, wrongly, absent }
  },
)

/** What the other tenant heard of a kind of notification, as far as it names this. */
const reached = ({ call, open }: Overheard, method: string, mark: string, otherwise: string): Judgement =>
  proven([call], () =>
    each(open, 'nothing could be listened on', (exchange) => {
      const heard = notificationsOf(exchange, method).find((message) => JSON.stringify(message.params).includes(mark))
      return holdsIf(heard === undefined, otherwise, { expected: 'nothing about the call of another tenant', actual: heard, exchange })
    }),
  )

/** Whether a subscription was taken for the resource: acknowledged by name, or answered with a result. */
function isTaken(exchange: Exchange, uri: string): boolean {
  const acknowledged = exchange.messages
    .map(({ message }) => message as { method?: string; params?: { notifications?: { resourceSubscriptions?: unknown } } })
    .find(({ method }) => method === 'notifications/subscriptions/acknowledged')
  if (acknowledged !== undefined) return [acknowledged.params?.notifications?.resourceSubscriptions ?? []].flat().includes(uri)
  return resultOf(exchange) !== undefined && errorOf(exchange) === undefined
}

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: ['second tenant', 'scripted upstream'],
    weakness: ['CWE-488', 'CWE-200', 'API1:2023', 'MCP10:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/log-messages', {
      title: 'Log messages of one tenant reach no other',
      policy: 'send what a server logs on a call to the one who made the call, and to nobody else',
      needs: { overheard },
      judge: ({ overheard }) => reached(overheard, 'notifications/message', overheard.log, 'sends a tenant the log messages of another'),
      fix: 'Hand on what a server says during a call on the answer of that call only.',
      covers: ['tenant.event-isolation', 'subs.no-cross-tenant'],
    }),

    check('tenants/updates', {
      requires: ['second tenant', 'scripted upstream', 'resources'],
      title: 'Updates of one tenant’s resources reach no other',
      policy: 'tell of a change that was said on the call of one tenant to no other',
      needs: { overheard },
      judge: ({ overheard }) =>
        reached(overheard, 'notifications/resources/updated', overheard.uri, 'tells a tenant of changes to the resources of another'),
      fix: 'Listen at servers for each tenant by itself, and hand updates on to the tenant they came for.',
      covers: ['tenant.event-isolation', 'subs.no-cross-tenant'],
    }),

    check('tenants/progress', {
      title: 'Progress of one tenant’s calls reaches no other',
      policy: 'send progress to the one whose call it is',
      needs: { overheard },
      judge: ({ overheard }) => reached(overheard, 'notifications/progress', 'assay-speaking', 'sends a tenant the progress of another'),
      fix: 'Find the way of a progress notification by the connection it came on, and by its token.',
      covers: 'tenant.event-isolation',
    }),

    check('tenants/subscription', {
      requires: ['second tenant', 'resources.subscribe'],
      weakness: ['CWE-639', 'CWE-204', 'API1:2023', 'MCP10:2025'],
      title: 'What only another tenant has cannot be subscribed to',
      policy: 'take no subscription to a resource that only another tenant has, unless it takes any',
      needs: { subscribed },
      judge: ({ subscribed: seen }) => {
        if (seen === null) return notApplicable('the other tenant is listed no resource of its own')
        const { uri, rightly, wrongly, absent } = seen
        if (!isTaken(rightly, uri)) return notApplicable('the tenant that has the resource cannot subscribe to it either')
        return holdsIf(!isTaken(wrongly, uri) || isTaken(absent, twinOf(uri)), 'takes a subscription to a resource of another tenant', {
          expected: 'the answer to a URI that does not exist',
          actual: summaryOf(wrongly),
          exchange: wrongly,
        })
      },
      fix: 'Look the resource up among those of the tenant before a subscription is taken.',
      covers: ['tenant.event-isolation', 'subs.no-cross-tenant'],
    }),
  ],
)
