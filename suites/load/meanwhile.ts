import type { LoadResult, ProbeContext, Traffic } from '../../src/model/index.ts'

export interface Meanwhile {
  sent: LoadResult
  /** Seconds of the traffic that had gone when the act was over, or a little less; absent when the traffic ended before. */
  over?: number
}

/** Sends traffic, and does something once so many seconds of it have gone. What the act throws is thrown when the traffic has ended. */
export async function meanwhile(context: ProbeContext, traffic: Traffic, second: number, act: () => Promise<void>): Promise<Meanwhile> {
  let acting: Promise<number> | undefined
  const sent = await context.load(traffic, ({ at }) => {
    if (at < second || acting !== undefined) return
    const began = Date.now()
    acting = act().then(() => at + (Date.now() - began) / 1_000)
    // It is waited for below; until then it must not count as an error nobody looks at.
    acting.catch(() => undefined)
  })
  return { sent, over: await acting }
}
