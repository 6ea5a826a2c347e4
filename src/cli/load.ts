import { k6Generator } from '../load/index.ts'
import { type Call, defineCommand, type Options, usage } from './command.ts'
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
} as const satisfies Options

/** Processes of k6 on one machine. */
const mostShards = 64

export const load = defineCommand({
  name: 'load',
  synopsis: ['[SELECTOR …] [OPTION …]', 'URL [SELECTOR …] [OPTION …]', 'merge FILE … --target NAME'],
  summary: 'send load, from one machine or many',
  about: [
    'Sends targets the traffic of the load suite and judges what comes of it, as `assay run load` does. A selector is an area or a check of that suite; without one, all of it is run.',
    'With --shards, several processes of k6 share each traffic: every arrival is sent by exactly one of them, and all are summed up in one result. It helps where one process cannot use all processors; the processes together must still leave the machine room.',
    'With --k6-out, k6 sends its own metrics elsewhere too. They are tagged with scenario, method (such as tools/call) and status, and show what goes on; the verdict does not come from them. A file is written anew for each traffic: report.json, report-2.json and so on.',
    'merge joins what shards on other machines wrote (lines of samples and summaries, with the plan.json they were sent by) or the evidence of runs, and judges it as steady traffic by the objectives of the target. Parts that are missing make it inconclusive; files that do not belong together are an error.',
  ],
  options,
  examples: [
    ['assay load --target preprod --allow-disruptive --shards 4', 'all scenarios, sent by four processes'],
    ['assay load merge plan.json results/* --target preprod', 'one verdict on what many machines sent'],
    ['assay load load/steady-* --target preprod --allow-disruptive --k6-out experimental-prometheus-rw', 'with pictures of k6'],
  ],
  exits: [0, 1, 2, 3, 70, 130],
  run: (context, call) => {
    const [first, ...files] = call.positionals
    if (first === 'merge') return mergeLoad(context, mergeOf(call, files))
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

/** Options that say what becomes of files that are joined; the others are about traffic. */
const ofMerge = ['target', 'config', 'out', 'json', 'reporter', 'no-color', 'debug']

function mergeOf({ options: given }: Call<typeof options>, files: string[]): Merge {
  const other = Object.keys(given).find((name) => !ofMerge.includes(name))
  if (other !== undefined) throw usage('load', `--${other} does not go with merge`)
  const [target, ...more] = given.target ?? []
  if (target === undefined || more.length > 0) throw usage('load', 'merge needs one target', 'name it with --target: its objectives decide')
  return { files, target, config: given.config, out: given.out, json: given.json ?? false, reporters: given.reporter ?? [] }
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
