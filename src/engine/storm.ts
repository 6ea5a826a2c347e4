import type { Storm, StormPlan } from '../model/index.ts'
import type { Recorder } from '../wire/index.ts'

/** Exchanges kept as samples, and at most in all. */
const samples = 3
const mostKept = 50

/** Sends the requests of a plan, so many at once, until all are sent, the time is up or an answer ends it. */
export async function raise(plan: StormPlan, recorder: Recorder, most = Number.POSITIVE_INFINITY): Promise<Storm> {
  const storm: Storm = { sent: 0, took: 0, kept: [], stopped: false }
  const began = performance.now()
  const calls = Math.min(plan.calls, most)
  const worker = async () => {
    while (!storm.stopped && storm.sent < calls && performance.now() - began < plan.within) {
      const number = storm.sent++
      const exchange = await plan.send(number, { passing: true })
      const seen = plan.look(exchange, number)
      if (seen === 'stop') storm.stopped = true
      if ((seen === 'fine' && number >= samples) || storm.kept.length >= mostKept) continue
      recorder.write(exchange)
      storm.kept.push(exchange)
    }
  }
  await Promise.all(Array.from({ length: Math.min(plan.atOnce, calls) }, worker))
  return { ...storm, took: Math.round(performance.now() - began) }
}
