import metadata from './metadata/index.ts'
import privileges from './privileges/index.ts'
import tokens from './tokens/index.ts'

/** Areas of the suite by folder name; each is the list of its sections. */
export default { tokens, metadata, privileges }
