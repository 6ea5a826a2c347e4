import { plain, plainLine } from '../../reports/plain.ts'
import { loadConfig, targetNames } from '../config/index.ts'
import { type DeclaredObjective, readObjectives } from '../config/objectives.ts'
import { durationText, obstacle, percentText, rulesText, unreachable } from '../config/prometheus.ts'
import { type AssayError, coded, formatError, recordOf } from '../messages/index.ts'
import { defineCommand, usage } from './command.ts'
import { exit } from './exit.ts'

export const objectives = defineCommand({
  name: 'objectives',
  synopsis: ['[OPTION …]', '--emit prometheus [OPTION …]'],
  summary: 'list the objectives of targets, or write them as rules of Prometheus',
  about: [
    'Lists what is wanted of the targets: the objectives of the configuration and of the OpenSLO files it names, with the share of requests that is to be good, the time its error budget is for, who measures it, and where it stands. `load` is a run of the load suite; `prometheus` are the rules that this command writes.',
    'With --emit, writes recording and alerting rules for Prometheus to stdout: the share of bad requests over several windows, the error budget and what is left of it, and alerts by burn rate over two windows each. An objective that has no queries is named and left out.',
    'What is wrong in a file of objectives is said with file, line, document and member; the other objectives are listed or written all the same, and the command ends with 2.',
  ],
  options: {
    target: { type: 'string', multiple: true, short: 't', value: 'NAME', help: 'only objectives of this target' },
    emit: { type: 'string', value: 'FORM', among: ['prometheus'], help: 'write the objectives in this form instead of a list' },
    json: { type: 'boolean', help: 'print JSON' },
  },
  examples: [
    ['assay objectives', 'what is wanted of the targets, and where it says so'],
    ['assay objectives --emit prometheus > slo-rules.yaml', 'rules of recording and alerting for Prometheus'],
  ],
  exits: [0, 2],
  run: async (context, { options, positionals }) => {
    if (positionals.length > 0) throw usage('objectives', `objectives takes no ${positionals[0]}`, 'name a target with --target')
    if (options.emit && options.json) throw usage('objectives', '--emit and --json exclude each other')
    const loaded = await loadConfig(options.config, context.cwd)
    const asked = options.target && targetNames(loaded, options.target)
    const { objectives: all, problems } = await readObjectives(loaded)
    const listed = all.filter(({ targets }) => asked === undefined || asked.some((target) => targets.includes(target)))
    for (const problem of problems) context.err(`${plain(formatError(problem))}\n`)
    if (options.emit) {
      const ready = listed.filter((objective) => obstacle(objective) === undefined)
      for (const line of listed.flatMap(remarks)) context.err(`${plainLine(line)}\n`)
      if (ready.length === 0)
        throw coded(
          'E_OBJECTIVE_NO_RULES',
          { file: loaded.file },
          { got: `${listed.length} objectives that can be read, of which none has what is needed` },
        )
      context.out(await rulesText(ready))
    } else context.out(options.json ? json(listed, problems) : table(listed))
    return problems.length > 0 ? exit.usage : exit.passed
  },
})

/** What there is to say of an objective that is written, or left out. */
function remarks(objective: DeclaredObjective): string[] {
  const why = obstacle(objective)
  if (why) return [`left out: ${objective.name} (${objective.from}): ${why}`]
  const never = unreachable(objective)
  if (never.length === 0) return []
  return [
    `${objective.name} (${objective.from}): a burn rate of ${never.join(' or ')} is never reached with a target of ${percentText(objective.target)}; there is no alert at it`,
  ]
}

const json = (objectives: readonly DeclaredObjective[], problems: readonly AssayError[]): string =>
  `${JSON.stringify({ objectives: objectives.map((objective) => ({ ...objective, noRules: obstacle(objective) })), problems: problems.map(recordOf) }, null, 2)}\n`

function table(objectives: readonly DeclaredObjective[]): string {
  if (objectives.length === 0) return 'no objectives\n'
  const heads = ['objective', 'good', 'of', 'budget for', 'measured by', 'targets', 'from']
  const rows = [heads, ...objectives.map(cells)]
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

const cells = (objective: DeclaredObjective): string[] => {
  const { name, target, measures, window, targets, from } = objective
  const by = [...(measures ? ['load'] : []), ...(obstacle(objective) === undefined ? ['prometheus'] : [])]
  return [
    name,
    percentText(target),
    wordsOf(measures),
    `${durationText(window.days)}${window.calendar ? ' of the calendar' : ''}`,
    by.join(', ') || 'nobody',
    targets.join(', '),
    from,
  ].map(plainLine)
}

function wordsOf(measures: DeclaredObjective['measures']): string {
  if (measures === undefined) return 'its queries'
  const { method, sli, within } = measures
  return sli === 'availability' ? `${method} answered` : `${method} within ${within} ms`
}
