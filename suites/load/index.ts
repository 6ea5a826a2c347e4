import beside from './beside.ts'
import burst from './burst.ts'
import neighbours from './neighbours.ts'
import shapes from './shapes.ts'
import smoke from './smoke.ts'
import steady from './steady.ts'
import streams from './streams.ts'
import trend from './trend.ts'
import upstream from './upstream.ts'

export default { load: [smoke, steady, trend, beside, burst, neighbours, shapes, streams, upstream] }
