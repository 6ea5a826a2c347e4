import annotations from './annotations.ts'
import caching from './caching.ts'
import customHeaders from './custom-headers.ts'
import metadata from './metadata.ts'
import protocolVersion from './protocol-version.ts'
import standardHeaders from './standard-headers.ts'
import statelessness from './statelessness.ts'
import subscriptions from './subscriptions.ts'

export default [metadata, statelessness, protocolVersion, standardHeaders, customHeaders, annotations, subscriptions, caching]
