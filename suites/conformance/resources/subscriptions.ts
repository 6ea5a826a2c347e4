import {
  check,
  controlled,
  type Exchange,
  hasResult,
  holdsIf,
  isObject,
  notApplicable,
  probe,
  section,
  statusOf,
  Unfit,
} from '../../../src/model/index.ts'

/** Milliseconds in which an update that is wanted comes, at the latest. */
const arrival = 1_000
/** Milliseconds in which one that is not wanted would have come. */
const quiet = 250

const note = 'scripted://note'
const own = (name: string) => `${note}/assay-${name}`

const asked = probe('subscribing to a listed resource', { requires: 'resources.subscribe' }, async ({ connect, catalogue }) => {
  const { items } = (await catalogue()).resources
  const uri = (items.find((each) => each.uri === note) ?? items[0])?.uri
  if (uri === undefined) throw new Unfit('not-applicable', 'the target lists no resource to subscribe to')
  const session = await connect()
  const before = await session.send('resources/list')
  const subscribe = await session.send('resources/subscribe', { uri })
  const unsubscribe = await session.send('resources/unsubscribe', { uri })
  return { before, subscribe, unsubscribe, after: await session.send('resources/list') }
})

/** Two resources that nobody else subscribes to: one wanted, one not. */
const updates = probe(
  'updates of a resource that is subscribed to',
  { requires: ['resources.subscribe', 'scripted upstream'] },
  async (context) => {
    const upstream = context.instruments.upstream!
    const session = await context.connect()
    const [wanted, unwanted] = [own('wanted'), own('unwanted')]
    const subscribe = await session.send('resources/subscribe', { uri: wanted })
    const stream = await session.listen()
    if (statusOf(stream.exchange) !== undefined && statusOf(stream.exchange) !== 200)
      throw new Unfit('not-applicable', 'the target offers no stream by GET')
    const tell = async (uri: string, milliseconds: number) => {
      await upstream.notify('notifications/resources/updated', { uri })
      return (await stream.next(isUpdateOf(uri), milliseconds)) !== undefined
    }
    let heard = false
    // The target may still be on its way to hear the upstream.
    for (let waited = 0; !heard && waited < arrival; waited += 100) heard = await tell(wanted, 100)
    const strayed = await tell(unwanted, quiet)
    const unsubscribe = await session.send('resources/unsubscribe', { uri: wanted })
    const seen = updatesOf(stream.exchange, wanted)
    await upstream.notify('notifications/resources/updated', { uri: wanted })
    await context.pause(quiet)
    return {
      arrival,
      quiet,
      subscribe,
      unsubscribe,
      stream: stream.exchange,
      heard,
      strayed,
      late: updatesOf(stream.exchange, wanted) > seen,
    }
  },
)

const isUpdateOf = (uri: string) => (message: unknown) =>
  isObject(message) && message.method === 'notifications/resources/updated' && isObject(message.params) && message.params.uri === uri

const updatesOf = (exchange: Exchange, uri: string): number => exchange.messages.filter(({ message }) => isUpdateOf(uri)(message)).length

export default section(
  { spec: 'mcp', page: 'server/resources#subscriptions', revisions: '..2025-11-25', requires: 'resources.subscribe' },
  [
    check('resources/subscribe', {
      title: 'A listed resource can be subscribed to and unsubscribed from',
      policy: 'answer resources/subscribe and resources/unsubscribe with a result, having declared subscribe',
      needs: { asked },
      judge: ({ asked: { before, subscribe, unsubscribe, after } }) =>
        controlled([before, after], () => hasResult(subscribe).and(hasResult(unsubscribe))),
      fix: 'Serve both methods, or declare resources without subscribe.',
      covers: 'resources.subscribe',
    }),

    check('resources/updated', {
      title: 'An update of a resource reaches who subscribed to it',
      policy: 'send notifications/resources/updated when a resource changes that the client has subscribed to',
      needs: { updates },
      requires: 'scripted upstream',
      judge: ({ updates: { subscribe, stream, heard, arrival } }) =>
        controlled([subscribe], () =>
          holdsIf(heard, 'does not tell of an update', {
            expected: `notifications/resources/updated within ${arrival} ms`,
            actual: 'no such notification',
            exchange: stream,
          }),
        ),
      fix: 'Subscribe at the upstream for the client, and forward its updates on a stream of that client.',
      covers: 'resources.subscribe',
    }),

    check('resources/updated-unasked', {
      title: 'Updates of other resources are kept back',
      policy: 'send updates only of resources the client has subscribed to',
      needs: { updates },
      requires: 'scripted upstream',
      judge: ({ updates: { heard, stream, strayed, quiet } }) =>
        heard
          ? holdsIf(!strayed, 'tells of a resource nobody subscribed to', {
              expected: `nothing within ${quiet} ms`,
              actual: own('unwanted'),
              exchange: stream,
            })
          : notApplicable('no update reaches the client at all'),
      fix: 'Compare the URI of each update with what the session has subscribed to.',
      covers: 'resources.subscribe',
    }),

    check('resources/unsubscribe', {
      title: 'No update comes after unsubscribing',
      policy: 'stop sending updates of a resource the client has unsubscribed from',
      needs: { updates },
      requires: 'scripted upstream',
      judge: ({ updates: { heard, stream, unsubscribe, late, quiet } }) => {
        if (!heard) return notApplicable('no update reaches the client at all')
        return controlled([unsubscribe], () =>
          holdsIf(!late, 'goes on telling of updates', { expected: `nothing within ${quiet} ms`, actual: own('wanted'), exchange: stream }),
        )
      },
      fix: 'Drop the URI from the subscriptions of the session before answering.',
      covers: 'resources.unsubscribe',
    }),
  ],
)
