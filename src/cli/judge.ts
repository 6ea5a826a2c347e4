import { relative, resolve } from 'node:path'
import { reporters } from '../../reports/index.ts'
import { decide, defaultPolicy } from '../gate/index.ts'
import type { Finding } from '../model/index.ts'
import { findRun, readRun, resultsDirectory } from '../store/index.ts'
import { defineCommand, usage } from './command.ts'
import { exitOf, failedTargets } from './operation.ts'

export const judge = defineCommand({
  name: 'judge',
  synopsis: ['RUN [OPTION …]'],
  summary: 'judge the evidence of a run again, offline',
  about: [
    'Reads what a run wrote down and judges it again with the checks of this version. Nothing is sent. With the same checks the findings are the same; where they differ, the command says which.',
    'RUN is a directory, the id of a run below assay-results, or `latest`. What the run accepted stays accepted, and its gate decides again.',
  ],
  options: {
    out: { type: 'string', value: 'DIR', help: 'look for runs below this directory instead of assay-results' },
    json: { type: 'boolean', help: 'print the findings as JSON' },
  },
  examples: [
    ['assay judge latest', 'the last run'],
    ['assay judge 20260301-101500-ab12 --json', 'findings for a script'],
  ],
  exits: [0, 1, 2, 3, 70],
  run: async (context, { options, positionals }) => {
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0) throw usage('judge', 'judge takes one run')
    const directory = await findRun(name, resolve(context.cwd, options.out ?? resultsDirectory))
    const stored = await readRun(directory)
    const checks = await context.checks()
    const { judgeAgain } = await context.engine()
    const { record, findings: judged } = await judgeAgain(directory, checks)
    const findings = withAnnotations(judged, stored.findings)
    const gone = record.checks.filter((id) => !checks.some((check) => check.id === id))
    if (gone.length > 0) context.err(`no longer among the checks: ${gone.join(', ')}\n`)
    for (const line of differences(stored.findings, findings)) context.err(`${line}\n`)
    const { policy = defaultPolicy, beside } = stored.decision ?? {}
    const decision = decide(findings, policy, {
      failedTargets: failedTargets({ record, findings }),
      problems: beside?.problems.map((message) => ({ message })),
      interrupted: beside?.interrupted,
    })
    const report = await reporters[options.json ? 'json' : 'pretty']!.load()
    const where = relative(context.cwd, directory) || directory
    context.out(report({ record, findings, decision }, { width: context.terminal.width, color: context.color.out, directory: where }))
    return exitOf(decision)
  },
})

const keyOf = ({ check, target, revision, identity }: Finding): string => JSON.stringify([check, target, revision, identity])

/** What was accepted when the run was made stays accepted. */
function withAnnotations(judged: readonly Finding[], stored: readonly Finding[]): Finding[] {
  const before = new Map(stored.map((finding) => [keyOf(finding), finding]))
  return judged.map((finding) => {
    const { waiver, known } = before.get(keyOf(finding)) ?? {}
    return { ...finding, ...(waiver && { waiver }), ...(known && { known }) }
  })
}

function differences(stored: readonly Finding[], judged: readonly Finding[]): string[] {
  const before = new Map(stored.map((finding) => [keyOf(finding), finding.outcome]))
  return judged.flatMap((finding) => {
    const was = before.get(keyOf(finding))
    return was === finding.outcome
      ? []
      : [`changed: ${finding.check} on ${finding.target} at ${finding.revision}: ${was ?? 'nothing'} before, ${finding.outcome} now`]
  })
}
