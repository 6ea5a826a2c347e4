import type { FromEnvironment, Secret, Text } from '../identity/index.ts'
import { coded } from '../messages/index.ts'
import { invalid } from './validate.ts'

/** Reads values of one target from the configuration and the environment, and remembers the secret ones. */
export class Reader {
  readonly secrets: string[] = []
  readonly #environment: NodeJS.ProcessEnv
  readonly #base: string
  readonly #file: string

  constructor(environment: NodeJS.ProcessEnv, base: string, file: string) {
    this.#environment = environment
    this.#base = base
    this.#file = file
  }

  text(value: Text, at: string): string {
    return typeof value === 'string' ? value : this.#variable(value, at)
  }

  async secret(value: Secret, at: string): Promise<string> {
    const secret = typeof value === 'function' ? await value() : this.#variable(value, at)
    this.secrets.push(secret)
    return secret
  }

  /** Headers or variables; what does not stand in the configuration is taken for a secret. */
  async texts(values: Record<string, Text | Secret> | undefined, at: string): Promise<Record<string, string> | undefined> {
    if (values === undefined) return undefined
    const read = ([name, value]: [string, Text | Secret]) => (typeof value === 'string' ? value : this.secret(value, `${at}.${name}`))
    const entries = Object.entries(values)
    return Object.fromEntries(await Promise.all(entries.map(async (entry) => [entry[0], await read(entry)])))
  }

  invalid(at: string, got: string) {
    return invalid(`${this.#base}.${at}`, got, this.#file)
  }

  #variable({ env }: FromEnvironment, at: string): string {
    const value = this.#environment[env]
    if (!value) throw coded('E_CONFIG_MISSING_ENV', { variable: env, path: `${this.#base}.${at}` }, { got: `read for ${this.#file}` })
    return value
  }
}
