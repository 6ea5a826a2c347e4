import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type ApprovedContracts, type Contracts, isObject } from '../model/index.ts'
import type { TargetConfig } from './types.ts'
import { invalid } from './validate.ts'

/** Where contracts are kept when no target says. */
export const contractsByDefault = 'contracts.json'

/** The contracts approved for a target, by revision; nothing where the configuration names no file, or none is there yet. */
export async function contractsFor(
  name: string,
  { contracts }: TargetConfig,
  file: string,
  directory: string,
): Promise<Record<string, Contracts> | undefined> {
  if (contracts === undefined) return undefined
  const path = resolve(directory, contracts)
  return existsSync(path) ? (await readContracts(path, contracts, file)).targets[name] : undefined
}

/** Reads a file of contracts. */
export async function readContracts(path: string, named: string, file: string): Promise<ApprovedContracts> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw invalid(named, (error as Error).message, file, `make ${named} readable JSON, or write it again: assay approve`)
  }
  if (!isContracts(value)) throw invalid(named, 'no contracts of the form assay/contracts/1', file, `write ${named} with: assay approve`)
  return value
}

const everyMember = (value: unknown, fits: (member: unknown) => boolean): boolean => isObject(value) && Object.values(value).every(fits)

function isContracts(value: unknown): value is ApprovedContracts {
  if (!isObject(value) || value.schema !== 'assay/contracts/1') return false
  const isDigest = (digest: unknown) => typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)
  return everyMember(value.targets, (target) =>
    everyMember(target, (revision) => everyMember(revision, (kind) => everyMember(kind, isDigest))),
  )
}
