import { hasPolicies, loadConfig, targetNames } from '../config/index.ts'
import { defaultPolicy } from '../gate/index.ts'
import { isRevision, revisions } from '../model/index.ts'
import { adHocConfig, isUrl } from './adhoc.ts'
import { type Call, defineCommand, type Options, usage } from './command.ts'
import { type Operation, perform } from './operation.ts'
import { planOf } from './plan.ts'
import { filterOptions, selectChecks, unasked, withoutPolicies } from './select.ts'

const options = {
  target: { type: 'string', multiple: true, short: 't', value: 'NAME', help: 'assess this target of the configuration' },
  revision: { type: 'string', multiple: true, value: 'REVISION', among: revisions, help: 'assess at this revision of MCP' },
  ...filterOptions,
  bearer: {
    type: 'string',
    value: 'TOKEN',
    help: 'with a URL: the bearer token; env:NAME reads it from the environment, and out of the shell history',
  },
  header: { type: 'string', multiple: true, value: "'NAME: VALUE'", help: 'with a URL: send this header with every request' },
  'allow-tool': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    help: 'with a URL or command: call this tool too, though it does not say that it only reads',
  },
  kind: {
    type: 'string',
    value: 'KIND',
    among: ['server', 'gateway', 'agentcore-gateway'],
    help: 'with a URL or command: what it is; server if left out',
  },
  policies: { type: 'boolean', help: 'judge rules too that no specification backs' },
  'allow-disruptive': {
    type: 'boolean',
    help: 'let probes disturb targets that are marked disruptive; a URL given here is taken as marked',
  },
  plan: { type: 'boolean', help: 'show what would be done, and send nothing' },
  out: { type: 'string', value: 'DIR', help: 'write the run below this directory instead of assay-results' },
  reporter: { type: 'string', multiple: true, value: 'NAME', help: 'write this report beside the run too' },
  json: { type: 'boolean', help: 'print the findings as JSON' },
} as const satisfies Options

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
  options,
  examples: [
    ['assay run https://gateway.example/mcp --bearer env:TOKEN', 'assess a server without a configuration'],
    ['assay run -- npx -y @modelcontextprotocol/server-everything', 'assess a server over stdio'],
    ['assay run transport tools/list-* --target preprod --revision 2025-11-25', 'a part of the checks, on one target at one revision'],
    ['assay run --plan security', 'show what would be sent'],
    ['assay run --json | jq \'.findings[] | select(.outcome == "fail")\'', 'the failures, for a script'],
  ],
  exits: [0, 1, 2, 3, 70, 130],
  run: async (context, call) => {
    const { options: given } = call
    const { loaded, selectors } = await subject(call, context.cwd)
    const select: Operation['checks'] = (all, policies) =>
      withoutPolicies(selectChecks(selectors.length > 0 ? all : unasked(all), selectors, given), selectors, given.policies ?? policies)
    const targets = targetNames(loaded, given.target ?? [])
    if (given.plan) {
      const policies = targets.every((name) => hasPolicies(loaded.config.targets[name]!))
      context.out(planOf(select(await context.checks(), policies), targets, given.json ?? false))
      return 0
    }
    return perform(context, {
      loaded,
      targets,
      revisions: given.revision?.filter(isRevision),
      checks: select,
      policy: defaultPolicy,
      accepted: {},
      allowDisruptive: given['allow-disruptive'] ?? false,
      remembered: false,
      out: given.out,
      json: given.json ?? false,
      reporters: [...(loaded.config.reporters ?? []), ...(given.reporter ?? [])],
    })
  },
})

/** What is assessed: the configuration, or what the command line gives. */
async function subject({ options: given, positionals, rest }: Call<typeof options>, cwd: string) {
  const urls = positionals.filter(isUrl)
  const selectors = positionals.filter((text) => !isUrl(text))
  if (urls.length > 1 || (urls.length === 1 && rest.length > 0)) throw usage('run', 'one URL or one command can be assessed at a time')
  if (urls.length === 0 && rest.length === 0) {
    if (given.bearer !== undefined || given.header !== undefined)
      throw usage('run', '--bearer and --header go with a URL', 'give the URL, or an identity in the configuration')
    if (given['allow-tool'] !== undefined)
      throw usage('run', '--allow-tool goes with a URL or command', 'name the tool under `tools.allow` of the target')
    return { loaded: await loadConfig(given.config, cwd), selectors }
  }
  if (given.target) throw usage('run', '--target goes with a configuration, not with a URL or command')
  const command = rest.length > 0 ? rest : undefined
  return {
    loaded: adHocConfig(
      { ...given, url: urls[0], command, headers: given.header, tools: given['allow-tool'], disruptive: given['allow-disruptive'] },
      cwd,
    ),
    selectors,
  }
}
