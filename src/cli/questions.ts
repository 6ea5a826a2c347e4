import { cancel, group, select, text } from '@clack/prompts'
import type { Answers } from './scaffold.ts'

interface Given {
  url?: string
  command?: string
  name?: string
  kind?: string
  auth?: string
  gate?: string
}

/** Asks what the options do not say; undefined when the person leaves. */
export async function ask(given: Given): Promise<Answers | undefined> {
  let left = false
  const answers = await group(
    {
      place: async () =>
        given.url ??
        given.command ??
        text({
          message: 'Where is the target? A URL, or a command that speaks MCP over stdio.',
          placeholder: 'https://gateway.example/mcp',
          validate: (value) => (value?.trim() ? undefined : 'A URL or a command is needed.'),
        }),
      auth: async () =>
        given.auth ??
        select({
          message: 'Who may talk to it?',
          options: [
            { value: 'client-credentials', label: 'a client with id and secret', hint: 'OAuth client credentials' },
            { value: 'bearer', label: 'whoever has a token', hint: 'from an environment variable' },
            { value: 'none', label: 'everyone' },
          ],
        }),
      gate: async () =>
        given.gate ??
        select({
          message: 'What does the release gate look at?',
          options: [
            { value: 'both', label: 'conformance and security' },
            { value: 'conformance', label: 'conformance' },
            { value: 'security', label: 'security' },
          ],
        }),
    },
    {
      onCancel: () => {
        left = true
        cancel('Nothing was written.')
      },
    },
  )
  if (left) return undefined
  const place = String(answers.place).trim()
  const overHttp = /^https?:\/\//i.test(place)
  return {
    name: given.name ?? (overHttp ? 'gateway' : 'server'),
    kind: given.kind ?? (overHttp ? 'gateway' : 'server'),
    ...(overHttp ? { url: place } : { command: place.split(/\s+/) }),
    auth: answers.auth as Answers['auth'],
    gate: answers.gate as Answers['gate'],
  }
}
