import {
  answered,
  check,
  type Exchange,
  each,
  hasErrorCode,
  holdsIf,
  type Judgement,
  notApplicable,
  probe,
  resultOf,
  section,
} from '../../../src/model/index.ts'

/** Arguments that are completed, of prompts and of resource templates each. */
const most = 4

const completed = probe('completions of arguments the target lists', async ({ session, catalogue }) => {
  const connection = await session()
  const { prompts, templates } = await catalogue()
  const ofPrompts = prompts.items.flatMap((prompt) =>
    (prompt.arguments ?? []).map((argument) => ({ ref: { type: 'ref/prompt', name: prompt.name }, name: argument.name })),
  )
  const ofTemplates = templates.items.flatMap(({ uriTemplate }) =>
    variablesOf(uriTemplate).map((name) => ({ ref: { type: 'ref/resource', uri: uriTemplate }, name })),
  )
  const asked = [...ofPrompts.slice(0, most), ...ofTemplates.slice(0, most)]
  return Promise.all(asked.map(({ ref, name }) => connection.send('completion/complete', { ref, argument: { name, value: '' } })))
})

const wrong = probe('completions that make no sense', async ({ session, use }) => {
  const before = (await use(completed)).find((exchange) => resultOf(exchange) !== undefined)
  const connection = await session()
  const known = before && (JSON.parse(before.request.body!) as { params: { ref: unknown } }).params.ref
  const unknown = { type: 'ref/prompt', name: 'assay-no-such-prompt' }
  return {
    before,
    prompt: await connection.send('completion/complete', { ref: unknown, argument: { name: 'assay', value: 'a' } }),
    argument: known ? await connection.send('completion/complete', { ref: known }) : undefined,
  }
})

export default section({ spec: 'mcp', page: 'server/utilities/completion', revisions: 'all' }, [
  check('completion/capability', {
    title: 'A target that completes arguments claims the capability',
    must: 'declare the completions capability when it supports completion',
    page: 'server/utilities/completion#capabilities',
    revisions: '2025-03-26..',
    needs: { completed },
    judge: ({ completed }, { capabilities }) => {
      const serving = completed.find((exchange) => valuesOf(exchange).length > 0)
      if (serving === undefined) return notApplicable('the target completes nothing that it lists')
      return holdsIf(Boolean(capabilities.completions), 'completes arguments without the capability', {
        expected: 'the completions capability',
        actual: Object.keys(capabilities),
        exchange: serving,
      })
    },
    fix: 'Declare `completions: {}` among the capabilities.',
    covers: 'completion.capability',
  }),

  check('completion/limit', {
    title: 'A completion holds at most 100 values',
    must: 'return at most 100 values in one completion',
    page: 'server/utilities/completion#completion-results',
    needs: { completed },
    judge: ({ completed }) =>
      each(completed.filter(isServed), nothing, (exchange) => {
        const { length } = valuesOf(exchange)
        return holdsIf(length <= 100, `returns ${length} values`, { expected: 'at most 100 values', actual: length, exchange })
      }),
    fix: 'Cut the values at 100, and say so with `total` and `hasMore`.',
    covers: 'completion.max-100',
  }),

  check('completion/unsupported', {
    title: 'Completion that is not supported is answered with -32601',
    should: 'answer -32601 to completion/complete when the capability is not supported',
    page: 'server/utilities/completion#error-handling',
    revisions: '2025-03-26..',
    needs: { wrong },
    judge: ({ wrong: { before, prompt } }, { capabilities }) =>
      capabilities.completions || before ? notApplicable('the target supports completion') : hasErrorCode(prompt, -32601),
    fix: 'Answer -32601 to methods of capabilities that are not declared.',
  }),

  check('completion/unknown-prompt', {
    revisions: '2025-03-26..',
    title: 'A completion for an unknown prompt is answered with -32602',
    should: 'answer -32602 to a completion that refers to a prompt that does not exist',
    page: 'server/utilities/completion#error-handling',
    needs: { wrong },
    judge: ({ wrong: { before, prompt } }) => supported(before, () => hasErrorCode(prompt, -32602)),
    fix: 'Look the reference up before completing, and answer -32602 when it is not there.',
    covers: 'completion.invalid-ref',
  }),

  check('completion/missing-argument', {
    revisions: '2025-03-26..',
    title: 'A completion without its argument is answered with -32602',
    should: 'answer -32602 to a completion that does not say which argument it completes',
    page: 'server/utilities/completion#error-handling',
    needs: { wrong },
    judge: ({ wrong: { before, argument } }) => supported(before, () => hasErrorCode(argument!, -32602)),
    fix: 'Validate the parameters of completion/complete against the schema.',
    covers: 'completion.invalid-ref',
  }),
])

const nothing = 'the target completes nothing that it lists'

function supported(before: Exchange | undefined, judge: () => Judgement): Judgement {
  return before ? answered(before, judge) : notApplicable(nothing)
}

const isServed = (exchange: Exchange): boolean => resultOf(exchange) !== undefined

function valuesOf(exchange: Exchange): unknown[] {
  const values = (resultOf(exchange)?.completion as { values?: unknown } | undefined)?.values
  return Array.isArray(values) ? values : []
}

/** Names of the variables of a URI template (RFC 6570), without operators and modifiers. */
const variablesOf = (template: string): string[] =>
  [...template.matchAll(/\{[+#./;?&]?([^}]+)\}/g)].flatMap(([, list]) =>
    list!.split(',').map((variable) => variable.replace(/(\*|:\d+)$/, '')),
  )
