import { validateDefinition, validateResult } from '../../../src/model/frames/index.ts'
import {
  all,
  answered,
  broken,
  type Connection,
  check,
  controlled,
  type Exchange,
  each,
  hasErrorCode,
  hasResult,
  holds,
  holdsIf,
  isRefused,
  type Judgement,
  notApplicable,
  notTestable,
  probe,
  type Revision,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'

type Prompt = { name: string; arguments?: { name: string; required?: boolean }[] }
type Json = Record<string, unknown>

/** Prompts that are got: enough to meet every kind of content, few enough to be polite. */
const most = 8

const unclaimed = probe('the list of prompts, claimed or not', async ({ session }) => (await session()).send('prompts/list'))

const listed = probe(
  'the list of prompts, page by page',
  { requires: 'prompts' },
  async ({ catalogue }) => (await catalogue()).prompts.pages,
)

const got = probe('prompts got with arguments that fit', { requires: 'prompts' }, async ({ session, catalogue }) => {
  const connection = await session()
  const { prompts } = await catalogue()
  return Promise.all(
    prompts.items.slice(0, most).map(async (prompt) => {
      const given = await fittingArguments(connection, prompt)
      return { prompt, given, exchange: await connection.send('prompts/get', { name: prompt.name, arguments: given }) }
    }),
  )
})

const unknown = probe('a prompt that does not exist', { requires: 'prompts' }, async ({ session }) => {
  const connection = await session()
  const before = await connection.send('prompts/list')
  return { before, exchange: await connection.send('prompts/get', { name: 'assay-no-such-prompt' }) }
})

const wrong = probe('a prompt got with arguments that do not fit', { requires: 'prompts' }, async ({ session, use }) => {
  const connection = await session()
  const fit = (await use(got)).filter(({ exchange }) => resultOf(exchange) !== undefined)
  const demanding = fit.find(({ given }) => Object.keys(given).length > 0)
  const accepting = demanding ?? fit.find(({ prompt }) => prompt.arguments?.length)
  const get = (prompt: Prompt, given: unknown) => connection.send('prompts/get', { name: prompt.name, arguments: given })
  const argument = accepting?.prompt.arguments?.[0]?.name ?? ''
  const withValue = (value: unknown) => accepting && get(accepting.prompt, { ...accepting.given, [argument]: value })
  const [missing, object, expression, path] = await Promise.all([
    demanding && get(demanding.prompt, {}),
    withValue({ nested: ['assay'] }),
    withValue(expressions),
    withValue('../../../../../../../../etc/passwd'),
  ])
  return {
    before: accepting?.exchange,
    missing,
    object,
    expression,
    path,
    after: accepting && (await get(accepting.prompt, accepting.given)),
  }
})

const changed = probe(
  'the upstream says that its prompts have changed',
  { requires: ['prompts.listChanged', 'scripted upstream'] },
  async ({ connect, instruments }) => {
    const connection = await connect()
    const stream = await connection.listen({ filter: { promptsListChanged: true } })
    // A gateway may reach for its upstream only once a client listens, so the word is said more than once.
    let heard: unknown
    for (let attempt = 0; attempt < 12 && heard === undefined; attempt += 1) {
      await instruments.upstream!.notify('notifications/prompts/list_changed')
      heard = await stream.next((message) => (message as Json).method === 'notifications/prompts/list_changed', 150)
    }
    return { stream: stream.exchange, heard: heard !== undefined }
  },
)

export default section({ spec: 'mcp', page: 'server/prompts', revisions: 'all' }, [
  check('prompts/capability', {
    title: 'A target that has prompts claims the capability',
    must: 'declare the prompts capability when it supports prompts',
    page: 'server/prompts#capabilities',
    needs: { unclaimed },
    judge: ({ unclaimed }, { capabilities }) => {
      const prompts = resultOf(unclaimed)?.prompts
      if (capabilities.prompts)
        return prompts === undefined ? notApplicable('the target claims the capability and lists no prompts') : holds
      return Array.isArray(prompts) && prompts.length > 0
        ? broken('lists prompts without the capability', {
            expected: 'the prompts capability',
            actual: Object.keys(capabilities),
            exchange: unclaimed,
          })
        : notApplicable('the target offers no prompts')
    },
    fix: 'Declare `prompts` among the capabilities whenever prompts/list answers with prompts.',
    covers: 'prompts.capability',
  }),

  check('prompts/list', {
    title: 'The list of prompts is answered',
    must: 'respond to prompts/list with the prompts available once the capability is declared',
    page: 'server/prompts#capabilities',
    revisions: '2026-07-28',
    needs: { listed },
    judge: ({ listed }) =>
      all(listed.map((page) => hasResult(page, ({ prompts }) => holdsIf(Array.isArray(prompts), 'answers without a list of prompts')))),
    fix: 'Answer prompts/list with an array, empty if need be, or do not claim the capability.',
    covers: 'prompts.list.respond',
  }),

  check('prompts/messages', {
    title: 'Prompts have the shape of the schema',
    must: 'answer prompts/list with prompts and prompts/get with messages as the schema defines them',
    page: 'server/prompts#data-types',
    needs: { got, listed },
    judge: ({ got, listed }, { revision }) => {
      const results = got.filter(({ exchange }) => resultOf(exchange) !== undefined)
      if (results.length === 0 && got.length > 0) return notTestable('no prompt accepts arguments that follow from its definition')
      return each(results, 'the target lists no prompts', ({ exchange }) => fits(revision, 'prompts/get', exchange)).and(
        all(listed.filter((page) => resultOf(page) !== undefined).map((page) => fits(revision, 'prompts/list', page))),
      )
    },
    fix: 'Build messages as `{ role: "user" | "assistant", content }` with one content block of the revision.',
    covers: 'prompts.get.valid',
  }),

  check('prompts/list-changed', {
    title: 'A change of the prompts reaches clients',
    should: 'send notifications/prompts/list_changed when the list of prompts changes, once listChanged is declared',
    page: 'server/prompts#list-changed-notification',
    requires: 'scripted upstream',
    needs: { changed },
    judge: ({ changed: { stream, heard } }) =>
      stream.via === 'http' && statusOf(stream) !== 200
        ? notApplicable('the target offers no stream on which it could say so')
        : holdsIf(heard, 'does not pass on that the prompts have changed', {
            expected: 'notifications/prompts/list_changed',
            actual: 'nothing within 1.8 s',
            exchange: stream,
          }),
    fix: 'Listen to list_changed of every upstream and send it to each client that may see its prompts.',
    covers: 'prompts.list-changed',
  }),

  check('prompts/content-encoding', {
    title: 'Images and audio in prompts are Base64 with a media type',
    must: 'encode image and audio data of prompt messages in Base64 and name a valid media type',
    page: 'server/prompts#image-content',
    needs: { got },
    judge: ({ got }) =>
      each(blocksOf(got, 'image', 'audio'), 'no prompt that was got holds an image or audio', ({ content, exchange }) =>
        isEncoded(content, content.data, exchange),
      ),
    fix: 'Encode the bytes in standard Base64, without a data: prefix, and set `mimeType`.',
    covers: 'prompts.content.base64',
  }),

  check('prompts/embedded-resource', {
    title: 'Resources embedded in prompts are whole',
    must: 'give an embedded resource a valid URI, its media type, and text or Base64 data',
    page: 'server/prompts#embedded-resources',
    needs: { got },
    judge: ({ got }, { revision }) =>
      each(blocksOf(got, 'resource'), 'no prompt that was got embeds a resource', ({ content, exchange }) =>
        isWhole(revision, content.resource, exchange),
      ),
    fix: 'Fill `uri`, `mimeType` and either `text` or `blob` of every embedded resource.',
    covers: 'prompts.content.embedded-resource',
  }),

  check('prompts/unknown-prompt', {
    title: 'An unknown prompt is answered with -32602',
    should: 'answer -32602 to a prompt name that does not exist',
    page: 'server/prompts#error-handling',
    needs: { unknown },
    judge: ({ unknown: { before, exchange } }) => controlled([before], () => hasErrorCode(exchange, -32602)),
    fix: 'Answer error -32602 when the name is not in the list.',
    covers: 'prompts.get.unknown',
  }),

  check('prompts/missing-arguments', {
    title: 'A missing required argument is answered with -32602',
    should: 'answer -32602 when a required argument of a prompt is missing',
    page: 'server/prompts#error-handling',
    needs: { wrong },
    judge: ({ wrong: { before, missing, after } }) =>
      missing === undefined
        ? notApplicable('no prompt that could be got requires an argument')
        : controlled([before!, after!], () => hasErrorCode(missing, -32602)),
    fix: 'Compare the arguments with those the prompt declares as required before it is filled in.',
    covers: 'prompts.get.missing-args',
  }),

  check('prompts/argument-validation', {
    title: 'Prompt arguments of a wrong type are refused',
    should: 'validate prompt arguments before processing',
    page: 'server/prompts#implementation-considerations',
    needs: { wrong },
    judge: ({ wrong: { before, object, after } }) =>
      object === undefined
        ? notApplicable('no prompt that could be got takes an argument')
        : controlled([before!, after!], () => isRefused(object, 'fills an object into a prompt where text belongs').and(isNoCrash(object))),
    fix: 'Refuse every argument that is not a string with -32602.',
    covers: 'prompts.get.args-validated',
  }),

  check('prompts/injection', {
    title: 'Prompt arguments are data, not programs or paths',
    must: 'validate prompt inputs so that they inject nothing and open nothing they should not',
    page: 'server/prompts#security',
    needs: { wrong },
    judge: ({ wrong: { before, expression, path, after } }) =>
      expression === undefined || path === undefined
        ? notApplicable('no prompt that could be got takes an argument')
        : controlled([before!, after!], () =>
            isHarmless(expression, evaluated, 'evaluates an expression in a prompt argument').and(
              isHarmless(path, /root:[^:\n]*:0:0:/, 'reads a file named in a prompt argument'),
            ),
          ),
    fix: 'Insert arguments as plain text after the template has been rendered, and never use them as a path or a command.',
  }),
])

/** One expression in each of the usual template languages; whichever is evaluated gives the product. */
const expressions = [
  ['{{', '}}'],
  ['${', '}'],
  ['<%=', '%>'],
  ['#{', '}'],
  ['$((', '))'],
]
  .map(([open, shut]) => `a${open}191*7${shut}z`)
  .join(' ')
const evaluated = /a1337z/

/** Values for the required arguments: the first the target itself suggests, or a word. */
async function fittingArguments(connection: Connection, prompt: Prompt): Promise<Record<string, string>> {
  const given: Record<string, string> = {}
  for (const { name, required } of prompt.arguments ?? [])
    if (required) given[name] = (await suggested(connection, prompt, name, given)) ?? 'assay'
  return given
}

async function suggested(connection: Connection, prompt: Prompt, name: string, given: Record<string, string>): Promise<string | undefined> {
  if (!connection.capabilities.completions) return undefined
  const context = connection.revision >= '2025-06-18' ? { context: { arguments: given } } : {}
  const exchange = await connection.send('completion/complete', {
    ref: { type: 'ref/prompt', name: prompt.name },
    argument: { name, value: '' },
    ...context,
  })
  const values = (resultOf(exchange)?.completion as { values?: unknown[] } | undefined)?.values
  return values?.find((value): value is string => typeof value === 'string' && value !== '')
}

type Got = { exchange: Exchange }[]

const blocksOf = (got: Got, ...types: string[]): { content: Json; exchange: Exchange }[] =>
  got.flatMap(({ exchange }) => {
    const messages = resultOf(exchange)?.messages
    const blocks = Array.isArray(messages) ? messages.map((message) => (message as { content?: Json } | null)?.content) : []
    return blocks.filter((content): content is Json => types.includes(content?.type as string)).map((content) => ({ content, exchange }))
  })

const fits = (revision: Revision, method: string, exchange: Exchange): Judgement => {
  const [problem] = validateResult(revision, method, resultOf(exchange))
  return problem === undefined
    ? holds
    : broken(`answers ${method} with a result that ${problem.path || 'as a whole'} ${problem.message}`, {
        expected: problem.message,
        actual: problem.path,
        exchange,
      })
}

const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;.*)?$/

const isBase64 = (data: unknown): boolean => typeof data === 'string' && data.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(data)

const isEncoded = (content: Json, data: unknown, exchange: Exchange): Judgement =>
  holdsIf(isBase64(data), `has ${content.type ?? 'binary'} data that is not Base64`, {
    expected: 'Base64',
    actual: String(data).slice(0, 40),
    exchange,
  }).and(
    holdsIf(mediaType.test(String(content.mimeType ?? '')), 'names no valid media type', {
      expected: 'type/subtype',
      actual: content.mimeType,
      exchange,
    }),
  )

function isWhole(revision: Revision, resource: unknown, exchange: Exchange): Judgement {
  const { uri, mimeType, text, blob } = (resource ?? {}) as Json
  return holdsIf(/^[a-z][a-z0-9+.-]*:\S*$/i.test(String(uri ?? '')), 'embeds a resource without a valid URI', { actual: uri, exchange })
    .and(
      holdsIf(mediaType.test(String(mimeType ?? '')), 'embeds a resource without its media type', {
        expected: 'type/subtype',
        actual: mimeType,
        exchange,
      }),
    )
    .and(holdsIf(typeof text === 'string' || isBase64(blob), 'embeds a resource without text or Base64 data', { exchange }))
    .and(
      holdsIf(
        validateDefinition(revision, 'EmbeddedResource', { type: 'resource', resource }).length === 0,
        'embeds a resource that breaks the schema',
        { exchange },
      ),
    )
}

const isNoCrash = (exchange: Exchange): Judgement =>
  answered(exchange, () =>
    holdsIf((statusOf(exchange) ?? 0) < 500, 'fails on the argument instead of refusing it', {
      expected: 'HTTP 4xx or a JSON-RPC error',
      actual: summaryOf(exchange),
      exchange,
    }),
  )

const isHarmless = (exchange: Exchange, trace: RegExp, otherwise: string): Judgement =>
  answered(exchange, () => {
    const text = JSON.stringify(resultOf(exchange)?.messages ?? '')
    return holdsIf(!trace.test(text), otherwise, {
      expected: 'the argument as it was given, or an error',
      actual: trace.exec(text)?.[0],
      exchange,
    })
  })
