import {
  broken,
  check,
  controlled,
  type Exchange,
  each,
  holds,
  holdsIf,
  isObject,
  isRefused,
  notApplicable,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { problemOfSchema } from './json-schema.ts'
import { callWith, listing, readable } from './probes.ts'

const swapped = probe('a tool name in the other case', { requires: 'callable tool' }, async ({ session, tool, catalogue }) => {
  const call = await tool('any')
  const name = otherCase(call.name)
  const listed = (await catalogue()).tools.items.some((each) => each.name === name)
  const open = await session()
  const before = await callWith(open, call)
  const other = name === call.name || listed ? null : await callWith(open, { ...call, name })
  return { before, other, after: await callWith(open, call), name }
})

const otherCase = (name: string): string => {
  const lower = name.toLowerCase()
  return lower === name ? name.toUpperCase() : lower
}

const schemaHolds = (member: 'inputSchema' | 'outputSchema', name: string, schema: unknown, page: Exchange) => {
  const problem = problemOfSchema(schema)
  return holdsIf(problem === undefined, `the ${member} of ${name} is no valid schema`, {
    expected: 'a schema valid in its dialect',
    actual: problem,
    exchange: page,
  })
}

export default section({ spec: 'mcp', page: 'server/tools#tool', revisions: '2025-11-25..', requires: 'tools' }, [
  check('tools/input-schema-object', {
    title: 'Every tool has an input schema that is an object',
    must: 'give each tool an inputSchema that is a JSON Schema object, not null',
    needs: { listing },
    judge: ({ listing }) =>
      readable(listing, (tools) =>
        each(tools, '', ({ tool, page }) =>
          holdsIf(isObject(tool.inputSchema), `${tool.name} has no input schema that is an object`, {
            expected: 'an object',
            actual: tool.inputSchema ?? 'nothing',
            exchange: page,
          }),
        ),
      ),
    fix: 'Give a tool without parameters `{ "type": "object", "additionalProperties": false }`.',
    covers: 'tools.input-schema.object',
  }),

  check('tools/input-schema-valid', {
    title: 'Input schemas are valid JSON Schema',
    must: 'give each tool an inputSchema that is valid in the dialect it declares, or in 2020-12',
    needs: { listing },
    judge: ({ listing }) =>
      readable(listing, (tools) =>
        each(
          tools.filter(({ tool }) => isObject(tool.inputSchema)),
          'no tool has an input schema',
          ({ tool, page }) => schemaHolds('inputSchema', tool.name, tool.inputSchema, page),
        ),
      ),
    fix: 'Run the schema through a validator of its dialect; declare `$schema` when it is not 2020-12.',
    covers: ['tools.input-schema.valid-dialect'],
  }),

  check('tools/output-schema-valid', {
    title: 'Output schemas are valid JSON Schema',
    page: 'basic#schema-validation',
    must: 'give a tool an outputSchema, if any, that is valid in the dialect it declares, or in 2020-12',
    needs: { listing },
    revisions: '2026-07-28..',
    judge: ({ listing }) =>
      readable(listing, (tools) =>
        each(
          tools.filter(({ tool }) => tool.outputSchema !== undefined),
          'no tool has an output schema',
          ({ tool, page }) => schemaHolds('outputSchema', tool.name, tool.outputSchema, page),
        ),
      ),
    fix: 'Run the schema through a validator of its dialect; declare `$schema` when it is not 2020-12.',
    covers: ['tools.input-schema.valid-dialect'],
  }),

  check('tools/name-characters', {
    title: 'Tool names keep to letters, digits, dots, dashes and underscores',
    page: 'server/tools#tool-names',
    should: 'name tools with 1 to 128 characters of A-Z, a-z, 0-9, underscore, hyphen and dot',
    needs: { listing },
    judge: ({ listing }) =>
      readable(listing, (tools) =>
        each(tools, '', ({ tool, page }) =>
          holdsIf(/^[A-Za-z0-9_.-]{1,128}$/.test(String(tool.name)), 'lists a tool name with other characters, or too long', {
            expected: '1 to 128 characters of A-Z a-z 0-9 _ - .',
            actual: tool.name,
            exchange: page,
          }),
        ),
      ),
    fix: 'Rename the tool; a gateway counts its prefix in.',
    covers: 'tools.name.charset',
  }),

  check('tools/name-unique', {
    title: 'No two tools have one name',
    page: 'server/tools#tool-names',
    should: 'list each tool name once',
    needs: { listing },
    judge: ({ listing }) =>
      readable(listing, (tools) => {
        const seen = new Set<unknown>()
        const double = tools.find(({ tool }) => seen.size === seen.add(tool.name).size)
        return double === undefined ? holds : broken('lists a tool name twice', { actual: double.tool.name, exchange: double.page })
      }),
    fix: 'Prefix the names of tools that come from several servers.',
    covers: 'tools.name.unique',
  }),

  check('tools/name-case', {
    title: 'Tool names are told apart by case',
    page: 'server/tools#tool-names',
    should: 'treat tool names as case-sensitive',
    needs: { swapped },
    requires: 'callable tool',
    judge: ({ swapped: { before, other, after, name } }) =>
      controlled([before, after], () => {
        if (other === null) return notApplicable('the name has no other case that is free')
        const result = resultOf(other)
        if (result === undefined) return isRefused(other, 'answers a call of a name in the other case')
        return holdsIf(result.isError === true, `runs a tool under the name ${name}, which it does not list`, {
          expected: 'an error: there is no such tool',
          actual: summaryOf(other),
          exchange: other,
        })
      }),
    fix: 'Compare names byte for byte.',
    covers: 'tools.name.case-sensitive',
  }),
])
