import type { ProbeContext } from '../../src/model/index.ts'

/** What a process holds at a moment. What its metrics do not say is left out. */
export interface Held {
  /** Bytes. */
  memory?: number
  descriptors?: number
  sessions?: number
}

/** By the names that client libraries of Prometheus give them; sessions have none, and go by what theirs ends in. */
const names: Record<keyof Held, RegExp> = {
  memory: /^process_resident_memory_bytes$/,
  descriptors: /^process_open_fds$/,
  sessions: /(^|_)sessions(_(open|active|current))?$/,
}

/** Reads the text format of Prometheus; samples of one gauge with different labels are added up. */
export function heldOf(metrics: string): Held {
  const gauges = new Set([...metrics.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name))
  const held: Held = {}
  for (const [, name, value] of metrics.matchAll(/^([\w:]+)(?:\{.*\})? ([^\s]+)/gm)) {
    if (!gauges.has(name!) || !Number.isFinite(Number(value))) continue
    for (const [what, pattern] of Object.entries(names) as [keyof Held, RegExp][])
      if (pattern.test(name!)) held[what] = (held[what] ?? 0) + Number(value)
  }
  return held
}

/** What the target holds now; nothing where its metrics cannot be read. */
export async function heldBy({ observe }: ProbeContext): Promise<Held> {
  try {
    return heldOf((await observe.metrics?.()) ?? '')
  } catch {
    return {}
  }
}

export interface HeldAt extends Held {
  /** Seconds since the traffic began. */
  at: number
}

/** Looks once a second, never twice at once; what could not be read is not there. */
export function watching(context: ProbeContext): { look(progress: { at: number }): void; seen(): Promise<HeldAt[]> } {
  const all: HeldAt[] = []
  let looking: Promise<void> | undefined
  return {
    look: ({ at }) => {
      if (context.observe.metrics === undefined) return
      looking ??= heldBy(context)
        .then((held) => void all.push({ at, ...held }))
        .finally(() => {
          looking = undefined
        })
    },
    seen: async () => {
      await looking
      return all
    },
  }
}
