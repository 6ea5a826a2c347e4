import { randomBytes } from 'node:crypto'
import { type Exchange, type ProbeContext, probe, resultOf } from '../../../src/model/index.ts'
import { scriptedCall } from '../../conformance/utilities/long-call.ts'
import { again } from '../tokens/attempts.ts'

/** Milliseconds in which what is logged of a request has been written. */
const settling = 200

/** A secret that stands nowhere else; its characters are written differently in most encodings. */
const canary = (): string => `assay/${randomBytes(12).toString('hex')}+${randomBytes(6).toString('hex')}`

/** Where in base64 a text may begin, and how it then reads there: what is before and behind it takes part in the characters at its ends. */
function inBase64(text: string, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((offset) => {
    const bytes = Buffer.from(`${'x'.repeat(offset)}${text}`)
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString(encoding)
    return whole.slice(Math.ceil((offset * 4) / 3) + (offset === 0 ? 0 : 1))
  })
}

const joined = (text: string): string => text.replaceAll(/[\s"'`\\,+]/g, '')

/** The ways in which a secret may be written down, by name, each with how the text is to be read. */
const forms: readonly [name: string, write: (secret: string) => string[], read?: (text: string) => string][] = [
  ['as it is', (secret) => [secret]],
  ['encoded for a URL', (secret) => [encodeURIComponent(secret)]],
  ['with escaped slashes', (secret) => [secret.replaceAll('/', '\\/')]],
  ['in base64', (secret) => inBase64(secret, 'base64')],
  ['in base64url', (secret) => inBase64(secret, 'base64url')],
  ['in hexadecimal', (secret) => [Buffer.from(secret).toString('hex')], (text) => text.toLowerCase()],
  ['in pieces', (secret) => [joined(secret)], joined],
]

export interface Leak {
  /** What of, such as `a cookie`. */
  what: string
  form: string
}

/** Which secrets stand in a text, and how; never the secrets themselves. */
export function leaksIn(text: string, secrets: Record<string, string>): Leak[] {
  const texts = forms.map(([, , read]) => read?.(text) ?? text)
  return Object.entries(secrets).flatMap(([what, secret]) => {
    const at = forms.findIndex(([, write], form) => write(secret).some((written) => texts[form]!.includes(written)))
    return at < 0 ? [] : [{ what, form: forms[at]![0] }]
  })
}

/** What an answer says, its header included. */
const said = ({ response, messages }: Exchange): string => JSON.stringify([response?.headers, response?.body, messages])

async function sendSecrets(context: ProbeContext, secrets: Record<string, string>) {
  const connection = await context.connect()
  const list = (headers: Record<string, string>) => connection.send('tools/list', undefined, { headers })
  const query = new URLSearchParams({ code: secrets['an authorization code']!, access_token: secrets['a token in a query']! })
  const scripted = await scriptedCall(context, { text: 'done' })
  const { name, arguments: given } = scripted ? scripted.params : await context.tool('any')
  const basic = Buffer.from(`assay:${secrets['a client secret']}`).toString('base64')
  return {
    before: await list({}),
    answers: [
      await list({ Authorization: `Bearer ${secrets['a refused token']}` }),
      await list({ Authorization: `Basic ${basic}` }),
      await list({ Cookie: `session=${secrets['a cookie']}` }),
      await list({ 'X-Api-Key': secrets['a key in a header']! }),
      await again(context, connection.opening, { url: `${new URL(connection.opening.request.url).pathname}?${query}` }),
      await connection.send('tools/call', { name, arguments: { ...given, password: secrets['an argument named password'] } }),
    ],
    token: connection.token,
    after: await list({}),
  }
}

/** Requests with secrets in every place a secret may come in, and what of them is found again. */
export const canaries = probe('secrets that must not be written down', { over: 'http', requires: 'authorization' }, async (context) => {
  const { observe, pause } = context
  const kinds = [
    'a refused token',
    'a client secret',
    'a cookie',
    'a key in a header',
    'an authorization code',
    'a token in a query',
    'an argument named password',
  ]
  const secrets = Object.fromEntries(kinds.map((kind) => [kind, canary()]))
  const { before, answers, token, after } = await sendSecrets(context, secrets)
  await pause(settling)
  // The end of a token is its signature: whoever has the rest of it has nothing.
  const all = token === undefined ? secrets : { ...secrets, 'the access token': token.slice(token.lastIndexOf('.') + 1) }
  const look = async (read: (() => Promise<string>) | undefined) => {
    const text = await read?.()
    return text === undefined ? null : { size: text.length, leaks: leaksIn(text, all) }
  }
  return {
    before,
    after,
    served: [before, after].every((exchange) => resultOf(exchange) !== undefined),
    audit: await look(observe.audit && (async () => JSON.stringify(await observe.audit!()))),
    logs: await look(observe.logs && (async () => (await observe.logs!()).join('\n'))),
    metrics: await look(observe.metrics),
    answers: answers.map((exchange) => ({ exchange, leaks: leaksIn(said(exchange), secrets) })),
  }
})
