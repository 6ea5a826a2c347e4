import discovery from './discovery.ts'
import eras from './eras.ts'
import metadataKeys from './metadata-keys.ts'
import negotiation from './negotiation.ts'
import protocolVersionHeader from './protocol-version-header.ts'

export default [protocolVersionHeader, metadataKeys, negotiation, discovery, eras]
