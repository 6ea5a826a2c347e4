import { expect, test } from 'vitest'
import { TargetLock } from './lock.ts'

test('lets so many in at once, and one alone', async () => {
  const lock = new TargetLock(2)
  const log: string[] = []
  let inside = 0
  const work = (name: string, alone: boolean) =>
    lock.hold(alone, async () => {
      inside += 1
      log.push(`${name} with ${inside - 1}`)
      expect(inside).toBeLessThanOrEqual(alone ? 1 : 2)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inside -= 1
    })

  await Promise.all([work('a', false), work('b', false), work('c', false), work('d', true), work('e', false)])

  expect(log).toEqual(['a with 0', 'b with 1', expect.stringMatching(/^c with /), 'd with 0', 'e with 0'])
})

test('lends a place while its holder waits, but lets nobody in alone', async () => {
  const lock = new TargetLock(1)
  const log: string[] = []
  const over = Promise.withResolvers<void>()
  const waiting = lock.hold(false, async () => {
    await lock.rest(() => over.promise)
    log.push('waited')
  })
  await lock.hold(false, async () => void log.push('another'))
  const alone = lock.hold(true, async () => void log.push('alone'))
  over.resolve()
  await Promise.all([waiting, alone])
  expect(log).toEqual(['another', 'waited', 'alone'])
})

test('gives the place back when the work fails', async () => {
  const lock = new TargetLock(1)
  await expect(lock.hold(true, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await lock.hold(false, async () => 'in')).toBe('in')
})
