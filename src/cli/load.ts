import { k6Generator } from '../load/index.ts'
import { isRevision } from '../model/index.ts'
import { type Call, defineCommand, globalOptions, type Options, usage } from './command.ts'
import { type Emission, emitLoad } from './load-emit.ts'
import { type Merge, mergeLoad } from './load-merge.ts'
import { selectChecks } from './select.ts'
import { assessSubject, subjectOptions } from './subject.ts'

const options = {
  ...subjectOptions,
  shards: { type: 'string', value: 'N', help: 'split the traffic exactly over so many processes of k6; 1 if left out' },
  'k6-out': {
    type: 'string',
    multiple: true,
    value: 'OUTPUT',
    help: "have k6 send its own metrics there too, as its --out takes it: experimental-prometheus-rw, opentelemetry, web-dashboard, json=FILE; k6's own variables (K6_…) are passed on",
  },
  emit: {
    type: 'string',
    value: 'FORM',
    among: ['k6-operator'],
    help: 'write the steady traffic as manifests below --out, and send none of it',
  },
} as const satisfies Options

/** Processes of k6 on one machine. */
const mostShards = 64

export const load = defineCommand({
  name: 'load',
  synopsis: [
    '[SELECTOR …] [OPTION …]',
    'URL [SELECTOR …] [OPTION …]',
    '--emit k6-operator --target NAME --out DIR [OPTION …]',
    'merge FILE … --target NAME',
  ],
  summary: 'send load, from one machine or many',
  about: [
    'Sends targets the traffic of the load suite and judges what comes of it, as `assay run load` does. A selector is an area or a check of that suite; without one, all of it is run.',
    'With --shards, several processes of k6 share each traffic: every arrival is sent by exactly one of them, and all are summed up in one result. It helps where one process cannot use all processors; the processes together must still leave the machine room.',
    'With --k6-out, k6 sends its own metrics elsewhere too. They are tagged with scenario, method (such as tools/call) and status, and show what goes on; the verdict does not come from them. A file is written anew for each traffic: report.json, report-2.json and so on.',
    '--emit k6-operator writes manifests by which a cluster sends the steady traffic of one target, at the newest revision it serves or the one given, from as many pods as there are shards. The target is asked for its tools; secrets are left to a Secret of the cluster.',
    'merge joins what shards on other machines wrote (lines of samples and summaries, with the plan.json they were sent by) or the evidence of runs, and judges it as steady traffic by the objectives of the target. Parts that are missing make it inconclusive; files that do not belong together are an error.',
  ],
  options,
  examples: [
    ['assay load --target preprod --allow-disruptive --shards 4', 'all scenarios, sent by four processes'],
    ['assay load --emit k6-operator --target preprod --allow-disruptive --shards 8 --out k6', 'manifests for eight pods'],
    ['assay load merge plan.json results/* --target preprod', 'one verdict on what many machines sent'],
    ['assay load load/steady-* --target preprod --allow-disruptive --k6-out experimental-prometheus-rw', 'with pictures of k6'],
  ],
  exits: [0, 1, 2, 3, 70, 130],
  run: (context, call) => {
    const [first, ...files] = call.positionals
    if (first === 'merge') return mergeLoad(context, mergeOf(call, files))
    if (call.options.emit !== undefined) return emitLoad(context, emissionOf(call))
    return assessSubject(
      context,
      'load',
      call,
      (all, selectors) =>
        selectChecks(
          all.filter(({ suite }) => suite === 'load'),
          selectors,
          call.options,
        ),
      k6Generator(context.env, { shards: shardsOf(call), outputs: outputsOf(call) }),
    )
  },
})

function mergeOf({ options: given }: Call<typeof options>, files: string[]): Merge {
  refuseOthers(given, 'merge', ['target', 'out', 'json', 'reporter'])
  return {
    files,
    target: targetOf(given.target, 'merge'),
    config: given.config,
    out: given.out,
    json: given.json ?? false,
    reporters: given.reporter ?? [],
  }
}

function emissionOf(call: Call<typeof options>): Emission {
  const { options: given, positionals, rest } = call
  refuseOthers(given, '--emit', ['emit', 'target', 'out', 'shards', 'revision', 'allow-disruptive'])
  if (positionals.length > 0 || rest.length > 0)
    throw usage('load', '--emit writes the steady traffic of a target', 'name the target with --target, and no checks')
  if (given.out === undefined) throw usage('load', '--emit needs a directory', 'name it with --out')
  return {
    target: targetOf(given.target, '--emit'),
    revisions: given.revision?.filter(isRevision),
    shards: shardsOf(call),
    out: given.out,
    config: given.config,
    allowDisruptive: given['allow-disruptive'] ?? false,
  }
}

/** Options that would say nothing are refused, so that nobody believes they do. */
function refuseOthers(given: Call<typeof options>['options'], what: string, known: readonly string[]): void {
  const other = Object.keys(given).find((name) => !known.includes(name) && !Object.hasOwn(globalOptions, name))
  if (other !== undefined) throw usage('load', `--${other} does not go with ${what}`)
}

function targetOf(targets: readonly string[] = [], what: string): string {
  const [target, ...more] = targets
  if (target === undefined || more.length > 0) throw usage('load', `${what} needs one target`, 'name it with --target')
  return target
}

function shardsOf({ options: { shards } }: Call<typeof options>): number {
  if (shards === undefined) return 1
  const number = Number(shards)
  if (!/^\d+$/.test(shards) || number < 1 || number > mostShards)
    throw usage('load', `--shards cannot be "${shards}"`, `it is a number from 1 to ${mostShards}`)
  return number
}

function outputsOf(call: Call<typeof options>): string[] {
  const outputs = call.options['k6-out'] ?? []
  // Each process would show its part, at a port of which there is one.
  if (shardsOf(call) > 1 && outputs.some((output) => output.startsWith('web-dashboard')))
    throw usage('load', 'the dashboard of k6 shows one process, and --shards asks for several', 'leave one of them out')
  return outputs
}
