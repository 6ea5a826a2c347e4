import type { Quirk } from '../../model/index.ts'

/** Known of Keycloak 26. */
const quirks: readonly Quirk[] = [
  {
    check: 'registration/unknown-member',
    reason: 'a registration with a member Keycloak does not know is refused as a whole',
    link: 'https://github.com/keycloak/keycloak/issues/14946',
  },
  {
    check: 'm2m/invalid-client',
    reason: 'a wrong secret is answered with unauthorized_client; a change to invalid_client is proposed',
    link: 'https://github.com/keycloak/keycloak/pull/49626',
  },
  {
    check: 'introspection/hint',
    reason: 'a token is looked for under its hint alone; mended for refresh tokens in 26.8',
    link: 'https://github.com/keycloak/keycloak/issues/51552',
  },
  {
    check: 'registration/redirect-wildcard',
    reason: 'redirect URIs may end in a pattern; a client policy can forbid it',
    link: 'https://github.com/keycloak/keycloak/issues/14380',
  },
]

export default quirks
