import { readFile } from 'node:fs/promises'
import { coded } from '../messages/index.ts'
import type { Accepted } from './accepted.ts'

/** The entries of a waiver or baseline file, as they stand there. */
export async function readEntries(path: string, file: string): Promise<unknown[]> {
  const { parse } = await import('yaml')
  let content: unknown
  try {
    content = parse(await readFile(path, 'utf8'), { schema: 'failsafe' })
  } catch (error) {
    throw coded(
      'E_WAIVER_INVALID',
      { entry: 'none', file },
      { got: (error as Error).message, try: `make ${file} readable YAML, a list of entries` },
    )
  }
  if (content === null || content === undefined || content === '') return []
  if (!Array.isArray(content))
    throw coded('E_WAIVER_INVALID', { entry: '1', file }, { got: 'no list', try: `make ${file} a list of entries` })
  return content
}

/** The text of a baseline file. */
export async function entriesText(entries: readonly Accepted[]): Promise<string> {
  const { stringify } = await import('yaml')
  const head =
    '# Failures known when the gate was introduced. Every entry ends on its date; `assay baseline prune` removes what is mended.\n'
  return head + (entries.length === 0 ? '[]\n' : stringify(entries))
}
