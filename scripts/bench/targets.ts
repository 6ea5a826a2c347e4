/** Prints the time and memory of assessing so many targets in this process. The servers run in another. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { localTarget } from '../../fixtures/third-party/local-target.ts'
import { assess } from '../../src/engine/index.ts'
import { loadChecks } from '../../suites/index.ts'

const n = Number(process.argv[2])
const servers = fork(new URL('servers.ts', import.meta.url), [String(n)])
const [urls] = (await once(servers, 'message')) as [string[]]
const checks = await loadChecks()
let peak = 0
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 10)
const began = performance.now()
await assess(
  urls.map((url, index) => localTarget(`server-${index}`, url)),
  { checks, allowDisruptive: false },
  () => {},
)
const wallMs = Math.round(performance.now() - began)
clearInterval(sampling)
servers.kill()
console.log(JSON.stringify({ n, wallMs, rssMiB: Math.round(peak / 1_048_576) }))
process.exit(0)
