import endpoints from './endpoints.ts'
import metadata from './metadata.ts'

export default [metadata, endpoints]
