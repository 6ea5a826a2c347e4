import { relative, resolve } from 'node:path'
import { reporters } from '../../reports/index.ts'
import { findRun, readRun, resultsDirectory, writeWhole } from '../store/index.ts'
import { defineCommand, usage } from './command.ts'
import { exit } from './exit.ts'
import { checkReporters } from './operation.ts'

export const report = defineCommand({
  name: 'report',
  synopsis: ['RUN [OPTION …]'],
  summary: 'write a report of a run',
  about: [
    'Writes a report of a run that is on disk, to standard output or to a file. Nothing is sent and nothing is judged again. RUN is a directory, the id of a run below assay-results, or `latest`.',
  ],
  options: {
    reporter: { type: 'string', short: 'r', value: 'NAME', among: Object.keys(reporters), help: 'the kind of report; pretty if left out' },
    out: { type: 'string', short: 'o', value: 'FILE', help: 'write to this file' },
    results: { type: 'string', value: 'DIR', help: 'look for runs below this directory instead of assay-results' },
  },
  examples: [
    ['assay report latest', 'the last run, for a person'],
    ['assay report latest --reporter junit --out junit.xml', 'for a CI system'],
  ],
  exits: [0, 2, 70],
  run: async (context, { options, positionals }) => {
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0) throw usage('report', 'report takes one run')
    const reporter = options.reporter ?? 'pretty'
    checkReporters([reporter])
    const stored = await readRun(await findRun(name, resolve(context.cwd, options.results ?? resultsDirectory)))
    const render = await reporters[reporter]!.load()
    const color = options.out === undefined && context.color.out
    const directory = relative(context.cwd, stored.directory) || stored.directory
    const text = render(stored, { width: context.terminal.width, color, directory })
    if (options.out === undefined) context.out(text)
    else {
      await writeWhole(resolve(context.cwd, options.out), text)
      context.err(`${reporter}: ${options.out}\n`)
    }
    return exit.passed
  },
})
