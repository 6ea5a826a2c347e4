import bound from './bound.ts'
import claims from './claims.ts'
import clients from './clients.ts'
import encoding from './encoding.ts'
import keys from './keys.ts'
import privilege from './privilege.ts'
import requirements from './requirements.ts'
import revoked from './revoked.ts'
import scopes from './scopes.ts'
import signatures from './signatures.ts'

export default [requirements, signatures, encoding, claims, clients, scopes, privilege, keys, revoked, bound]
