import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { contractsByDefault, readContracts as readFile } from '../config/contracts.ts'
import { type LoadedConfig, loadConfig, resolveTargets, targetNames } from '../config/index.ts'
import { coded } from '../messages/index.ts'
import { type ApprovedContracts, type Contracts, contractChanges } from '../model/index.ts'
import { jsonText, writeWhole } from '../store/index.ts'
import { defineCommand, usage } from './command.ts'
import type { Context } from './context.ts'
import { exit } from './exit.ts'

export const approve = defineCommand({
  name: 'approve',
  synopsis: ['[TARGET …] [OPTION …]'],
  summary: 'approve what targets tell models, as it is now',
  about: [
    'Reads the tools, prompts and resource templates of targets, and their instructions, and writes a digest of each to the file `contracts` of the target names. From then on the check poisoning/approved-contract names everything that is new or has changed.',
    'What differs from the last approval is printed: read it before the file is committed. With --dry-run nothing is written.',
  ],
  options: {
    file: {
      type: 'string',
      value: 'FILE',
      help: `write this file instead of the one of the target; ${contractsByDefault} if neither is given`,
    },
    'dry-run': { type: 'boolean', help: 'print what differs, and write nothing' },
  },
  examples: [
    ['assay approve gateway', 'approve one target'],
    ['assay approve --dry-run', 'see what has changed since the last approval'],
  ],
  exits: [0, 2, 3],
  run: async (context, { options, positionals }) => {
    const loaded = await loadConfig(options.config, context.cwd)
    const names = targetNames(loaded, positionals)
    const endpoints = names.filter((name) => !['manifests', 'authorization-server'].includes(loaded.config.targets[name]!.kind))
    if (endpoints.length === 0) throw usage('approve', `no MCP endpoint is among ${names.join(', ')}`)
    const resolved = await resolveTargets(loaded, endpoints, context.env)
    try {
      const { readContracts } = await context.engine()
      for (const target of resolved.targets) {
        if (!('url' in target.reach || 'command' in target.reach)) continue
        const contracts = await readContracts(target).catch((error: unknown) => {
          throw error instanceof Error && 'code' in error
            ? error
            : coded('E_TARGET_UNREACHABLE', { target: target.name }, { got: (error as Error).message, cause: error })
        })
        await record(context, loaded, target.name, contracts, options.file, options['dry-run'] ?? false)
      }
    } finally {
      await resolved.close()
    }
    return exit.passed
  },
})

async function record(
  { cwd, out, err }: Context,
  { config, directory, file: configuration }: LoadedConfig,
  name: string,
  contracts: Record<string, Contracts>,
  given: string | undefined,
  dry: boolean,
): Promise<void> {
  const own = config.targets[name]?.contracts
  const file = given ?? own ?? contractsByDefault
  const path = given === undefined ? resolve(directory, file) : resolve(cwd, file)
  const before: ApprovedContracts = existsSync(path)
    ? await readFile(path, file, configuration)
    : { schema: 'assay/contracts/1', targets: {} }
  const lines = differences(before.targets[name] ?? {}, contracts)
  for (const line of lines) out(`${name}: ${line}\n`)
  const count = Object.values(Object.values(contracts).at(-1) ?? {}).reduce((sum, kind) => sum + Object.keys(kind).length, 0)
  out(
    `${name}: ${count} contract${count === 1 ? '' : 's'} at ${Object.keys(contracts).join(', ')}; ${lines.length === 0 ? 'nothing has changed' : `${lines.length} differ`}\n`,
  )
  if (dry) return
  await writeWhole(path, jsonText({ ...before, targets: { ...before.targets, [name]: contracts } }))
  err(`written: ${file}\n`)
  if (own === undefined) err(`name it in the configuration: contracts: '${file}' of the target ${name}\n`)
}

/** What differs from the last approval: each thing once, with the revisions it differs at. */
function differences(before: Record<string, Contracts>, now: Record<string, Contracts>): string[] {
  const seen = new Map<string, string[]>()
  for (const [revision, contracts] of Object.entries(now)) {
    const { added, changed, gone } = contractChanges(before[revision] ?? {}, contracts)
    const lines = [
      ...added.map((each) => `new: ${each}`),
      ...changed.map((each) => `changed: ${each}`),
      ...gone.map((each) => `gone: ${each}`),
    ]
    for (const line of lines) seen.set(line, [...(seen.get(line) ?? []), revision])
  }
  return [...seen].map(([line, revisions]) => `${line} (${revisions.join(', ')})`)
}
