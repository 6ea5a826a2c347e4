import {
  answered,
  check,
  controlled,
  type Exchange,
  each,
  errorOf,
  hasErrorCode,
  hasResult,
  holdsIf,
  notApplicable,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { type InvalidArguments, invalidArguments, surplusArguments } from './invalid-arguments.ts'
import { callWith, optional } from './probes.ts'

const unknown = probe('calls of tools that do not exist', { requires: 'tools' }, async ({ session, catalogue }) => {
  const open = await session()
  const [listed] = (await catalogue()).tools.items
  // A name beside a listed one goes the way of that tool's server in a gateway; the other belongs to none.
  const names = ['assay_no_such_tool', ...(listed ? [`${listed.name.slice(0, 114)}_assay_missing`] : [])]
  const before = await open.send('tools/list')
  const calls = await Promise.all(names.map((name) => open.send('tools/call', { name, arguments: {} })))
  return { before, calls, after: await open.send('tools/list') }
})

const malformed = probe('calls whose arguments the schema refuses', { requires: 'callable tool' }, async (context) => {
  const session = await context.session()
  const call = await subject(context)
  const before = await callWith(session, call)
  const tried = await Promise.all(
    invalidArguments(call).map(async (invalid) => ({ ...invalid, exchange: await callWith(session, call, invalid.arguments) })),
  )
  const surplus = surplusArguments(call)
  const extra = surplus === undefined ? null : await callWith(session, call, surplus.arguments)
  const loose = await session.send('tools/call', { name: call.name, arguments: 'assay' })
  return { before, tried, extra, loose, after: await callWith(session, call) }
})

/** A call with arguments that can be got wrong, rather than one that takes none. */
async function subject(context: Parameters<typeof scriptedTool>[0]) {
  const [any, echo, structured] = [await context.tool('any'), await optional(context, 'echo'), await optional(context, 'structured')]
  return [echo, any, structured].find((call) => call !== undefined && invalidArguments(call).length > 0) ?? any
}

const polluting = probe('arguments named like members of every object', { requires: 'callable tool' }, async ({ session, tool }) => {
  const open = await session()
  const call = await tool('any')
  const before = await callWith(open, call)
  const names = JSON.parse('{"__proto__":{"assay":true},"constructor":{"prototype":{"assay":true}},"toString":"assay"}')
  const poisoned = await callWith(open, call, { ...call.arguments, ...names, ['__proto__']: { assay: true } })
  return { before, poisoned, after: await callWith(open, call) }
})

const failing = probe('a call that fails', { requires: 'failing tool' }, async ({ session, tool }) =>
  callWith(await session(), await tool('failing')),
)

const upstreamErrors = probe('failures of an upstream', { requires: ['tools', 'scripted upstream'] }, async (context) => {
  const { name } = await scriptedTool(context)
  const upstream = context.instruments.upstream!
  const session = await context.session()
  const behaviours = [
    { result: { content: [{ type: 'text', text: 'out of paper' }], isError: true } },
    { error: { code: -32603, message: 'out of order' } },
  ]
  const calls = await Promise.all(
    behaviours.map(async (behaviour) => session.send('tools/call', { name, arguments: { script: await upstream.script(behaviour) } })),
  )
  const control = await session.send('tools/call', { name, arguments: { script: await upstream.script({ text: 'fine' }) } })
  return { calls, control }
})

const succeeds = (exchange: Exchange): boolean => {
  const result = resultOf(exchange)
  return result !== undefined && result.isError !== true && result.resultType !== 'input_required'
}

const wrong = (what: string, exchange: Exchange) =>
  holdsIf(!succeeds(exchange), `runs a tool although ${what}`, {
    expected: 'an error, or a result with isError',
    actual: summaryOf(exchange),
    exchange,
  })

const reported = (what: string, exchange: Exchange) =>
  answered(exchange, () => {
    const error = errorOf(exchange)
    const crashed = (statusOf(exchange) ?? 200) >= 500 || (error !== undefined && error.code === -32603)
    return holdsIf(!crashed, `fails inside when ${what}`, {
      expected: 'a result with isError, or error -32602',
      actual: summaryOf(exchange),
      exchange,
    })
  })

type Tried = InvalidArguments & { exchange: Exchange }
const nothingToBreak = 'no tool that may be called has arguments that can be wrong'

export default section({ spec: 'mcp', page: 'server/tools#error-handling', revisions: 'all', requires: 'tools' }, [
  check('tools/unknown-tool', {
    title: 'A call of an unknown tool is answered with -32602',
    should: 'answer a call of an unknown tool with the protocol error -32602',
    needs: { unknown },
    judge: ({ unknown: { before, calls, after } }) =>
      controlled([before, after], () => each(calls, 'no call was made', (call) => hasErrorCode(call, -32602))),
    fix: 'Look the name up before the call is dispatched, and answer with a JSON-RPC error rather than isError.',
    covers: 'tools.call.unknown-tool',
  }),

  check('tools/unknown-tool-success', {
    title: 'A call of an unknown tool does not succeed',
    page: 'server/tools#security-considerations',
    must: 'validate the name of a called tool, and not report success for one it does not have',
    needs: { unknown },
    judge: ({ unknown: { before, calls, after } }) =>
      controlled([before, after], () => each(calls, 'no call was made', (call) => answered(call, () => wrong('it does not exist', call)))),
    fix: 'Answer -32602 for a name that is not listed.',
    covers: 'tools.call.unknown-tool',
  }),

  check('tools/malformed-call', {
    title: 'A call whose arguments are no object is answered with -32602',
    should: 'answer a request that does not fit the schema of tools/call with the protocol error -32602',
    needs: { malformed },
    requires: 'callable tool',
    judge: ({ malformed: { before, loose, after } }) => controlled([before, after], () => hasErrorCode(loose, -32602)),
    fix: 'Validate the params of tools/call, the members before the arguments.',
    covers: 'tools.call.input-validated',
  }),

  check('tools/input-validated', {
    title: 'Arguments that break the schema are refused',
    page: 'server/tools#security-considerations',
    must: 'validate all tool inputs, so that no tool runs with arguments its schema refuses',
    needs: { malformed },
    requires: 'callable tool',
    judge: ({ malformed: { before, tried, after } }) =>
      controlled([before, after], () =>
        each<Tried>(tried, nothingToBreak, ({ what, exchange }) => answered(exchange, () => wrong(what, exchange))),
      ),
    fix: 'Validate arguments against the input schema before the tool runs.',
    covers: 'tools.call.input-validated',
  }),

  check('tools/input-error', {
    title: 'Wrong arguments are reported as such, not as a failure inside',
    should: 'report wrong arguments as a result with isError or as error -32602',
    needs: { malformed },
    requires: 'callable tool',
    judge: ({ malformed: { before, tried, after } }) =>
      controlled([before, after], () => each<Tried>(tried, nothingToBreak, ({ what, exchange }) => reported(what, exchange))),
    fix: 'Catch the validation error and say which argument is wrong, so that a model can correct itself.',
    covers: 'tools.call.input-validated',
  }),

  check('tools/input-surplus', {
    title: 'Arguments beyond a closed schema are refused',
    policy: 'refuse an argument that the schema excludes with additionalProperties: false',
    needs: { malformed },
    requires: 'callable tool',
    judge: ({ malformed: { before, extra, after } }) =>
      controlled([before, after], () =>
        extra === null
          ? notApplicable('no tool that may be called has a closed schema')
          : answered(extra, () => wrong('an argument is not in its closed schema', extra)),
      ),
    fix: 'Validate strictly, or open the schema.',
    covers: 'tools.call.input-validated',
  }),

  check('tools/input-prototype', {
    title: 'Arguments named __proto__ or constructor do no harm',
    page: 'server/tools#security-considerations',
    should: 'take arguments named like members of every object as any others: ignored, or refused',
    needs: { polluting },
    requires: 'callable tool',
    judge: ({ polluting: { before, poisoned, after } }) =>
      controlled([before, after], () => reported('an argument is named __proto__', poisoned)),
    fix: 'Copy arguments into objects without a prototype, or refuse names that are not in the schema.',
    covers: 'tools.call.input-validated',
  }),

  check('tools/failure-result', {
    title: 'A tool that fails says so in its result',
    should: 'report the failure of a tool as a result with isError',
    needs: { failing },
    requires: 'failing tool',
    judge: ({ failing }) =>
      hasResult(failing, ({ isError }) =>
        holdsIf(isError === true, 'reports a failure without isError', { expected: 'isError: true', actual: isError ?? 'nothing' }),
      ),
    fix: 'Catch what the tool throws and answer with isError and a text a model can act on.',
    covers: 'tools.call.exec-error',
  }),

  check('tools/upstream-failure', {
    title: 'The failure of an upstream comes through as a failure',
    policy: 'pass the failure of an upstream tool on as a failure, never as success',
    needs: { upstreamErrors },
    requires: 'scripted upstream',
    judge: ({ upstreamErrors: { calls, control } }) =>
      controlled([control], () =>
        each(calls, 'no call was made', (call) => answered(call, () => wrong('its upstream reports a failure', call))),
      ),
    fix: 'Pass isError on as it is, and turn an error of the upstream into an error.',
    covers: 'tools.call.exec-error',
  }),
])
