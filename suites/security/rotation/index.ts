import clientCredentials from './client-credentials.ts'
import m2mSecret from './m2m-secret.ts'
import signingKeys from './signing-keys.ts'

export default [signingKeys, m2mSecret, clientCredentials]
