import type { Command } from './command.ts'

/** The commands there are, in the order of the help; each file is loaded only when its command is called. */
export const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  init: { summary: 'write a configuration and a CI job', load: async () => (await import('./init.ts')).init },
  doctor: { summary: 'see whether everything needed is there', load: async () => (await import('./doctor.ts')).doctor },
  list: { summary: 'list the checks', load: async () => (await import('./list.ts')).list },
  explain: { summary: 'explain a check, a clause or an error code', load: async () => (await import('./explain.ts')).explain },
  run: { summary: 'assess targets', load: async () => (await import('./run.ts')).run },
  load: { summary: 'send load, from one machine or many', load: async () => (await import('./load.ts')).load },
  gate: { summary: 'assess targets and decide by a gate', load: async () => (await import('./gate.ts')).gate },
  judge: { summary: 'judge the evidence of a run again, offline', load: async () => (await import('./judge.ts')).judge },
  report: { summary: 'write a report of a run', load: async () => (await import('./report.ts')).report },
  history: { summary: 'show what gates came to, night by night', load: async () => (await import('./history.ts')).history },
  baseline: { summary: 'keep the list of known failures', load: async () => (await import('./baseline.ts')).baseline },
  approve: { summary: 'approve what targets tell models, as it is now', load: async () => (await import('./approve.ts')).approve },
  objectives: {
    summary: 'list the objectives of targets, or write them as rules of Prometheus',
    load: async () => (await import('./objectives.ts')).objectives,
  },
  completion: { summary: 'print a completion script for a shell', load: async () => (await import('./completion.ts')).completion },
}
