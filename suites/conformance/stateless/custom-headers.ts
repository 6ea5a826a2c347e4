import {
  answered,
  broken,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasResult,
  holds,
  holdsIf,
  isRefused,
  type Judgement,
  notApplicable,
  probe,
  section,
  statusOf,
  summaryOf,
  type ToolDefinition,
} from '../../../src/model/index.ts'
import { noUpstreamCall, refusedWith, scriptedTool } from './requests.ts'
import { encoded } from './standard-headers.ts'

interface Mirrored {
  argument: string
  header: string
  type: string
}

/** The arguments of a tool that are given again in headers. */
function mirroredOf({ inputSchema }: ToolDefinition): Mirrored[] {
  const properties = Object.entries((inputSchema?.properties ?? {}) as Record<string, Record<string, unknown> | null>)
  return properties.flatMap(([argument, property]) =>
    typeof property?.['x-mcp-header'] === 'string'
      ? [{ argument, header: `Mcp-Param-${property['x-mcp-header']}`, type: String(property.type) }]
      : [],
  )
}

const params = probe('calls whose parameter header is damaged', { over: 'http' }, async ({ session, tool }) => {
  const client = await session()
  const { definition, name, arguments: given } = await tool('mirrored')
  const mirrored = mirroredOf(definition).filter(({ argument }) => given[argument] !== undefined)
  const { argument, header, type } = mirrored[0]!
  const integer = mirrored.find((each) => each.type === 'integer')
  const value = given[argument]
  const { [argument]: _, ...without } = given
  const ask = (args: Record<string, unknown>, headers?: Record<string, string | null>) =>
    client.send('tools/call', { name, arguments: args }, { headers })
  const before = await ask(given)
  const [missing, wrong, whole, foreign, recased, nulled, absent, decimal] = await Promise.all([
    ask(given, { [header]: null }),
    ask(given, { [header]: type === 'integer' ? `${Number(value) + 1}` : type === 'boolean' ? `${!value}` : `${value}-other` }),
    ask(given, { [header]: encoded(String(value)) }),
    ask(given, { [header]: `${value}\u00e9` }),
    ask(given, { [header]: null, [header.toUpperCase()]: String(value) }),
    ask({ ...given, [argument]: null }, { [header]: null }),
    ask(without, { [header]: null }),
    integer ? ask(given, { [integer.header]: `${given[integer.argument]}.0` }) : null,
  ])
  return { before, missing, wrong, whole, foreign, recased, nulled, absent, decimal, after: await ask(given) }
})

const foreignHeader = 'Mcp-Param-Assay-Canary'

const forwarded = probe('a call with a parameter header nobody knows', { over: 'http', requires: 'scripted upstream' }, async (context) => {
  const name = await scriptedTool(context)
  const upstream = context.instruments.upstream!
  const script = await upstream.script({})
  const call = await (await context.session()).send(
    'tools/call',
    { name, arguments: { script } },
    { headers: { [foreignHeader]: 'canary' } },
  )
  return { call, seen: (await upstream.calls(script)).map(({ headers, params }) => ({ headers, name: params?.name ?? null })) }
})

const misnamed = probe(
  'a call to the upstream whose name header differs',
  { over: 'http', requires: 'scripted upstream' },
  async (context) => {
    const name = await scriptedTool(context)
    const upstream = context.instruments.upstream!
    const client = await context.session()
    const [good, bad] = await Promise.all([upstream.script({}), upstream.script({})])
    const before = await client.send('tools/call', { name, arguments: { script: good } })
    const refused = await client.send('tools/call', { name, arguments: { script: bad } }, { headers: { 'Mcp-Name': 'assay-other' } })
    const after = await client.send('tools/call', { name, arguments: { script: good } })
    return { before, refused, after, reached: (await upstream.calls(bad)).length }
  },
)

const expectsNoHeader = (exchange: Exchange): Judgement =>
  answered(exchange, () => {
    const code = errorOf(exchange)?.code
    return code === -32020
      ? broken('asks for a header that has no value to carry', {
          expected: 'any answer but error -32020',
          actual: summaryOf(exchange),
          exchange,
        })
      : holds
  })

const decoded = (value: string): string =>
  /^=\?base64\?.*\?=$/.test(value) ? Buffer.from(value.slice(9, -2), 'base64').toString('utf8') : value

const transport = 'basic/transports/streamable-http'

export default section({ spec: 'mcp', page: `${transport}#server-behavior-for-custom-headers`, revisions: '2026-07-28', over: 'http' }, [
  check('stateless/parameter-header-mismatch', {
    title: 'A parameter header that differs from the argument is refused',
    must: 'refuse a call whose parameter header differs from the argument with status 400 and error -32020',
    needs: { params },
    judge: ({ params: { before, wrong, after } }) => controlled([before, after], () => refusedWith(wrong, 400, -32020)),
    fix: 'Compare every annotated argument with its header.',
    covers: 'headers.param.match',
  }),

  check('stateless/parameter-header', {
    title: 'A call without the header of an annotated argument is refused',
    must: 'refuse a call that gives an annotated argument without its header with status 400 and error -32020',
    needs: { params },
    judge: ({ params: { before, missing, after } }) => controlled([before, after], () => refusedWith(missing, 400, -32020)),
    fix: 'Require the header whenever the argument has a value.',
    covers: 'headers.param.missing',
  }),

  check('stateless/absent-parameter', {
    title: 'An annotated argument without a value needs no header',
    must: 'expect no header for an annotated argument that is null or left out',
    needs: { params },
    judge: ({ params: { before, nulled, absent, after } }) =>
      controlled([before, after], () => expectsNoHeader(nulled).and(expectsNoHeader(absent))),
    fix: 'Ask for the header only when the argument is there and not null.',
    covers: 'headers.param.null-or-absent',
  }),

  check('stateless/parameter-header-characters', {
    title: 'A parameter header with invalid characters is refused',
    must: 'refuse a parameter header that carries other characters than visible ASCII, space and tab',
    needs: { params },
    judge: ({ params: { before, foreign, after } }) =>
      controlled([before, after], () => isRefused(foreign, 'serves a call with a header that is not ASCII')),
    fix: 'Check the characters of a header before comparing it.',
    covers: 'headers.param.invalid-chars',
  }),

  check('stateless/encoded-parameter-header', {
    title: 'An encoded parameter header is decoded before it is compared',
    must: 'decode a parameter header in the Base64 form before it compares it with the argument',
    page: `${transport}#value-encoding`,
    needs: { params },
    judge: ({ params: { before, whole, after } }) => controlled([before, after], () => hasResult(whole)),
    fix: 'Decode `=?base64?…?=` as UTF-8 first, then compare.',
    covers: 'headers.param.match',
  }),

  check('stateless/parameter-header-name-case', {
    title: 'The case of parameter header names does not matter',
    must: 'compare the names of parameter headers without regard to case',
    page: `${transport}#case-sensitivity`,
    needs: { params },
    judge: ({ params: { before, recased, after } }) => controlled([before, after], () => hasResult(recased)),
    fix: 'Look headers up by their lower-case names, whatever the case of the annotation.',
    covers: 'headers.name-case-insensitive',
  }),

  check('stateless/integer-parameter-header', {
    title: 'Integers in parameter headers are compared as numbers',
    should: 'take 42.0 in a header for the argument 42',
    page: `${transport}#server-validation`,
    needs: { params },
    judge: ({ params: { before, decimal, after } }) =>
      decimal === null
        ? notApplicable('no integer argument is mirrored in a header')
        : controlled([before, after], () => hasResult(decimal)),
    fix: 'Parse both sides as numbers when the schema says integer.',
    covers: 'headers.param.integer-numeric',
  }),

  check('stateless/unknown-parameter-header', {
    title: 'A parameter header nobody knows is passed on',
    must: 'forward a parameter header it does not recognize, and otherwise ignore it',
    requires: 'scripted upstream',
    needs: { forwarded },
    judge: ({ forwarded: { call, seen } }) =>
      hasResult(call).and(
        each(seen, 'the call did not reach the upstream', ({ headers }) =>
          holdsIf(headers[foreignHeader.toLowerCase()] === 'canary', 'drops a parameter header it does not know', {
            expected: `${foreignHeader}: canary at the upstream`,
            actual: Object.keys(headers),
            exchange: call,
          }),
        ),
      ),
    fix: 'Copy `Mcp-Param-*` fields to the upstream request as they are.',
    covers: 'headers.param.forward-unknown',
  }),

  check('stateless/mismatch-at-the-edge', {
    title: 'A call whose headers do not fit never reaches the upstream',
    must: 'answer a failed validation with an error status itself, before the call is passed on',
    page: `${transport}#server-validation`,
    requires: 'scripted upstream',
    needs: { misnamed },
    judge: ({ misnamed: { before, refused, after, reached } }) =>
      controlled([before, after], () =>
        answered(refused, () =>
          holdsIf(reached === 0, 'passes a call on whose name header differs from the body', {
            expected: 'nothing at the upstream',
            actual: `${reached} calls`,
            exchange: refused,
          }).and(
            holdsIf(statusOf(refused)! >= 400, 'answers a failed validation without an error status', {
              actual: summaryOf(refused),
              exchange: refused,
            }),
          ),
        ),
      ),
    fix: 'Validate the mirrored headers at the gateway, not at the server behind it.',
    covers: 'headers.intermediary.status',
  }),

  check('stateless/upstream-name-header', {
    title: 'Headers and body agree behind the target too',
    policy: 'write the name header anew for the upstream when the name in the body is rewritten',
    page: `${transport}#standard-request-headers`,
    requires: 'scripted upstream',
    needs: { forwarded },
    judge: ({ forwarded: { call, seen } }) => {
      if (seen.length === 0) return noUpstreamCall
      return each(
        seen.filter(({ headers }) => headers['mcp-name'] !== undefined),
        'the target speaks to the upstream without name headers',
        ({ headers, name }) =>
          holdsIf(decoded(headers['mcp-name']!) === name, 'sends the upstream a name header that differs from the body', {
            expected: name,
            actual: headers['mcp-name'],
            exchange: call,
          }),
      )
    },
    fix: 'Derive mirrored headers from the message that is sent, after the prefix is taken off.',
    covers: 'headers.gateway-rename',
  }),
])
