import {
  check,
  type Exchange,
  each,
  holdsIf,
  inconclusive,
  probe,
  resultOf,
  section,
  summaryOf,
  transcript,
} from '../../../src/model/index.ts'

/** Where encodings break: two, three and four bytes, combining marks, right to left, line separators, escapes. */
const text = 'assay é ü ß Ω 日本語 한국어 🔑👩‍💻 e\u0301 שלום \u2028\u2029 "\\/'

const echo = probe('text of many scripts through the echo tool', { requires: 'echo tool' }, async ({ session, tool }) => {
  const call = await tool('echo')
  const target = await session()
  const send = (said: string) => target.send('tools/call', { name: call.name, arguments: { ...call.arguments, [call.echoes!]: said } })
  const [plain, encoded] = await Promise.all([send('assay plain text'), send(text)])
  return { plain, encoded }
})

const saysBack = (exchange: Exchange, said: string): boolean =>
  textsIn(exchange).some((each) => each.normalize('NFC').includes(said.normalize('NFC')))

const utf8 = {
  needs: { echo, transcript },
  judge: ({ echo: { plain, encoded } }: { echo: { plain: Exchange; encoded: Exchange } }) => {
    if (!saysBack(plain, 'assay plain text')) return inconclusive(`the echo tool does not give plain text back: ${summaryOf(plain)}`, plain)
    if (textsIn(encoded).length === 0) return inconclusive(`the echo tool gives no text back: ${summaryOf(encoded)}`, encoded)
    return holdsIf(saysBack(encoded, text), 'garbles text beyond ASCII', { expected: text, actual: textsIn(encoded), exchange: encoded })
  },
  fix: 'Read and write every body as UTF-8, whatever the default of the platform, and take lengths in bytes.',
  covers: 'rpc.utf8',
}

const bytes = {
  needs: { transcript },
  judge: ({ transcript }: { transcript: Exchange[] }) =>
    each(
      transcript.filter(({ messages, response }) => messages.length > 0 || response?.notUtf8),
      'the target sent no message',
      (exchange) =>
        holdsIf(!exchange.response?.notUtf8, 'sends a body that is not UTF-8', {
          expected: 'UTF-8',
          actual: exchange.response?.headers['content-type'],
          exchange,
        }),
    ),
  fix: 'Encode bodies as UTF-8.',
  covers: 'rpc.utf8',
}

const head = { title: 'Text comes back as it was sent', must: 'encode JSON-RPC messages as UTF-8', ...utf8 }
const body = { title: 'Bodies are UTF-8', must: 'encode JSON-RPC messages as UTF-8', over: 'http' as const, ...bytes }

export default [
  ...section({ spec: 'mcp', page: 'basic/transports', revisions: '2025-03-26..' }, [
    check('json-rpc/utf8-text', head),
    check('json-rpc/utf8', body),
  ]),
]

function textsIn(exchange: Exchange): string[] {
  const content = resultOf(exchange)?.content
  return Array.isArray(content) ? content.flatMap((item) => (typeof item?.text === 'string' ? [item.text] : [])) : []
}
