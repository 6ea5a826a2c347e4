import accessTokenRequest from './access-token-request.ts'
import discovery from './discovery.ts'

export default [discovery, accessTokenRequest]
