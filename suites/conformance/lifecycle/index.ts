import initialization from './initialization.ts'
import operation from './operation.ts'
import ping from './ping.ts'
import versionNegotiation from './version-negotiation.ts'

export default [initialization, versionNegotiation, operation, ping]
