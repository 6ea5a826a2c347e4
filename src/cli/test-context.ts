import type { Context } from './context.ts'

/** What a test gives a command of the world; the rest is a world without checks, engine, terminal and variables. */
export const testContext = (given: Pick<Context, 'cwd' | 'out' | 'err'> & Partial<Context>): Context => ({
  env: {},
  terminal: { in: false, out: false, err: false, width: 100 },
  color: { out: false, err: false },
  signal: new AbortController().signal,
  checks: async () => [],
  engine: () => Promise.reject(new Error('asked for')),
  running: () => undefined,
  ...given,
})
