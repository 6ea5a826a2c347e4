import type { ProbeContext } from '../../src/model/index.ts'

/** Encodes form fields, of one name several if need be; values that stand for a secret keep standing for it. */
export function formBody(
  { reveal, conceal }: ProbeContext,
  fields: Record<string, string> | readonly (readonly [string, string])[],
): string {
  const encoded = (value: string) => {
    const secret = reveal(value)
    const written = encodeURIComponent(secret)
    return secret === value ? written : written === secret ? value : conceal(written, 'ENCODED')
  }
  const pairs = Array.isArray(fields) ? fields : Object.entries(fields)
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encoded(value)}`).join('&')
}

/** Client id and secret for the Authorization field, each form-encoded before they are joined (RFC 6749 §2.3.1). */
export function basicCredentials(
  { reveal, conceal }: ProbeContext,
  id: string,
  secret: string,
  encode: (text: string) => string = encodeURIComponent,
): string {
  const pair = `${encode(id)}:${encode(reveal(secret))}`
  return `Basic ${conceal(Buffer.from(pair).toString('base64'), 'BASIC')}`
}
