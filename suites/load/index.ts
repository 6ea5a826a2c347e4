import burst from './burst.ts'
import neighbours from './neighbours.ts'
import shapes from './shapes.ts'
import smoke from './smoke.ts'
import steady from './steady.ts'
import streams from './streams.ts'
import upstream from './upstream.ts'

export default { load: [smoke, steady, burst, neighbours, shapes, streams, upstream] }
