import type { Quirk } from '../../model/index.ts'

const tokenEndpoint = 'https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html'

/** Known of Amazon Cognito user pools. */
const quirks: readonly Quirk[] = [
  {
    check: 'm2m/invalid-client-status',
    reason: 'the token endpoint documents invalid_client with status 400 only',
    link: tokenEndpoint,
  },
  {
    check: 'm2m/scope-default',
    reason: 'a request without scope gets every custom scope of the app client, as documented',
    link: tokenEndpoint,
  },
]

export default quirks
