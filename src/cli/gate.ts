import { type GateConfig, type LoadedConfig, loadConfig, targetNames } from '../config/index.ts'
import { defaultPolicy, type Policy } from '../gate/index.ts'
import { coded, nearest, orList } from '../messages/index.ts'
import { isRevision, revisions } from '../model/index.ts'
import { readAccepted } from './accepted.ts'
import { defineCommand, usage } from './command.ts'
import { perform } from './operation.ts'
import { selectChecks, withoutPolicies } from './select.ts'

export const gate = defineCommand({
  name: 'gate',
  synopsis: ['NAME [OPTION …]'],
  summary: 'assess targets and decide by a gate',
  about: [
    'A gate of the configuration is a selection of checks with what decides about their outcome: which outcomes do not pass, how many warnings are allowed, which failures are accepted and until when. The command assesses the targets, says in one sentence why the gate passed or not, and ends with the exit code to match.',
    'A waiver annotates a failure and never hides it. One that is incomplete, expired, or accepts nothing fails the gate. So does a required check that could not be judged. A gate that judged nothing is inconclusive.',
    'What it came to is added to the history: history.ndjson beside the runs, or the file that `history` of the configuration names. See `assay history`.',
  ],
  options: {
    target: { type: 'string', multiple: true, short: 't', value: 'NAME', help: 'assess this target instead of those of the gate' },
    revision: { type: 'string', multiple: true, value: 'REVISION', among: revisions, help: 'assess at this revision of MCP' },
    policies: { type: 'boolean', help: 'judge rules too that no specification backs' },
    'allow-disruptive': { type: 'boolean', help: 'let probes disturb targets that are marked disruptive' },
    out: { type: 'string', value: 'DIR', help: 'write the run below this directory instead of assay-results' },
    reporter: { type: 'string', multiple: true, value: 'NAME', help: 'write this report beside the run too' },
    json: { type: 'boolean', help: 'print the findings as JSON' },
  },
  examples: [
    ['assay gate release', 'decide whether the targets may be released'],
    ['assay gate release --target preprod --reporter junit', 'one target, with a report for the CI system'],
  ],
  exits: [0, 1, 2, 3, 70, 130],
  run: async (context, { options, positionals }) => {
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0) throw usage('gate', name === undefined ? 'gate needs a name' : 'gate takes one name')
    const loaded = await loadConfig(options.config, context.cwd)
    const config = gateNamed(name, loaded)
    const asked = options.target ?? config.targets ?? []
    return perform(context, {
      loaded,
      targets: targetNames(loaded, asked),
      revisions: options.revision?.filter(isRevision),
      checks: (all, policies) => withoutPolicies(selectChecks(all, config.suites), config.suites, options.policies ?? policies),
      policy: policyOf(name, config),
      accepted: await readAccepted(config, loaded),
      allowDisruptive: options['allow-disruptive'] ?? false,
      remembered: true,
      out: options.out,
      json: options.json ?? false,
      reporters: [...(loaded.config.reporters ?? []), ...(options.reporter ?? [])],
    })
  },
})

/** The gate of a name. */
export function gateNamed(name: string, { config, file }: LoadedConfig): GateConfig {
  const gates = config.gates ?? {}
  const found = Object.hasOwn(gates, name) ? gates[name] : undefined
  if (found) return found
  const meant = orList(nearest(name, Object.keys(gates)))
  const known = Object.keys(gates).join(', ') || 'none'
  throw coded('E_GATE_UNKNOWN', { gate: name, file }, { try: meant ? `did you mean ${meant}?` : `gates of ${file}: ${known}` })
}

const policyOf = (name: string, { failOn, maxWarnings, require, requirements }: GateConfig): Policy => ({
  name,
  failOn: failOn ?? defaultPolicy.failOn,
  require: require ?? [],
  ...(maxWarnings !== undefined && { maxWarnings }),
  ...(requirements && { requirements }),
})
