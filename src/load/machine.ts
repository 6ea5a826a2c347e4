import { cpus } from 'node:os'

/** Watches this machine from now on: tells what share of all its processors was in use, by anyone, and by how many milliseconds its clock was set. */
export function watchMachine(): () => { machine: number; clockSet: number } {
  const began = { clock: Date.now(), steady: performance.now(), times: processorTimes() }
  return () => ({
    machine: share(began.times, processorTimes()),
    clockSet: Math.round(Math.abs(Date.now() - began.clock - (performance.now() - began.steady))),
  })
}

/** Milliseconds of all processors since they were started: in use, and in all. */
function processorTimes(): { used: number; all: number } {
  const times = cpus().map((cpu) => cpu.times)
  const all = times.flatMap((each) => Object.values(each)).reduce((sum, time) => sum + time, 0)
  return { used: all - times.reduce((sum, { idle }) => sum + idle, 0), all }
}

const share = (before: { used: number; all: number }, after: { used: number; all: number }): number =>
  Math.round(((after.used - before.used) / Math.max(1, after.all - before.all)) * 100) / 100
