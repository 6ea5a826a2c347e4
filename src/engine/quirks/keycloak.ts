import type { Quirk } from '../../model/index.ts'

/** Known of Keycloak 26. */
const quirks: readonly Quirk[] = []

export default quirks
