/**
 * What is not green on real authorization servers, by check and outcome: on which versions, and why it is true. Each was looked at
 * in the evidence when it was entered.
 */
export interface Known {
  /** The versions, where they differ. */
  on?: string
  why: string
}

export const calibration: Record<'keycloak' | 'cognito', Record<string, Known>> = {
  keycloak: {
    'authority/legacy-grants warn': { why: 'the metadata offers the implicit and the password grant' },
    'authority/pkce-plain warn': { why: 'the metadata offers the code challenge method plain' },
    'authority/public-clients warn': { why: 'public clients are registered, and the metadata does not list the method none' },
    'authorization-code/challenge-required fail': { why: 'a registered client gets a code without a code challenge' },
    'authorization-code/plain-challenge warn': { why: 'a plain code challenge is accepted' },
    'introspection/foreign-token warn': {
      on: '26.4.0',
      why: 'any confidential client is told of any token; since 26.6.2 only those in its audience are',
    },
    'introspection/hint fail': { why: 'an access token under the hint refresh_token is inactive' },
    'm2m/empty-parameter fail': { why: 'an empty scope is refused as an invalid one' },
    'm2m/error-response fail': {
      why: 'the description of an invalid scope repeats it, quotation marks included, which RFC 6749 §5.2 leaves out',
    },
    'm2m/grant-not-allowed fail': { why: 'a client that may not use the grant is answered 401, not 400' },
    'm2m/guessing warn': { why: 'fifty wrong secrets in a row are answered like the first' },
    'm2m/invalid-client fail': { why: 'a wrong secret is unauthorized_client, not invalid_client' },
    'm2m/invalid-client-challenge fail': { why: 'a 401 after Basic carries no WWW-Authenticate' },
    'm2m/scope-narrow warn': { why: 'the default scopes profile and email are granted whatever was asked for' },
    'm2m/two-methods warn': { why: 'credentials in the field and in the body together bring a token' },
    'registration/challenge fail': { why: 'a 401 of the registration endpoint carries no WWW-Authenticate' },
    'registration/enumeration warn': { why: 'a wrong secret and an unknown client are answered differently' },
    'registration/error-code fail': { why: 'the error of a registration that cannot be read is free text' },
    'registration/fetched-keys warn': { why: 'the jwks_uri of a registered client is fetched from any address' },
    'registration/fetched-links warn': { why: 'the sector_identifier_uri of a registration is fetched from any address' },
    'registration/inner-addresses warn': { why: 'a jwks_uri at a link-local address is registered' },
    'registration/legacy-grants warn': { why: 'anybody can register for the implicit grant' },
    'registration/machine-grant warn': { why: 'anybody can register and get a token by client credentials' },
    'registration/malformed fail': { why: 'the body null is answered with 500' },
    'registration/no-store warn': { why: 'the answer with the secret carries no Cache-Control' },
    'registration/redirect-absolute fail': { why: 'a relative redirect URI is registered' },
    'registration/redirect-error warn': { why: 'a redirect URI without a host is answered with 500 unknown_error' },
    'registration/redirect-required fail': { why: 'a client of the authorization code grant is registered without a redirect URI' },
    'registration/redirect-shown warn': { why: 'the consent page does not show where the code will be sent' },
    'registration/redirect-wildcard fail': { why: 'a registered pattern stands for every path below it' },
    'registration/unknown-member fail': { why: 'a registration with an unknown member is refused' },
  },
  cognito: {
    'authority/pkce fail': { why: 'the metadata does not name code challenge methods' },
    'm2m/empty-parameter fail': { why: 'an empty scope is refused as an invalid one' },
    'm2m/guessing warn': { why: 'fifty wrong secrets in a row are answered like the first' },
    'm2m/invalid-client-status fail': { why: 'a wrong secret after Basic is answered 400' },
    'm2m/scope-default warn': { why: 'a request without scope gets every scope of the client' },
    'm2m/scope-reported fail': { why: 'the answer to a request without scope does not say what was granted' },
    'm2m/two-methods warn': { why: 'credentials in the field and in the body together bring a token' },
  },
}
