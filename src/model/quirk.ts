/** A deviation a vendor is known for and documents, or has not mended: it stays a finding, and says so. */
export interface Quirk {
  readonly check: string
  readonly reason: string
  /** Where the vendor, or whoever reported it, says so. */
  readonly link: string
}

/** Products whose known deviations there are lists of. */
export const vendors = ['keycloak', 'cognito'] as const

export type Vendor = (typeof vendors)[number]
