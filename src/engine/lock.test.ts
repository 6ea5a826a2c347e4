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

test('gives the place back when the work fails', async () => {
  const lock = new TargetLock(1)
  await expect(lock.hold(true, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await lock.hold(false, async () => 'in')).toBe('in')
})
