import type { RegisteredCheck } from '../engine/types.ts'
import { defineCommand } from './command.ts'
import { exit } from './exit.ts'
import { filterOptions, selectChecks } from './select.ts'

export const list = defineCommand({
  name: 'list',
  synopsis: ['[SELECTOR …] [OPTION …]'],
  summary: 'list the checks',
  about: ['Lists the checks that the selectors name, all without one, by suite and area. Selectors are the same as those of `assay run`.'],
  options: { ...filterOptions, json: { type: 'boolean', help: 'print a JSON array, one object per check' } },
  examples: [
    ['assay list security', 'the checks of a suite'],
    ['assay list --since 2026-07-28', 'what the newest revision brings'],
    ["assay list --json | jq -r '.[].id'", 'ids only'],
  ],
  exits: [0, 2],
  run: async (context, { options, positionals }) => {
    const checks = selectChecks(await context.checks(), positionals, options)
    context.out(options.json ? `${JSON.stringify(checks.map(described), null, 2)}\n` : table(checks))
    return exit.passed
  },
})

/** A check as plain data. */
export const described = ({ needs, judge, ...data }: RegisteredCheck): Omit<RegisteredCheck, 'needs' | 'judge'> => data

function table(checks: readonly RegisteredCheck[]): string {
  const width = Math.max(...checks.map(({ id }) => id.length))
  const areas = Map.groupBy(checks, ({ suite, area }) => `${suite}/${area}`)
  return [...areas]
    .map(([area, of]) =>
      [area, ...of.map(({ id, keyword, title }) => `  ${id.padEnd(width)}  ${keyword.padEnd(6)}  ${title}`), ''].join('\n'),
    )
    .join('\n')
}
