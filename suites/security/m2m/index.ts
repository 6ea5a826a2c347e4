import answers from './answers.ts'
import clientAssertions from './client-assertions.ts'
import clientAuthentication from './client-authentication.ts'
import introspection from './introspection.ts'
import resources from './resources.ts'
import revocation from './revocation.ts'
import tokenEndpoint from './token-endpoint.ts'

export default [clientAuthentication, tokenEndpoint, answers, clientAssertions, resources, introspection, revocation]
