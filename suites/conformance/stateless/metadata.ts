import {
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasResult,
  hasStatus,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  mediaTypeOf,
  notApplicable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { meta, noUpstreamCall, plainMethod, refusedWith, scriptedTool } from './requests.ts'

const incomplete = probe('requests with incomplete metadata', async ({ session, facts }) => {
  const client = await session()
  const method = plainMethod(facts)
  const before = await client.send(method)
  const [bare, version, capabilities, clientInfo] = await Promise.all([
    client.send(method, {}, { meta: null }),
    client.send(method, undefined, { meta: { [meta.version]: undefined } }),
    client.send(method, undefined, { meta: { [meta.capabilities]: undefined } }),
    client.send(method, undefined, { meta: { [meta.clientInfo]: undefined } }),
  ])
  return { before, bare, version, capabilities, clientInfo, after: await client.send(method) }
})

const results = probe('one result of each kind in the stateless era', async ({ session, catalogue }) => {
  const { opening } = await session()
  const lists = await catalogue()
  return [opening, ...Object.values(lists).flatMap(({ pages }: { pages: Exchange[] }) => pages.slice(0, 1))]
})

const needy = probe('a call that needs a capability the client lacks', { requires: 'scripted upstream' }, async (context) => {
  const name = await scriptedTool(context)
  const error = { code: -32021, message: 'This call asks the user', data: { requiredCapabilities: { elicitation: {} } } }
  const script = await context.instruments.upstream!.script({ error })
  const client = await context.session()
  const call = await client.send('tools/call', { name, arguments: { script } })
  // A stream that was begun while the upstream was at work has its status already; one who takes no stream gets none.
  return onStream(call) ? client.send('tools/call', { name, arguments: { script } }, { headers: { Accept: 'application/json' } }) : call
})

const onStream = (exchange: Exchange): boolean => mediaTypeOf(exchange) === 'text/event-stream'

const traceId = '0af7651916cd43dd8448eb211c80319c'

const traced = probe('a call with a trace context in its metadata', { requires: 'scripted upstream' }, async (context) => {
  const name = await scriptedTool(context)
  const upstream = context.instruments.upstream!
  const script = await upstream.script({})
  const trace = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'assay=1', baggage: 'assay=1' }
  const call = await (await context.session()).send('tools/call', { name, arguments: { script, text: 'traced' } }, { meta: trace })
  const seen = (await upstream.calls(script)).map(({ headers, params }) => ({
    inMeta: isObject(params?._meta) ? params._meta : {},
    inHeaders: { traceparent: headers.traceparent, tracestate: headers.tracestate, baggage: headers.baggage },
  }))
  return { call, seen }
})

const formats: Record<string, RegExp> = {
  traceparent: /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/,
  tracestate: /^[^,=]+=[^,=]*(\s*,\s*[^,=]+=[^,=]*)*$/,
  baggage: /^[^,;=\s]+\s*=\s*[^,;]*(;[^,]*)?(\s*,\s*[^,;=\s]+\s*=\s*[^,;]*(;[^,]*)?)*$/,
}

const isName = (value: unknown) => typeof value === 'string' && value !== ''

export default section({ spec: 'mcp', page: 'basic#_meta', revisions: '2026-07-28' }, [
  check('stateless/request-metadata', {
    title: 'A request without metadata is refused',
    must: 'refuse a request without the required metadata with error -32602, over HTTP with status 400',
    needs: { incomplete },
    judge: ({ incomplete: { before, bare, after } }) => controlled([before, after], () => refusedWith(bare, 400, -32602)),
    fix: 'Validate `params._meta` before anything else looks at the request.',
    covers: 'transport.meta.required',
  }),

  check('stateless/request-protocol-version', {
    title: 'A request whose metadata names no protocol version is refused',
    must: 'refuse a request without a protocol version in its metadata with error -32602, over HTTP with status 400',
    needs: { incomplete },
    // An absent member also differs from the header, for which the transport has an error of its own.
    judge: ({ incomplete: { before, version, after } }) => controlled([before, after], () => refusedWith(version, 400, -32602, -32020)),
    fix: 'Require `io.modelcontextprotocol/protocolVersion` in `params._meta`, whatever the header says.',
    covers: 'transport.meta.required',
  }),

  check('stateless/request-client-capabilities', {
    title: 'A request whose metadata names no client capabilities is refused',
    must: 'refuse a request without client capabilities in its metadata with error -32602, over HTTP with status 400',
    needs: { incomplete },
    judge: ({ incomplete: { before, capabilities, after } }) => controlled([before, after], () => refusedWith(capabilities, 400, -32602)),
    fix: 'Require `io.modelcontextprotocol/clientCapabilities` in `params._meta`; an empty object claims nothing.',
    covers: 'transport.meta.required',
  }),

  check('stateless/request-client-info', {
    title: 'A request need not say who the client is',
    policy: 'serve a request whose metadata leaves out the optional client info',
    needs: { incomplete },
    judge: ({ incomplete: { before, clientInfo, after } }) => controlled([before, after], () => hasResult(clientInfo)),
    fix: 'Treat `io.modelcontextprotocol/clientInfo` as optional.',
    covers: 'transport.meta.client-info-optional',
  }),

  check('stateless/server-info', {
    title: 'Every result says which server it comes from',
    should: 'name itself, with name and version, in the metadata of every result',
    needs: { results },
    judge: ({ results }) =>
      each(
        results.filter((exchange) => resultOf(exchange) !== undefined),
        'no result came back',
        (exchange) => {
          const own = resultOf(exchange)!._meta
          const info = isObject(own) ? own[meta.serverInfo] : undefined
          return holdsIf(
            isObject(info) && isName(info.name) && isName(info.version),
            `leaves the server info out of ${exchange.request.rpc?.method}`,
            {
              expected: `_meta["${meta.serverInfo}"] with name and version`,
              actual: own ?? 'no _meta',
              exchange,
            },
          )
        },
      ),
    fix: 'Add `io.modelcontextprotocol/serverInfo` to `_meta` where results are sent, not in each handler.',
    covers: 'transport.meta.server-info',
  }),

  check('stateless/missing-client-capability', {
    title: 'A client capability that is missing is named in the refusal',
    must: 'send error -32021 with the missing capabilities in its data, over HTTP with status 400',
    requires: 'scripted upstream',
    needs: { needy },
    judge: ({ needy }) => {
      const error = errorOf(needy)
      if (error?.code !== -32021) return notApplicable(`the target does not pass the error of the upstream on: ${summaryOf(needy)}`)
      const named = isObject(error.data) ? error.data.requiredCapabilities : undefined
      return holdsIf(isObject(named) && Object.keys(named).length > 0, 'does not name the missing capabilities', {
        expected: 'data.requiredCapabilities with a member for each',
        actual: error.data ?? 'no data',
        exchange: needy,
      }).and(
        onStream(needy)
          ? inconclusive('the answer came on a stream, which was begun before there was an error', needy)
          : needy.via === 'http'
            ? hasStatus(needy, 400)
            : holds,
      )
    },
    fix: 'Keep `data` of error -32021 on its way through, and answer it with status 400.',
    covers: 'transport.meta.capability-missing',
  }),

  check('stateless/trace-context-format', {
    title: 'Trace context that is passed on is well-formed',
    must: 'send trace context in metadata in the formats of W3C Trace Context and W3C Baggage',
    requires: 'scripted upstream',
    needs: { traced },
    judge: ({ traced: { call, seen } }) =>
      controlled([call], () =>
        each(
          seen.flatMap(({ inMeta }) =>
            Object.keys(formats)
              .filter((key) => inMeta[key] !== undefined)
              .map((key) => ({ key, value: inMeta[key] })),
          ),
          'the target passes no trace context on in metadata',
          ({ key, value }) =>
            holdsIf(typeof value === 'string' && formats[key]!.test(value), `passes on a malformed ${key}`, {
              actual: value,
              exchange: call,
            }),
        ),
      ),
    fix: 'Build `traceparent` from its four fields in lower-case hex: version, trace id, parent id, flags.',
    covers: 'transport.meta.trace-context',
  }),

  check('stateless/trace-context-kept', {
    title: 'A trace goes on behind the target',
    policy: 'keep the trace id of a call on its way to the upstream, in metadata or in headers',
    requires: 'scripted upstream',
    needs: { traced },
    judge: ({ traced: { call, seen } }) =>
      controlled([call], () =>
        seen.length === 0
          ? noUpstreamCall
          : holdsIf(
              seen.every(({ inMeta, inHeaders }) =>
                [inMeta.traceparent, inHeaders.traceparent].some((value) => String(value).includes(traceId)),
              ),
              'loses the trace id',
              { expected: traceId, actual: seen, exchange: call },
            ),
      ),
    fix: 'Continue the trace of `_meta.traceparent`: same trace id, new parent id.',
    covers: 'transport.meta.trace-context',
  }),
])
