import type { Finding, Quirk, Vendor } from '../model/index.ts'
import cognito from './quirks/cognito.ts'
import keycloak from './quirks/keycloak.ts'

const profiles = { keycloak, cognito }

/** What a vendor is known for. */
export const quirksOf = (vendor: Vendor): readonly Quirk[] => profiles[vendor]

/** The finding with what its vendor is known for. Only what went wrong can be explained, never what could not be judged. */
export function withQuirk(finding: Finding, vendor: Vendor | undefined): Finding {
  if (vendor === undefined || (finding.outcome !== 'fail' && finding.outcome !== 'warn')) return finding
  const quirk = quirksOf(vendor).find(({ check }) => check === finding.check)
  return quirk === undefined ? finding : { ...finding, quirk: { vendor, reason: quirk.reason, link: quirk.link } }
}
