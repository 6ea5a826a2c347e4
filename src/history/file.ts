import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { coded } from '../messages/index.ts'
import type { HistoryEntry } from './entry.ts'

/** Where entries are kept. */
export interface HistoryStore {
  /** As it is named in messages. */
  readonly place: string
  /** What there is, in the order in which it was added, and a sentence about each entry that cannot be read. */
  read(): Promise<{ entries: HistoryEntry[]; damaged: string[] }>
  /** Adds the entries of one run, whoever else adds some meanwhile. */
  append(entries: readonly HistoryEntry[]): Promise<void>
}

/** A file with an entry a line. Throws `E_HISTORY_UNUSABLE` when it cannot be read or added to. */
export function fileHistory(path: string, place = path): HistoryStore {
  const unusable = (error: unknown) => coded('E_HISTORY_UNUSABLE', { file: place }, { got: (error as Error).message, cause: error })
  return {
    place,
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw unusable(error)
      })
      return entriesIn(text, place)
    },
    async append(entries) {
      try {
        await mkdir(dirname(path), { recursive: true })
        await add(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
      } catch (error) {
        throw unusable(error)
      }
    },
  }
}

/** One write to the end of the file, which the system does for one process after the other. */
async function add(path: string, lines: string): Promise<void> {
  const file = await open(path, 'a+')
  try {
    const whole = await endsALine(file)
    const added = Buffer.from(whole ? lines : `\n${lines}`)
    const { bytesWritten } = await file.write(added)
    if (bytesWritten < added.length) throw new Error(`only ${bytesWritten} of ${added.length} bytes could be written`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Whether the last line is whole: one that was cut off must not take the next entry with it. */
async function endsALine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return true
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === 0x0a
}

function entriesIn(text: string, place: string): { entries: HistoryEntry[]; damaged: string[] } {
  const entries: HistoryEntry[] = []
  const damaged: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const entry = entryOf(line)
    if (typeof entry === 'string') damaged.push(`line ${index + 1} of ${place} is left out: ${entry}`)
    else entries.push(entry)
  }
  return { entries, damaged }
}

/** The entry of a line, or what is wrong with it. */
function entryOf(line: string): HistoryEntry | string {
  let value: Partial<HistoryEntry> | null
  try {
    value = JSON.parse(line) as Partial<HistoryEntry> | null
  } catch {
    return 'it is not whole'
  }
  if (value?.schema !== 'assay/history/1') return `it has the schema ${JSON.stringify(value?.schema)}, and assay/history/1 is understood`
  const missing = (['run', 'at', 'target', 'verdict', 'counts', 'machine', 'nominal', 'loads', 'objectives'] as const).find(
    (member) => value[member] === undefined,
  )
  return missing === undefined ? (value as HistoryEntry) : `it has no ${missing}`
}
