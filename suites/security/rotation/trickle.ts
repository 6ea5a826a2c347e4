import type { Exchange } from '../../../src/model/index.ts'

/** Milliseconds between two calls, and most calls of one trickle. */
const gap = 40
const most = 100

/** Makes one call after the other until it is stopped. */
export function trickle(call: () => Promise<Exchange>): { stop(): Promise<Exchange[]> } {
  const made: Exchange[] = []
  let stopped = false
  const going = (async () => {
    while (!stopped && made.length < most) {
      made.push(await call())
      await new Promise((resolve) => setTimeout(resolve, gap))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await going
      return made
    },
  }
}
