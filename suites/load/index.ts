import beside from './beside.ts'
import breakpoint from './breakpoint.ts'
import burst from './burst.ts'
import failingServer from './failing-server.ts'
import neighbours from './neighbours.ts'
import shapes from './shapes.ts'
import smoke from './smoke.ts'
import soak from './soak.ts'
import steady from './steady.ts'
import streams from './streams.ts'
import tokenEnd from './token-end.ts'
import trend from './trend.ts'
import upstream from './upstream.ts'
import versionSwitch from './version-switch.ts'

export default {
  load: [
    smoke,
    steady,
    trend,
    soak,
    beside,
    burst,
    neighbours,
    shapes,
    streams,
    upstream,
    tokenEnd,
    failingServer,
    breakpoint,
    versionSwitch,
  ],
}
