import {
  all,
  broken,
  type Connection,
  check,
  type Exchange,
  each,
  errorOf,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  type Judgement,
  notApplicable,
  probe,
  type Stream,
  section,
  statusOf,
  summaryOf,
  type UnitFacts,
} from '../../../src/model/index.ts'
import { meta } from './requests.ts'

const acknowledged = 'notifications/subscriptions/acknowledged'
const toolsChanged = 'notifications/tools/list_changed'
const updated = 'notifications/resources/updated'

const isMethod = (method: string) => (message: unknown) => isObject(message) && message.method === method

interface Heard {
  id: unknown
  asked: string[]
  exchange: Exchange
}

interface Listening extends Heard {
  stream: Stream
}

async function listen(client: Connection, filter: Record<string, unknown>, id: unknown): Promise<Listening> {
  const stream = await client.listen({ filter, id })
  await stream.next(() => true, 1_500)
  return { id, asked: Object.keys(filter), exchange: stream.exchange, stream }
}

const heard = ({ id, asked, exchange }: Listening): Heard => ({ id, asked, exchange })

const changes = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }

const opened = probe('subscriptions with a number and a text for an id', async ({ connect, catalogue }) => {
  const client = await connect()
  const uris = (await catalogue()).resources.items.slice(0, 1).map(({ uri }) => uri)
  const every = uris.length > 0 ? { ...changes, resourceSubscriptions: uris } : changes
  return (await Promise.all([listen(client, every, 7_001), listen(client, { toolsListChanged: true }, 'assay-listen')])).map(heard)
})

const note = 'scripted://note'

const changed = probe(
  'subscriptions while the upstream announces changes',
  { requires: 'scripted upstream' },
  async ({ connect, instruments, pause }) => {
    const client = await connect()
    const upstream = instruments.upstream!
    const [tools, again, prompts, one, other] = await Promise.all([
      listen(client, { toolsListChanged: true }, 'assay-tools'),
      listen(client, { toolsListChanged: true }, 'assay-tools-again'),
      listen(client, { promptsListChanged: true }, 'assay-prompts'),
      listen(client, { resourceSubscriptions: [note] }, 'assay-note'),
      listen(client, { resourceSubscriptions: ['scripted://note/other'] }, 'assay-other-note'),
    ])
    await Promise.all([upstream.notify(toolsChanged), upstream.notify(updated, { uri: note })])
    await Promise.all([
      tools.stream.next(isMethod(toolsChanged), 1_000),
      again.stream.next(isMethod(toolsChanged), 1_000),
      one.stream.next(isMethod(updated), 1_000),
    ])
    // What must not come gets a moment to come.
    await pause(100)
    return { tools: heard(tools), again: heard(again), prompts: heard(prompts), one: heard(one), other: heard(other) }
  },
)

type Notification = { method: string; id: unknown; params: Record<string, unknown> }

/** Notifications of one stream; over stdio, where all share a channel, those that carry its id. */
function notificationsOn({ id, exchange }: Heard): Notification[] {
  return exchange.messages.flatMap(({ message }) => {
    if (!isObject(message) || typeof message.method !== 'string' || 'id' in message) return []
    const params = isObject(message.params) ? message.params : {}
    const own = isObject(params._meta) ? params._meta[meta.subscription] : undefined
    return exchange.via === 'stdio' && own !== id ? [] : [{ method: message.method, id: own, params }]
  })
}

const has = (heard: Heard, method: string): boolean => notificationsOn(heard).some((each) => each.method === method)

const claims = ({ capabilities }: UnitFacts): boolean =>
  Object.values(capabilities).some(
    (capability) => isObject(capability) && (capability.listChanged === true || capability.subscribe === true),
  )

/** A target that has nothing to announce may know no subscriptions. */
function subscribed(heard: readonly Heard[], judge: (heard: Heard) => Judgement): Judgement {
  const open = heard.filter(({ exchange }) => errorOf(exchange) === undefined)
  return each(open, 'the target opens no subscription', (each) =>
    each.exchange.via === 'http' && statusOf(each.exchange) !== 200
      ? inconclusive(`no stream was opened: ${summaryOf(each.exchange)}`, each.exchange)
      : judge(each),
  )
}

/** A method that is not there is not supported; a subscription may be refused for other reasons. */
function isOpen(exchange: Exchange): Judgement {
  if (errorOf(exchange)?.code === -32601)
    return broken('knows no subscriptions', { expected: 'an open stream', actual: summaryOf(exchange), exchange })
  const open = errorOf(exchange) === undefined && (exchange.via === 'stdio' || statusOf(exchange) === 200)
  return open ? holds : inconclusive(`no stream was opened: ${summaryOf(exchange)}`, exchange)
}

const page = 'basic/patterns/subscriptions'

export default section({ spec: 'mcp', page: `${page}#opening-a-stream`, revisions: '2026-07-28' }, [
  check('stateless/listen', {
    title: 'A target that announces changes can be listened to',
    must: 'support subscriptions/listen, the pattern by which the changes it claims to announce are delivered',
    page: 'basic#message-patterns',
    needs: { opened },
    judge: ({ opened }, facts) =>
      claims(facts) ? all(opened.map(({ exchange }) => isOpen(exchange))) : notApplicable('the target claims no change notifications'),
    fix: 'Implement subscriptions/listen, or stop claiming listChanged and subscribe.',
    covers: 'subs.ack-first',
  }),

  check('stateless/listen-filter', {
    title: 'Only the kinds of change asked for are sent',
    must: 'send no kind of notification the client has not asked for',
    requires: ['scripted upstream', 'tools.listChanged'],
    needs: { changed },
    judge: ({ changed: { tools, prompts, one, other } }) =>
      has(tools, toolsChanged)
        ? all(
            [prompts, one, other].map((each) =>
              holdsIf(!has(each, toolsChanged), 'sends a change of tools to a subscription for something else', {
                expected: each.asked,
                actual: toolsChanged,
                exchange: each.exchange,
              }),
            ),
          )
        : inconclusive('the change did not arrive where it was asked for', tools.exchange),
    fix: 'Match each notification with the filter of each subscription.',
    covers: 'subs.filter',
  }),

  check('stateless/listen-resource-filter', {
    title: 'Updates are sent only for the resources asked for',
    must: 'send resource updates only to subscriptions that name the resource',
    requires: ['scripted upstream', 'resources.subscribe'],
    needs: { changed },
    judge: ({ changed: { tools, one, other } }) =>
      has(one, updated)
        ? all(
            [tools, other].map((each) =>
              holdsIf(!has(each, updated), 'sends the update of a resource to a subscription that does not name it', {
                expected: each.asked,
                actual: updated,
                exchange: each.exchange,
              }),
            ),
          )
        : inconclusive('the update did not arrive where it was asked for', one.exchange),
    fix: 'Compare the URI of an update with `resourceSubscriptions` of each subscription.',
    covers: 'subs.resource-filter',
  }),

  check('stateless/listen-acknowledgment', {
    title: 'A subscription is acknowledged before anything else',
    must: 'send the acknowledgment as the first message of a subscription',
    page: `${page}#acknowledgment`,
    needs: { opened },
    judge: ({ opened }) =>
      subscribed(opened, (heard) => {
        const first = notificationsOn(heard)[0]
        return holdsIf(first?.method === acknowledged, 'begins a subscription without the acknowledgment', {
          expected: acknowledged,
          actual: first?.method ?? 'nothing within 1.5 s',
          exchange: heard.exchange,
        })
      }),
    fix: 'Write the acknowledgment in the same tick as the head of the stream, before the subscription is registered.',
    covers: 'subs.ack-first',
  }),

  check('stateless/listen-acknowledged-subset', {
    title: 'Only what was asked for is acknowledged',
    policy: 'acknowledge no kind of change that was not asked for, or that the target does not claim',
    page: `${page}#acknowledgment`,
    needs: { opened },
    judge: ({ opened }, { capabilities }) =>
      subscribed(opened, (heard) => {
        const granted = notificationsOn(heard).find(({ method }) => method === acknowledged)?.params.notifications
        const kinds = isObject(granted) ? Object.keys(granted).filter((kind) => granted[kind] !== false) : []
        const able = kinds.filter((kind) => heard.asked.includes(kind) && claimed(capabilities, kind))
        return holdsIf(able.length === kinds.length, 'acknowledges more than it was asked for or claims', {
          expected: able,
          actual: granted,
          exchange: heard.exchange,
        })
      }),
    fix: 'Build the acknowledgment from the filter and the capabilities.',
    covers: 'subs.ack-subset',
  }),

  check('stateless/subscription-id', {
    title: 'Every message of a subscription carries its id',
    must: 'put the id of the listen request, of the same type, into the metadata of every notification of the stream',
    page: `${page}#receiving-notifications`,
    needs: { opened },
    judge: ({ opened }) =>
      subscribed(opened, (heard) =>
        each(notificationsOn(heard), 'nothing was sent', ({ id }) =>
          holdsIf(id === heard.id, 'sends a notification without the id of its subscription', {
            expected: heard.id,
            actual: id ?? 'none',
            exchange: heard.exchange,
          }),
        ),
      ),
    fix: 'Stamp `io.modelcontextprotocol/subscriptionId` on each message where it is written to the stream.',
    covers: 'subs.id-tag',
  }),

  check('stateless/concurrent-subscriptions', {
    title: 'Each of several subscriptions is served under its own id',
    policy: 'send a change to every subscription that asks for it, each under its own id',
    page: `${page}#multiple-concurrent-subscriptions`,
    requires: ['scripted upstream', 'tools.listChanged'],
    needs: { changed },
    judge: ({ changed: { tools, again } }) => {
      const got = [tools, again].filter((each) => has(each, toolsChanged))
      if (got.length === 0) return inconclusive('the change did not arrive where it was asked for', tools.exchange)
      return all(
        [tools, again].map((each) => {
          const ids = notificationsOn(each)
            .filter(({ method }) => method === toolsChanged)
            .map(({ id }) => id)
          return holdsIf(ids.length > 0 && ids.every((id) => id === each.id), 'mixes up two subscriptions of one client', {
            expected: each.id,
            actual: ids,
            exchange: each.exchange,
          })
        }),
      )
    },
    fix: 'Keep subscriptions apart by connection and request id.',
    covers: 'subs.concurrent',
  }),
])

const kinds: Record<string, [capability: string, member: string]> = {
  toolsListChanged: ['tools', 'listChanged'],
  promptsListChanged: ['prompts', 'listChanged'],
  resourcesListChanged: ['resources', 'listChanged'],
  resourceSubscriptions: ['resources', 'subscribe'],
}

function claimed(capabilities: Record<string, unknown>, kind: string): boolean {
  const [capability, member] = kinds[kind] ?? []
  const claim = capability === undefined ? undefined : capabilities[capability]
  return isObject(claim) && claim[member!] === true
}
