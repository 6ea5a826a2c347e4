import { expect, test } from 'vitest'
import { type Connection, probe, type UnitFacts } from '../model/index.ts'
import type { Line } from './connect.ts'
import { TargetLock } from './lock.ts'
import type { TokenBudget } from './token-budget.ts'
import type { Target } from './types.ts'
import { type Shared, Unit } from './unit.ts'

/** A unit of a target whose sessions are numbered as they are opened. */
function unitOf(shared: Shared, operate: Target['operate']): Unit {
  let opened = 0
  const open = async () => ({ sessionId: `session-${++opened}`, opening: { messages: [] } }) as unknown as Connection
  const line = { revision: '2025-11-25', open, link: {}, recorder: {} } as unknown as Line
  const target = { name: 'target', identities: [], limits: { probeDeadline: 1_000 }, instruments: {}, operate } as unknown as Target
  const session = { sessionId: 'session-0' } as Connection
  const unit = new Unit(target, line, shared, { session, catalogue: { tools: { items: [] } } as never })
  unit.facts = { of: 'endpoint', via: 'http', facilities: {} } as unknown as UnitFacts
  return unit
}

const sharedBy = (): Shared => ({
  lock: new TargetLock(2),
  machine: new TargetLock(2),
  tokens: {} as TokenBudget,
  told: () => {},
  version: 0,
  open: () => Promise.reject(new Error('there is no other target')),
})

const idOf = (name: string) => probe(name, async (context) => (await context.session()).sessionId)
const none = () => undefined

test('after the version of the target was replaced, every unit of it opens its shared session anew, once', async () => {
  const shared = sharedBy()
  const units = [unitOf(shared, { switchVersion: async () => {} }), unitOf(shared, {})] as const
  expect(await units[0].gather(idOf('before'), none)).toEqual({ value: 'session-0' })
  const replaces = probe('replaces', (context) => context.operate.switchVersion!())
  expect(await units[0].gather(replaces, none)).toEqual({ value: null })
  for (const unit of units)
    expect(await Promise.all([unit.gather(idOf('one'), none), unit.gather(idOf('two'), none)])).toEqual([
      { value: 'session-1' },
      { value: 'session-1' },
    ])
})

test('a target that does not say how its version is replaced offers no way to', async () => {
  const unit = unitOf(sharedBy(), undefined)
  const offers = probe('offers', async (context) => Object.keys(context.operate))
  expect(await unit.gather(offers, none)).toEqual({ value: [] })
})
