import { isDeepStrictEqual } from 'node:util'
import { validateResult } from '../../../src/model/frames/index.ts'
import {
  broken,
  check,
  type Exchange,
  each,
  holds,
  holdsIf,
  inconclusive,
  isObject,
  type Judgement,
  notApplicable,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { validatorOf } from './json-schema.ts'
import { type Called, called, type Json, relayed, structured } from './probes.ts'

const isFinal = (result: Json): boolean => result.resultType === undefined || result.resultType === 'complete'

/** Judges calls that came to a result; calls that came to an error are another rule's subject. */
function results(calls: readonly Exchange[], judge: (result: Json, exchange: Exchange) => Judgement): Judgement {
  const got = calls.filter((exchange) => resultOf(exchange) !== undefined)
  if (got.length === 0) return inconclusive(`no call came to a result: ${summaryOf(calls[0]!)}`, calls[0])
  const final = got.filter((exchange) => isFinal(resultOf(exchange)!))
  return each(final, 'every call asks for more input', (exchange) => judge(resultOf(exchange)!, exchange))
}

const blocksOf = ({ content }: Json): Json[] => (Array.isArray(content) ? content.filter(isObject) : [])

/** A wrong encoding is `content-encoding`'s to tell. */
const isEncoding = ({ path, keyword }: { path: string; keyword: string }) => keyword === 'format' && /\/(data|blob)$/.test(path)

const isBase64 = (text: unknown): boolean => typeof text === 'string' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

const encodingHolds = (exchange: Exchange): Judgement[] =>
  blocksOf(resultOf(exchange)!)
    .filter(({ type }) => type === 'image' || type === 'audio')
    .map(({ type, data, mimeType }) =>
      holdsIf(isBase64(data), `gives ${type} data that is not base64`, {
        expected: 'RFC 4648 base64 with padding',
        actual: String(data).slice(0, 80),
        exchange,
      }).and(
        holdsIf(new RegExp(`^${type}/[\\w.+-]+`).test(String(mimeType)), `gives ${type} data of another media type`, {
          expected: `${type}/…`,
          actual: mimeType,
          exchange,
        }),
      ),
    )

/** Judges the success of a tool that promises structured content. */
function promised({ tool, exchange }: Called, judge: (result: Json) => Judgement): Judgement {
  const result = resultOf(exchange)
  if (result === undefined) return inconclusive(`the call came to no result: ${summaryOf(exchange)}`, exchange)
  if (result.isError === true || !isFinal(result)) return notApplicable(`the call of ${tool.name} did not succeed`)
  return judge(result)
}

export default section({ spec: 'mcp', page: 'server/tools#tool-result', revisions: 'all', requires: 'callable tool' }, [
  check('tools/result-valid', {
    title: 'Results of calls have the shape of the revision',
    must: 'give content as an array of blocks, each with the members of its type',
    needs: { called },
    judge: ({ called }, { revision }) =>
      results(
        called.map(({ exchange }) => exchange),
        (result, exchange) => {
          const problem = validateResult(revision, 'tools/call', result).find(
            (each) => /^\/(content|isError|structuredContent)/.test(each.path) && !isEncoding(each),
          )
          return holdsIf(problem === undefined, `${problem?.path} ${problem?.message}`, { actual: summaryOf(exchange), exchange })
        },
      ),
    fix: 'Compare the result with the type CallToolResult of the revision.',
    covers: 'tools.call.content-valid',
  }),

  check('tools/result-type', {
    title: 'A result says which type it has',
    page: 'basic#result-responses',
    must: 'put resultType into each result of a call',
    needs: { called },
    revisions: '2026-07-28..',
    judge: ({ called }) => {
      const got = called.filter(({ exchange }) => resultOf(exchange) !== undefined)
      if (got.length === 0) return inconclusive('no call came to a result', called[0]?.exchange)
      return each(got, '', ({ exchange }) => {
        const { resultType } = resultOf(exchange)!
        return holdsIf(typeof resultType === 'string', 'gives a result without resultType', {
          expected: '"complete"',
          actual: resultType ?? 'nothing',
          exchange,
        })
      })
    },
    fix: 'Set `resultType: "complete"`; a gateway adds it to results of upstreams of older revisions.',
    covers: 'tools.result-type',
  }),

  check('tools/content-encoding', {
    title: 'Images and audio are base64 of their media type',
    page: 'server/tools#image-content',
    must: 'encode image and audio data as base64, and name their media type',
    needs: { called },
    judge: ({ called }) =>
      results(
        called.map(({ exchange }) => exchange),
        (_, exchange) => each(encodingHolds(exchange), 'no call that may be made gives an image or audio', (judgement) => judgement),
      ),
    fix: 'Encode the bytes with a standard, padded base64 encoder.',
    covers: 'tools.content.base64',
  }),

  check('tools/relayed-content', {
    title: 'Images and audio come through a gateway as they were',
    page: 'server/tools#image-content',
    must: 'encode image and audio data as base64, and name their media type, when it passes them on',
    needs: { relayed },
    requires: ['tools', 'scripted upstream'],
    judge: ({ relayed }) =>
      results([relayed], () => each(encodingHolds(relayed), 'the gateway passes on text only', (judgement) => judgement)),
    fix: 'Pass content blocks on untouched.',
    covers: 'tools.content.base64',
  }),

  check('tools/embedded-resources', {
    title: 'A target that embeds resources declares them',
    page: 'server/tools#embedded-resources',
    should: 'declare the resources capability when its tools embed resources',
    needs: { called },
    revisions: '2025-06-18..',
    judge: ({ called }, { capabilities }) =>
      results(
        called.map(({ exchange }) => exchange),
        (result, exchange) =>
          blocksOf(result).some(({ type }) => type === 'resource')
            ? holdsIf(isObject(capabilities.resources), 'embeds a resource without declaring resources', {
                expected: 'capabilities.resources',
                actual: Object.keys(capabilities),
                exchange,
              })
            : notApplicable('no call that may be made embeds a resource'),
      ),
    fix: 'Declare `resources: {}` and serve what is embedded, so that clients can read it again.',
    covers: 'tools.embedded-resources.capability',
  }),

  check('tools/structured-text', {
    title: 'Structured content is repeated as text',
    page: 'server/tools#structured-content',
    should: 'give the serialised structured content in a text block too',
    needs: { structured },
    revisions: '2025-06-18..',
    requires: 'tools',
    judge: ({ structured }) =>
      promised(structured, (result) => {
        if (result.structuredContent === undefined) return notApplicable('there is no structured content')
        const texts = blocksOf(result).filter(({ type }) => type === 'text')
        return holdsIf(
          texts.some(({ text }) => isDeepStrictEqual(parsed(text), result.structuredContent)),
          'gives structured content that no text block repeats',
          { expected: 'a text block with the same JSON', actual: texts.map(({ text }) => text), exchange: structured.exchange },
        )
      }),
    fix: 'Add a text block with `JSON.stringify(structuredContent)` for clients that read text only.',
    covers: 'tools.structured.text-mirror',
  }),

  check('tools/structured-present', {
    title: 'A tool with an output schema gives structured content',
    page: 'server/tools#output-schema',
    must: 'give structured content when the tool has an output schema',
    needs: { structured },
    revisions: '2025-06-18..',
    requires: 'tools',
    judge: ({ structured }) =>
      promised(structured, ({ structuredContent }) =>
        holdsIf(structuredContent !== undefined, `${structured.tool.name} promises structured content and gives none`, {
          expected: 'structuredContent',
          actual: summaryOf(structured.exchange),
          exchange: structured.exchange,
        }),
      ),
    fix: 'Return structuredContent, or take the output schema away; a gateway passes both on.',
    covers: 'tools.structured.present',
  }),

  check('tools/structured-conforms', {
    title: 'Structured content fits the output schema',
    page: 'server/tools#output-schema',
    must: 'give structured content that conforms to the output schema of the tool',
    needs: { structured },
    revisions: '2025-06-18..',
    requires: 'tools',
    judge: ({ structured }) =>
      promised(structured, ({ structuredContent }) => {
        const { tool, exchange } = structured
        if (structuredContent === undefined) return notApplicable('there is no structured content')
        const problemOf = validatorOf(tool.outputSchema)
        if (problemOf === undefined) return inconclusive(`the output schema of ${tool.name} cannot be compiled`, exchange)
        const problem = problemOf(structuredContent)
        return problem === undefined
          ? holds
          : broken(`${tool.name} gives structured content that breaks its own schema`, {
              expected: tool.outputSchema,
              actual: problem,
              exchange,
            })
      }),
    fix: 'Validate the result against the output schema before it is sent.',
    covers: 'tools.structured.conforms',
  }),
])

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return undefined
  }
}
