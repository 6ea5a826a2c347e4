import type { Finding } from '../../src/model/index.ts'
import { plainLine } from '../plain.ts'
import type { Reporter } from '../reporter.ts'
import { isResult, resultOf } from './results.ts'
import { ruleOf, taxonomyOf, weaknessesOf } from './rules.ts'
import { taxonomies } from './taxonomies.ts'

/**
 * SARIF 2.1.0, as code scanning takes it: a rule for each check, a result for each finding that is not green. Weaknesses are
 * taxonomies that rules refer to.
 */
export const sarif: Reporter = ({ record, findings }) => {
  const rules = [...new Map(findings.map((finding) => [finding.check, finding])).values()]
  const used = weaknessesOf(rules)
  const referred = taxonomies.map((taxonomy) => taxonomyOf(taxonomy, used)).filter(({ taxa }) => taxa.length > 0)
  const run = {
    tool: {
      driver: {
        name: 'Assay',
        semanticVersion: record.assay,
        informationUri: 'https://github.com/mcp-assay/assay',
        rules: rules.map(ruleOf),
        supportedTaxonomies: referred.map(({ name }) => ({ name })),
      },
    },
    automationDetails: { id: `assay/${record.run}` },
    invocations: [
      {
        executionSuccessful: record.targets.every(({ error }) => error === undefined),
        startTimeUtc: record.started,
        endTimeUtc: new Date(Date.parse(record.started) + record.took).toISOString(),
        toolExecutionNotifications: record.targets.flatMap(({ name, error }) =>
          error === undefined
            ? []
            : [{ level: 'error', descriptor: { id: error.code }, message: { text: plainLine(`${name}: ${error.message}`) } }],
        ),
      },
    ],
    originalUriBaseIds: {
      RUN: { description: { text: 'The directory of the run, which holds its evidence.' } },
      SRCROOT: { description: { text: 'The directory of the configuration, which paths of descriptions are relative to.' } },
    },
    taxonomies: referred,
    columnKind: 'utf16CodeUnits',
    results: resultsOf(findings, rules),
  }
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] }
  return `${JSON.stringify(log, null, 2)}\n`
}

function resultsOf(findings: readonly Finding[], rules: readonly Finding[]) {
  const indexes = new Map(rules.map(({ check }, index) => [check, index]))
  return findings.filter(isResult).map((finding) => resultOf(finding, indexes.get(finding.check)!))
}
