import { validateNotification } from '../../../src/model/frames/index.ts'
import {
  broken,
  check,
  controlled,
  each,
  holds,
  holdsIf,
  isNotification,
  isResponse,
  probe,
  section,
  statusOf,
  transcript,
} from '../../../src/model/index.ts'
import { framesOf, noneInForce } from './frames.ts'
import { harmless } from './harmless.ts'

/** Milliseconds in which an answer that must not come would have come. */
const silence = 150

const notified = probe('notifications, known and unknown', async ({ connect, era, pause, facts }) => {
  const target = await connect()
  const listens = era === 'session'
  const stream = listens ? await target.listen() : undefined
  const before = await target.send(harmless(target))
  const sent = await Promise.all([
    target.notify('notifications/cancelled', { requestId: 'assay-never-sent', reason: 'shows that unknown requests are ignored' }),
    target.notify('notifications/assay-unknown'),
  ])
  const after = await target.send(harmless(target))
  if (facts.via === 'stdio') await pause(silence)
  return { before, sent, after, heard: stream?.exchange ?? null }
})

export default section({ spec: 'mcp', page: 'basic#notifications', revisions: 'all' }, [
  check('json-rpc/notification-silence', {
    title: 'A notification is not answered',
    must: 'send no response to a notification',
    needs: { notified },
    judge: ({ notified: { before, sent, after, heard } }) =>
      controlled([before, after], () =>
        each(sent, 'nothing was sent', (exchange) => {
          const response = exchange.messages.map(({ message }) => message).find(isResponse)
          // A notification that cannot be accepted is refused by an HTTP status, and an error may say why.
          const refused = (statusOf(exchange) ?? 200) >= 400
          return holdsIf(response === undefined || refused, 'answers a notification with a response', {
            expected: 'HTTP 202 without a body',
            actual: response,
            exchange,
          })
        }).and(heard === null ? holds : unasked(heard, [before, after])),
      ),
    fix: 'Take a message without id for a notification, and answer 202 with an empty body whatever its method.',
    covers: 'rpc.notification.no-response',
  }),

  check('json-rpc/notification-id', {
    title: 'Notifications carry no id',
    must: 'leave the id out of a notification',
    needs: { notified, transcript },
    judge: ({ transcript }, about) =>
      each(
        framesOf(transcript, about).filter(({ message }) => String(message.method).startsWith('notifications/')),
        'the target sent no notification',
        ({ message, exchange }) =>
          holdsIf(!('id' in message), 'sends a notification with an id', { expected: 'no id', actual: message, exchange }),
      ),
    fix: 'Send notifications without the member id.',
    covers: 'rpc.notification.no-id',
  }),

  check('json-rpc/notification-schema', {
    title: 'Notifications fit the schema of the revision',
    page: 'basic#schema',
    must: 'send notifications as the schema of the revision defines them',
    needs: { notified, transcript },
    judge: ({ transcript }, about) =>
      each(
        framesOf(transcript, about).filter(({ message, inForce }) => inForce && isNotification(message)),
        noneInForce('notification', about.revision),
        ({ message, exchange }) => {
          const [first] = validateNotification(about.revision, message).filter(({ path }) => path !== '/jsonrpc')
          return first === undefined
            ? holds
            : broken(`sends a notification the schema does not allow: ${first.path || '/'} ${first.message}`, { actual: message, exchange })
        },
      ),
    fix: 'Build notifications from the types of the revision agreed on.',
  }),
])

type Heard = Parameters<typeof statusOf>[0]

/** Responses on the shared channel that answer no request of the probe. */
function unasked(heard: Heard, requests: Heard[]) {
  // A body that refuses the stream is an answer to GET itself.
  if (heard.via === 'http' && statusOf(heard) !== 200) return holds
  const asked = requests.map(({ request }) => request.rpc?.id)
  const response = heard.messages.map(({ message }) => message).find((message) => isResponse(message) && !asked.includes(message.id))
  return holdsIf(response === undefined, 'sends a response no request asked for', {
    expected: 'silence',
    actual: response,
    exchange: heard,
  })
}
