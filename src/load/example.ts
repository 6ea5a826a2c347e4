import type { ScriptFlow } from '../model/index.ts'

/** A flow that is never sent, for the tests of what reads or shows its samples. */
export const exampleFlow = (given: Pick<ScriptFlow, 'name' | 'rate' | 'lasts' | 'users'>): ScriptFlow => ({
  url: 'http://127.0.0.1:1/',
  era: 'stateless',
  arrivals: 'calls',
  starts: 0,
  unkept: false,
  headers: {},
  settled: {},
  sessions: [],
  opening: { as: 'server/discover', text: ['', ''], headers: {} },
  requests: [],
  order: [],
  ...given,
})
