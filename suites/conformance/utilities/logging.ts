import {
  all,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  hasErrorCode,
  hasResult,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  notificationsOf,
  type ProbeContext,
  probe,
  section,
  statusOf,
  transcript,
} from '../../../src/model/index.ts'
import { longCall, longest } from './long-call.ts'

const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

const logLevel = 'io.modelcontextprotocol/logLevel'

/** One message of every second level, as an upstream would log them during a call. */
const talkative = {
  delay: 60,
  notifications: ['debug', 'notice', 'error', 'alert'].map((level) => ({
    method: 'notifications/message',
    params: { level, logger: 'assay', data: { note: `a message of level ${level}` } },
  })),
}

interface Heard {
  level: string
  setting?: Exchange
  call: Exchange
  stream: Exchange
}

const leveled = probe('calls of clients that want different log levels', { requires: 'logging', waits: true }, async (context) => {
  return Promise.all(['error', 'debug'].map((level) => hear(context, level)))
})

const invalid = probe('a log level that does not exist', { requires: 'logging' }, async ({ connect, era, facts }) => {
  const connection = await connect()
  if (era === 'session') {
    const exchange = await connection.send('logging/setLevel', { level: 'assay-loudest' })
    return { exchange, after: await connection.send('logging/setLevel', { level: 'info' }) }
  }
  const method = facts.capabilities.tools ? 'tools/list' : 'server/discover'
  const exchange = await connection.send(method, undefined, { meta: { [logLevel]: 'assay-loudest' } })
  return { exchange, after: await connection.send(method, undefined, { meta: { [logLevel]: 'info' } }) }
})

const unasked = probe('calls beside a subscription, one of which asks for log messages', { over: 'http' }, async (context) => {
  const connection = await context.connect()
  const stream = await connection.listen({ filter: { toolsListChanged: true } })
  const call = async (meta: Record<string, unknown>) => {
    const { params } = await longCall(context, talkative)
    return connection.send('tools/call', { ...params }, { meta, deadline: longest })
  }
  const [plain, logged] = await Promise.all([call({}), call({ [logLevel]: 'debug' })])
  await context.pause(100)
  return { stream: stream.exchange, plain, logged }
})

const spoken = probe('a call during which there is something to log', async (context) => {
  const connection = await context.connect()
  const stream = await connection.listen()
  const { params } = await longCall(context, talkative)
  const call = await connection.send(
    'tools/call',
    { ...params },
    { deadline: longest, ...(context.era === 'stateless' ? { meta: { [logLevel]: 'debug' } } : {}) },
  )
  return { call, stream: stream.exchange }
})

const silent = 'the target sends no log messages'

const bothEras = section({ spec: 'mcp', page: 'server/utilities/logging', revisions: 'all' }, [
  check('logging/capability', {
    title: 'A target that sends log messages claims the capability',
    must: 'declare the logging capability when it emits log messages',
    page: 'server/utilities/logging#capabilities',
    needs: { spoken, transcript },
    judge: ({ transcript }, { capabilities }) =>
      each(transcript.filter(logs), silent, (exchange) =>
        holdsIf(Boolean(capabilities.logging), 'sends log messages without the capability', {
          expected: 'the logging capability',
          actual: Object.keys(capabilities),
          exchange,
        }),
      ),
    fix: 'Declare `logging: {}`, or keep log messages of upstreams back.',
    covers: 'logging.capability',
  }),

  check('logging/level', {
    title: 'Log messages below the level asked for are kept back',
    policy: 'send a client only log messages at or above the level it has set, whatever an upstream sends and other clients want',
    page: 'server/utilities/logging#log-levels',
    needs: { leveled },
    judge: ({ leveled }) => {
      const settings = leveled.flatMap(({ setting }) => setting ?? [])
      const heard = leveled.map((each) => ({ ...each, messages: messagesOf(each.call, each.stream) }))
      const judge = () => (heard.every(({ messages }) => messages.length === 0) ? notApplicable(silent) : all(heard.map(isAtOrAbove)))
      return controlled([...settings, ...leveled.map(({ call }) => call)], judge)
    },
    fix: 'Keep the level per session, or per request where it is in `_meta`, and compare each message with it.',
    covers: 'logging.level-filter',
  }),

  check('logging/invalid-level', {
    title: 'A log level that does not exist is answered with -32602',
    should: 'answer -32602 to a log level it does not know',
    page: 'server/utilities/logging#error-handling',
    needs: { invalid },
    judge: ({ invalid: { exchange, after } }) => controlled([after], () => hasErrorCode(exchange, -32602)),
    fix: 'Compare the level with the eight of RFC 5424 before anything else is done.',
    covers: 'logging.invalid-level',
  }),

  check('logging/no-secrets', {
    title: 'Log messages hold no credentials',
    must: 'keep credentials and secrets out of log messages',
    page: 'server/utilities/logging#security',
    needs: { spoken, transcript },
    judge: ({ transcript }) => each(transcript.filter(logs), silent, holdsNoSecret),
    fix: 'Redact tokens and keys before a message is logged, in the gateway as well as behind it.',
    covers: 'logging.no-secrets',
  }),
])

const statelessEra = section(
  { spec: 'mcp', page: 'server/utilities/logging#per-request-log-level', revisions: '2026-07-28', over: 'http' },
  [
    check('logging/opt-in', {
      title: 'Log messages are sent only for requests that ask for them',
      must: 'emit no log messages for a request without a log level in its _meta',
      needs: { unasked, transcript },
      judge: ({ unasked: { plain }, transcript }) => {
        const stray = transcript.find(
          (exchange) => logs(exchange) && !subscribes(exchange) && !(exchange.request.body ?? '').includes(logLevel),
        )
        if (stray)
          return broken('sends log messages that were not asked for', {
            expected: 'no notifications/message',
            actual: messagesOf(stray)[0]?.params,
            exchange: stray,
          })
        return hasResult(plain)
      },
      fix: 'Drop log messages of a request whose `_meta` names no log level.',
      covers: 'logging.opt-in',
    }),

    check('logging/request-scope', {
      title: 'Log messages stay on the stream of their request',
      must: 'deliver log messages on no stream but that of the response to the request that asked for them',
      needs: { unasked },
      judge: ({ unasked: { stream, logged } }) => {
        if (statusOf(stream) !== 200 || stream.response?.events === undefined) return notApplicable('the target offers no subscriptions')
        return controlled([logged], () =>
          messagesOf(logged).length === 0 && !logs(stream)
            ? notApplicable(silent)
            : holdsIf(!logs(stream), 'sends log messages on a subscription', {
                expected: 'none',
                actual: messagesOf(stream)[0]?.params,
                exchange: stream,
              }),
        )
      },
      fix: 'Write log messages to the response stream of the request they belong to only.',
      covers: 'logging.request-scoped',
    }),
  ],
)

export default [bothEras, statelessEra]

/** A client of its own with a level of its own, and everything it hears during one call. */
async function hear(context: ProbeContext, level: string): Promise<Heard> {
  const connection = await context.connect()
  const stream = await connection.listen()
  const perRequest = context.era === 'stateless'
  const setting = perRequest ? undefined : await connection.send('logging/setLevel', { level })
  const { params } = await longCall(context, talkative)
  const call = await connection.send(
    'tools/call',
    { ...params },
    { deadline: longest, ...(perRequest ? { meta: { [logLevel]: level } } : {}) },
  )
  await context.pause(50)
  return { level, setting, call, stream: stream.exchange }
}

const messagesOf = (...exchanges: Exchange[]) =>
  exchanges.flatMap((exchange) => notificationsOf(exchange, 'notifications/message').map(({ params }) => ({ params, exchange })))

const logs = (exchange: Exchange): boolean => messagesOf(exchange).length > 0

const subscribes = ({ request }: Exchange): boolean => request.rpc?.method === 'subscriptions/listen'

function isAtOrAbove({ level, messages }: { level: string; messages: ReturnType<typeof messagesOf> }): Judgement {
  const low = messages.find(({ params }) => levels.indexOf(params?.level as string) < levels.indexOf(level))
  return low === undefined
    ? holds
    : broken(`sends a message of level ${low.params?.level}`, {
        expected: `${level} and above`,
        actual: low.params?.level,
        exchange: low.exchange,
      })
}

/** Forms that are credentials wherever they stand; our own tokens are `$TOKEN` by the time a message is written down. */
const secrets = [
  /\$TOKEN/,
  /\bBearer\s+[\w.~+/-]{16,}/i,
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bAKIA[0-9A-Z]{16}\b/,
]

function holdsNoSecret(exchange: Exchange): Judgement {
  const text = JSON.stringify(messagesOf(exchange).map(({ params }) => params))
  const found = secrets.find((form) => form.test(text))
  return holdsIf(found === undefined, 'sends a credential in a log message', {
    expected: 'no credentials',
    actual: found && `something of the form ${found.source}`,
    exchange,
  })
}
