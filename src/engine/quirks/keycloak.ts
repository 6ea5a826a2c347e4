import type { Quirk } from '../../model/index.ts'

/** Known of Keycloak 26. */
const quirks: readonly Quirk[] = [
  {
    check: 'registration/unknown-member',
    reason: 'a registration with a member Keycloak does not know is refused as a whole',
    link: 'https://github.com/keycloak/keycloak/issues/14946',
  },
]

export default quirks
