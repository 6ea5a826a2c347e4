/** What the exit code of a command says. Scripts rely on it. */
export const exit = {
  /** Done; a gate passed. */
  passed: 0,
  /** The gate, or the run, failed. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was sent. */
  usage: 2,
  /** Nothing can be said: unreachable, nothing judged, something could not be finished. */
  inconclusive: 3,
  /** A safety limit stopped the run, or a fault was not verifiably taken back. */
  unsafe: 4,
  /** A bug of Assay itself. */
  bug: 70,
  /** Interrupted; what was there was written. */
  interrupted: 130,
} as const

export const exitMeanings: Record<number, string> = {
  0: 'passed',
  1: 'the gate failed',
  2: 'usage or configuration',
  3: 'inconclusive: unreachable, or nothing judged',
  4: 'safety stop, or a fault not verifiably reverted',
  70: 'a bug of Assay',
  130: 'interrupted',
}
