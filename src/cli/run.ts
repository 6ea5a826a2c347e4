import { defineCommand } from './command.ts'
import { selectChecks, unasked } from './select.ts'
import { assessSubject, subjectOptions } from './subject.ts'

export const run = defineCommand({
  name: 'run',
  synopsis: ['[SELECTOR …] [OPTION …]', 'URL [SELECTOR …] [OPTION …]', '[SELECTOR …] [OPTION …] -- COMMAND [ARGUMENT …]'],
  summary: 'assess targets',
  about: [
    'Sends what the selected checks need to the targets, judges what comes back, and prints the findings. Everything that went over the wire is kept in a directory below assay-results, so that `assay judge` can judge it again.',
    'A selector is a suite (conformance), an area (transport), a check id (transport/ended-session), or a pattern (security/token-*). Without one, every check is selected but those of load, which are asked for by name.',
    'With a URL, or a command that speaks MCP over stdio after --, no configuration is needed. Only tools that are annotated read-only, or that the configuration allows, are called.',
    'A broken MUST fails the run. Something that could not be finished makes it inconclusive, which is no success either.',
  ],
  options: subjectOptions,
  examples: [
    ['assay run https://gateway.example/mcp --bearer env:TOKEN', 'assess a server without a configuration'],
    ['assay run -- npx -y @modelcontextprotocol/server-everything', 'assess a server over stdio'],
    ['assay run transport tools/list-* --target preprod --revision 2025-11-25', 'a part of the checks, on one target at one revision'],
    ['assay run --plan security', 'show what would be sent'],
    ['assay run --json | jq \'.findings[] | select(.outcome == "fail")\'', 'the failures, for a script'],
  ],
  exits: [0, 1, 2, 3, 70, 130],
  run: (context, call) =>
    assessSubject(context, 'run', call, (all, selectors) =>
      selectChecks(selectors.length > 0 ? all : unasked(all), selectors, call.options),
    ),
})
