import { type DocumentKind, redactedAs } from '../model/index.ts'

const secretName = /passw(or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential/i

// Names that speak of a credential without being one: where it lies, how long it lasts, what it is called.
const aboutOne =
  /(url|uri|endpoint|name|names|arn|path|file|dir|ref|refs|id|ids|ttl|expir\w*|seconds|audience|method|methods|alg|type|scopes?|issuer|kind|provider|store|policy|version|rotation|mount\w*)$/i

// Members of Kubernetes objects that point at a secret.
const pointers = new Set(['secret', 'secretKey', 'tokenSecret'])

const placeholder = /^$|^\$[{(]|^\{\{|^<.*>$|^ENC\[|^\*+$|^(changeme|change_me|replace_me|redacted|example|placeholder)$/i
const harmless = /^(https?:\/\/|arn:|\/|true$|false$|\d+$)/i

const shapes: readonly [RegExp, string][] = [
  [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/g, 'AWS access key id'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, 'private key'],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}\b/g, 'GitHub token'],
  [/\bxox[abpr]-[A-Za-z0-9-]{10,}/g, 'Slack token'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, 'JSON Web Token'],
  [/(?<=:\/\/[^\s/:@]+:)[^\s/:@$]+(?=@)/g, 'password'],
]

/**
 * A document without the credentials written out in it. Documents become evidence, which is stored and shared, so what is
 * secret is taken out when a file is read; that something stood there is all a check needs.
 */
export function withoutCredentials(value: unknown, kind: DocumentKind): unknown {
  const ofSecret = kind === 'kubernetes' && (value as { kind?: unknown }).kind === 'Secret'
  return clean(value, (path) => ofSecret && /^(data|stringData)$/.test(path[0] ?? ''), [])
}

function clean(value: unknown, secret: (path: string[]) => boolean, path: string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => clean(item, secret, path))
  if (typeof value === 'object' && value !== null) return cleanMembers(value as Record<string, unknown>, secret, path)
  if (typeof value !== 'string') return value
  if (secret(path) && !placeholder.test(value)) return redactedAs(`${value.length} characters`)
  return shapes.reduce((text, [shape, what]) => text.replace(shape, redactedAs(what)), value)
}

function cleanMembers(members: Record<string, unknown>, secret: (path: string[]) => boolean, path: string[]): Record<string, unknown> {
  const { name } = members
  return Object.fromEntries(
    Object.entries(members).map(([key, value]) => {
      const called = key === 'value' && typeof name === 'string' ? name : key
      if (typeof value === 'string' && isCredential(called, value)) return [key, redactedAs(`${value.length} characters`)]
      return [key, clean(value, secret, [...path, key])]
    }),
  )
}

const isCredential = (name: string, value: string): boolean =>
  secretName.test(name) && !aboutOne.test(name) && !pointers.has(name) && !placeholder.test(value) && !harmless.test(value)
