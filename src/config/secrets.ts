import { coded } from '../messages/index.ts'

const secretKey = /^(token|clientSecret|initialAccessToken|password|apiKey|bearer)$/
const secretHeader = /^(authorization|proxy-authorization|cookie|x-api-key)$/i
const secretVariable = /(TOKEN|SECRET|PASSWORD|API_?KEY)$/i

/** Refuses a configuration that carries a secret, before anything else is said about it. */
export function refuseLiteralSecrets(config: unknown, file: string): void {
  visit(config, '', [], file)
}

function visit(value: unknown, key: string, path: string[], file: string): void {
  if (typeof value === 'string') {
    if (isSecret(key, path.at(-2))) throw coded('E_CONFIG_LITERAL_SECRET', { path: path.join('.'), file })
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) visit(member, name, [...path, name], file)
}

function isSecret(key: string, parent: string | undefined): boolean {
  if (parent === 'headers') return secretHeader.test(key)
  if (parent === 'env') return secretVariable.test(key)
  return secretKey.test(key)
}
