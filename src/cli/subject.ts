import { hasPolicies, type LoadedConfig, loadConfig, targetNames } from '../config/index.ts'
import type { RegisteredCheck } from '../engine/types.ts'
import { defaultPolicy } from '../gate/index.ts'
import { isRevision, type LoadGenerator, revisions } from '../model/index.ts'
import { adHocConfig, isUrl } from './adhoc.ts'
import { type Call, type Options, usage } from './command.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'
import { type Operation, perform } from './operation.ts'
import { planOf } from './plan.ts'
import { filterOptions, withoutPolicies } from './select.ts'

/** What commands that assess targets are told: what to assess, and what becomes of it. */
export const subjectOptions = {
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

type Choose = (all: readonly RegisteredCheck[], selectors: readonly string[]) => RegisteredCheck[]

/** Assesses what the command line says with the checks it chooses, or shows what would be done. */
export async function assessSubject(
  context: Context,
  command: string,
  call: Call<typeof subjectOptions>,
  choose: Choose,
  generator?: LoadGenerator,
): Promise<number> {
  const { options: given } = call
  const { loaded, selectors } = await subject(command, call, context.cwd)
  const checks: Operation['checks'] = (all, policies) => withoutPolicies(choose(all, selectors), selectors, given.policies ?? policies)
  const targets = targetNames(loaded, given.target ?? [])
  if (given.plan) {
    const policies = targets.every((name) => hasPolicies(loaded.config.targets[name]!))
    context.out(planOf(checks(await context.checks(), policies), targets, given.json ?? false))
    return exit.passed
  }
  return perform(context, {
    loaded,
    targets,
    revisions: given.revision?.filter(isRevision),
    checks,
    policy: defaultPolicy,
    accepted: {},
    allowDisruptive: given['allow-disruptive'] ?? false,
    remembered: false,
    out: given.out,
    json: given.json ?? false,
    reporters: [...(loaded.config.reporters ?? []), ...(given.reporter ?? [])],
    generator,
  })
}

/** What is assessed: the configuration, or what the command line gives. */
async function subject(
  command: string,
  { options: given, positionals, rest }: Call<typeof subjectOptions>,
  cwd: string,
): Promise<{ loaded: LoadedConfig; selectors: string[] }> {
  const urls = positionals.filter(isUrl)
  const selectors = positionals.filter((text) => !isUrl(text))
  if (urls.length > 1 || (urls.length === 1 && rest.length > 0)) throw usage(command, 'one URL or one command can be assessed at a time')
  if (urls.length === 0 && rest.length === 0) {
    if (given.bearer !== undefined || given.header !== undefined)
      throw usage(command, '--bearer and --header go with a URL', 'give the URL, or an identity in the configuration')
    if (given['allow-tool'] !== undefined)
      throw usage(command, '--allow-tool goes with a URL or command', 'name the tool under `tools.allow` of the target')
    return { loaded: await loadConfig(given.config, cwd), selectors }
  }
  if (given.target) throw usage(command, '--target goes with a configuration, not with a URL or command')
  const started = rest.length > 0 ? rest : undefined
  return {
    loaded: adHocConfig(
      {
        ...given,
        url: urls[0],
        command: started,
        headers: given.header,
        tools: given['allow-tool'],
        disruptive: given['allow-disruptive'],
      },
      cwd,
    ),
    selectors,
  }
}
