import {
  all,
  check,
  controlled,
  type Exchange,
  hasResult,
  isRefused,
  type Judgement,
  notApplicable,
  notTestable,
  type ProbeContext,
  probe,
  section,
  Unfit,
} from '../../../src/model/index.ts'
import { plainMethod, refusedWith } from './requests.ts'

const mismatch = (exchange: Exchange) => refusedWith(exchange, 400, -32020)

const methods = probe('requests whose method header is damaged', { over: 'http' }, async ({ session, facts }) => {
  const client = await session()
  const method = plainMethod(facts)
  const other = method === 'server/discover' ? 'tools/list' : 'server/discover'
  const ask = (headers: Record<string, string | null>) => client.send(method, undefined, { headers })
  const before = await ask({})
  const [missing, wrong, recased, oddName] = await Promise.all([
    ask({ 'Mcp-Method': null }),
    ask({ 'Mcp-Method': other }),
    ask({ 'Mcp-Method': method.replace(/^./, (first) => first.toUpperCase()) }),
    ask({ 'mCp-MeThOd': method, 'mcp-PROTOCOL-version': '2026-07-28' }),
  ])
  return { before, missing, wrong, recased, oddName, after: await ask({}) }
})

interface Named {
  method: string
  params: Record<string, unknown>
  name: string
}

/** What may be asked for by name: a tool the owner allows, a resource, a prompt that needs no arguments. */
async function subjectsOf(context: ProbeContext): Promise<{ subjects: Named[]; lack?: string }> {
  const { resources, prompts, tools } = await context.catalogue()
  const resource = resources.items[0]
  const prompt = prompts.items.find((each) => !each.arguments?.some(({ required }) => required))
  const subjects: Named[] = [
    ...(resource ? [{ method: 'resources/read', params: { uri: resource.uri }, name: resource.uri }] : []),
    ...(prompt ? [{ method: 'prompts/get', params: { name: prompt.name }, name: prompt.name }] : []),
  ]
  if (tools.items.length === 0) return { subjects }
  try {
    const tool = await context.tool('any')
    return { subjects: [{ method: 'tools/call', params: { name: tool.name, arguments: tool.arguments }, name: tool.name }, ...subjects] }
  } catch (error) {
    if (error instanceof Unfit) return { subjects, lack: error.message }
    throw error
  }
}

export const encoded = (text: string): string => `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`

const recase = (text: string): string => (text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase())

const named = probe('requests whose name header is damaged', { over: 'http' }, async (context) => {
  const client = await context.session()
  const { subjects, lack } = await subjectsOf(context)
  const asked = await Promise.all(
    subjects.map(async ({ method, params, name }) => {
      const ask = (value?: string | string[] | null) =>
        client.send(method, params, value === undefined ? {} : { headers: { 'Mcp-Name': value } })
      const before = await ask()
      const [missing, wrong, whole, malformed, recased, repeated] = await Promise.all([
        ask(null),
        ask('assay-other'),
        ask(encoded(name)),
        ask('=?base64?%%%?='),
        recase(name) === name ? null : ask(recase(name)),
        ask([name, 'assay-other']),
      ])
      return { before, missing, wrong, whole, malformed, recased, repeated, after: await ask() }
    }),
  )
  return { asked, lack: lack ?? null }
})

type Evidence = { asked: Asked[]; lack: string | null }
type Asked = Record<'before' | 'missing' | 'wrong' | 'whole' | 'malformed' | 'repeated' | 'after', Exchange> & { recased: Exchange | null }

function eachNamed({ asked, lack }: Evidence, judge: (asked: Asked) => Judgement): Judgement {
  const judged = asked.map((each) => controlled([each.before, each.after], () => judge(each)))
  if (lack !== null) return all([...judged, notTestable(lack)])
  return judged.length === 0 ? notApplicable('the target lists nothing that is asked for by name') : all(judged)
}

const transport = 'basic/transports/streamable-http'

export default section({ spec: 'mcp', page: `${transport}#standard-request-headers`, revisions: '2026-07-28', over: 'http' }, [
  check('stateless/method-header', {
    title: 'A request without the method header is refused',
    must: 'refuse a request without `Mcp-Method` with status 400 and error -32020',
    needs: { methods },
    judge: ({ methods: { before, missing, after } }) => controlled([before, after], () => mismatch(missing)),
    fix: 'Require `Mcp-Method` on every request of this revision.',
    covers: 'headers.mcp-method.required',
  }),

  check('stateless/name-header', {
    title: 'A request for something by name is refused without the name header',
    must: 'refuse tools/call, resources/read and prompts/get without `Mcp-Name` with status 400 and error -32020',
    needs: { named },
    judge: ({ named }) => eachNamed(named, ({ missing }) => mismatch(missing)),
    fix: 'Require `Mcp-Name` on the three methods that name a tool, resource or prompt.',
    covers: 'headers.mcp-name.required',
  }),

  check('stateless/encoded-name-header', {
    title: 'An encoded name header is decoded before it is compared',
    must: 'decode an `Mcp-Name` in the Base64 form before it compares it with the body',
    page: `${transport}#value-encoding`,
    needs: { named },
    judge: ({ named }) => eachNamed(named, ({ whole }) => hasResult(whole)),
    fix: 'Decode `=?base64?…?=` as UTF-8 first, then compare.',
    covers: 'headers.mcp-name.base64',
  }),

  check('stateless/header-name-case', {
    title: 'The case of header names does not matter',
    must: 'compare header names without regard to case',
    page: `${transport}#case-sensitivity`,
    needs: { methods },
    judge: ({ methods: { before, oddName, after } }) => controlled([before, after], () => hasResult(oddName)),
    fix: 'Look headers up by their lower-case names.',
    covers: 'headers.name-case-insensitive',
  }),

  check('stateless/header-value-case', {
    title: 'The case of header values matters',
    must: 'treat header values as case-sensitive, and refuse one that differs from the body in case',
    page: `${transport}#case-sensitivity`,
    needs: { methods, named },
    judge: ({ methods: { before, recased, after }, named }) =>
      all([
        controlled([before, after], () => mismatch(recased)),
        ...named.asked.flatMap((asked) => (asked.recased ? [controlled([asked.before, asked.after], () => mismatch(asked.recased!))] : [])),
      ]),
    fix: 'Compare values as they are: names and URIs that differ in case are different.',
    covers: 'headers.value-case-sensitive',
  }),

  check('stateless/method-header-mismatch', {
    title: 'A method header that differs from the body is refused',
    must: 'refuse a request whose `Mcp-Method` differs from its method with status 400 and error -32020',
    page: `${transport}#server-validation`,
    needs: { methods },
    judge: ({ methods: { before, wrong, after } }) => controlled([before, after], () => mismatch(wrong)),
    fix: 'Compare `Mcp-Method` with the body before access rules look at either.',
    covers: ['headers.mcp-method.mismatch', 'headers.intermediary.status'],
  }),

  check('stateless/name-header-mismatch', {
    title: 'A name header that differs from the body is refused',
    must: 'refuse a request whose `Mcp-Name` differs from the name or URI it asks for with status 400 and error -32020',
    page: `${transport}#server-validation`,
    needs: { named },
    judge: ({ named }) => eachNamed(named, ({ wrong }) => mismatch(wrong)),
    fix: 'Compare `Mcp-Name` with the body: rules that trust the header are got round otherwise.',
    covers: ['headers.mcp-name.mismatch', 'headers.intermediary.status'],
  }),

  check('stateless/malformed-name-header', {
    title: 'A malformed Base64 name header is refused',
    must: 'refuse an `Mcp-Name` whose Base64 form cannot be decoded with status 400 and error -32020',
    page: `${transport}#server-validation`,
    needs: { named },
    judge: ({ named }) => eachNamed(named, ({ malformed }) => mismatch(malformed)),
    fix: 'Treat a payload that does not decode as a mismatch.',
    covers: 'headers.base64-malformed',
  }),

  check('stateless/repeated-name-header', {
    title: 'Two name headers that disagree are refused',
    policy: 'refuse a request that carries two different `Mcp-Name` headers',
    page: `${transport}#server-validation`,
    needs: { named },
    judge: ({ named }) => eachNamed(named, ({ repeated }) => isRefused(repeated, 'serves a request with two different name headers')),
    fix: 'Refuse a mirrored header that comes twice: an intermediary may have read the other one.',
    covers: 'headers.mcp-name.mismatch',
  }),
])
