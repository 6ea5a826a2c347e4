import audit from './audit/index.ts'
import authority from './authority/index.ts'
import authorizationCode from './authorization-code/index.ts'
import browser from './browser/index.ts'
import enterprise from './enterprise/index.ts'
import exposure from './exposure/index.ts'
import flow from './flow/index.ts'
import m2m from './m2m/index.ts'
import metadata from './metadata/index.ts'
import poisoning from './poisoning/index.ts'
import privileges from './privileges/index.ts'
import registration from './registration/index.ts'
import rotation from './rotation/index.ts'
import tenants from './tenants/index.ts'
import tls from './tls/index.ts'
import tokens from './tokens/index.ts'

/** Areas of the suite by folder name; each is the list of its sections. */
export default {
  tokens,
  authority,
  registration,
  'authorization-code': authorizationCode,
  browser,
  exposure,
  tls,
  flow,
  audit,
  rotation,
  metadata,
  m2m,
  enterprise,
  privileges,
  poisoning,
  tenants,
}
