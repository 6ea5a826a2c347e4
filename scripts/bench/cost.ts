/** Prints the idle share and the CPU an exchange of runs in a warm process against the given server. */

import { localTarget } from '../../fixtures/third-party/local-target.ts'
import { assess } from '../../src/engine/index.ts'
import { loadChecks } from '../../suites/index.ts'

const url = process.argv[2]!
const checks = await loadChecks()
const once = () => assess([localTarget('server', url)], { checks, allowDisruptive: false }, () => {})

await once()
const runs: { idle: number; cpu: number }[] = []
for (let round = 0; round < 5; round += 1) {
  const before = process.cpuUsage()
  const { record } = await once()
  const { user, system } = process.cpuUsage(before)
  runs.push({ idle: record.idle / record.took, cpu: (user + system) / 1000 / record.exchanges })
}
const middle = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!
console.log(
  JSON.stringify({
    idleShare: Number(middle(runs.map(({ idle }) => idle)).toFixed(3)),
    cpuMsPerExchange: Number(middle(runs.map(({ cpu }) => cpu)).toFixed(2)),
  }),
)
process.exit(0)
