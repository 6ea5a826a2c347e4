import { cpus } from 'node:os'

/** Of this machine's processors less than this share is free. */
const nextToNothing = 0.05

/** What of this machine was in use by anyone while something was measured, as `Conditions` has it. */
export interface MachineUse {
  machine: number
  exhausted: number
  clockSet: number
}

/** Watches this machine, second by second, until it is asked what was seen. */
export function watchMachine(): () => MachineUse {
  const began = { clock: Date.now(), steady: performance.now(), times: processorTimes() }
  let last = began.times
  let [seconds, without] = [0, 0]
  const timer = setInterval(() => {
    const now = processorTimes()
    seconds += 1
    without += share(last, now) > 1 - nextToNothing ? 1 : 0
    last = now
  }, 1_000).unref()
  return () => {
    clearInterval(timer)
    return {
      machine: share(began.times, processorTimes()),
      exhausted: Math.round((without / Math.max(1, seconds)) * 100) / 100,
      clockSet: Math.round(Math.abs(Date.now() - began.clock - (performance.now() - began.steady))),
    }
  }
}

/** Milliseconds of all processors since they were started: in use, and in all. */
function processorTimes(): { used: number; all: number } {
  const times = cpus().map((cpu) => cpu.times)
  const all = times.flatMap((each) => Object.values(each)).reduce((sum, time) => sum + time, 0)
  return { used: all - times.reduce((sum, { idle }) => sum + idle, 0), all }
}

const share = (before: { used: number; all: number }, after: { used: number; all: number }): number =>
  Math.round(((after.used - before.used) / Math.max(1, after.all - before.all)) * 100) / 100
