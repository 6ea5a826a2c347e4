import { type Revision, revisions } from '../../model/index.ts'
import { failed, type Json, objectOf, type Reply } from './protocol.ts'

export const toolNames = { scripted: 'scripted', idempotent: 'scripted_read' }

const inputSchema = {
  type: 'object',
  properties: {
    script: { type: 'string', description: 'Names the behaviour of this call; an unknown name echoes the text.' },
    text: { type: 'string', description: 'Comes back as the content of the result.' },
  },
  required: ['script'],
}

const tools: Json[] = [
  {
    name: toolNames.scripted,
    description: 'Does what the named script says. Two calls have two effects.',
    inputSchema,
    annotations: { readOnlyHint: false, idempotentHint: false },
  },
  {
    name: toolNames.idempotent,
    description: 'Does what the named script says, and changes nothing.',
    inputSchema,
    annotations: { readOnlyHint: true, idempotentHint: true },
  },
]

const note = { uri: 'scripted://note', name: 'note', mimeType: 'text/plain' }
const template = { uriTemplate: 'scripted://note/{name}', name: 'named note', mimeType: 'text/plain' }
const prompt = { name: 'scripted_prompt', description: 'Asks about a topic.', arguments: [{ name: 'topic', required: false }] }
const topics = ['alpha', 'alphabet', 'beta']

/** What is asked, and what is known about who asks. */
export interface Question {
  method: string
  params: Json
  revision: Revision
  /** The revisions this upstream serves. */
  served: readonly Revision[]
}

type Answer = (question: Question) => Reply

/** Everything the upstream answers without a script. */
export class Catalogue {
  #tools: Json[] = tools
  #resources: Json[] = [note]

  setTools(replacement: Json[] | null): void {
    this.#tools = replacement ?? tools
  }

  setResources(replacement: Json[] | null): void {
    this.#resources = replacement ?? [note]
  }

  has(tool: unknown): boolean {
    return this.#tools.some(({ name }) => name === tool)
  }

  answer(question: Question): Reply {
    const table = question.revision >= '2026-07-28' ? this.#stateless : this.#session
    const answer = table[question.method] ?? this.#common[question.method]
    if (!answer) return failed(-32601, `Method not found: ${question.method}`)
    if (question.method.endsWith('/list') && question.params.cursor !== undefined) return failed(-32602, 'Unknown cursor')
    return answer(question)
  }

  readonly #common: Record<string, Answer> = {
    'tools/list': () => ({ result: { tools: this.#tools } }),
    'tools/call': ({ params }) => this.#echo(params),
    'resources/list': () => ({ result: { resources: this.#resources } }),
    'resources/templates/list': () => ({ result: { resourceTemplates: [template] } }),
    'resources/read': read,
    'prompts/list': () => ({ result: { prompts: [prompt] } }),
    'prompts/get': getPrompt,
    'completion/complete': complete,
  }

  readonly #session: Record<string, Answer> = {
    initialize: ({ params, served }) => ({ result: initialized(params.protocolVersion, served) }),
    ping: () => ({ result: {} }),
    'logging/setLevel': () => ({ result: {} }),
    'resources/subscribe': () => ({ result: {} }),
    'resources/unsubscribe': () => ({ result: {} }),
  }

  readonly #stateless: Record<string, Answer> = {
    'server/discover': ({ served }) => ({ result: { supportedVersions: [...served], capabilities: capabilitiesAt('2026-07-28') } }),
  }

  #echo(params: Json): Reply {
    if (!this.has(params.name)) return failed(-32602, `Unknown tool: ${String(params.name)}`)
    return textResult(String(objectOf(params.arguments).text ?? ''))
  }
}

export const textResult = (text: string): Reply => ({ result: { content: [{ type: 'text', text }] } })

function capabilitiesAt(revision: Revision): Json {
  return {
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    prompts: { listChanged: true },
    logging: {},
    ...(revision > '2024-11-05' ? { completions: {} } : {}),
  }
}

/** The session revision agreed on: the one asked for, or the newest this upstream has. */
export function agreed(requested: unknown, served: readonly Revision[]): Revision {
  const sessions = served.filter((revision) => revision < '2026-07-28')
  return sessions.find((revision) => revision === requested) ?? sessions.at(-1) ?? revisions[0]
}

function initialized(requested: unknown, served: readonly Revision[]): Json {
  const protocolVersion = agreed(requested, served)
  return { protocolVersion, capabilities: capabilitiesAt(protocolVersion) }
}

function read({ params, revision }: Question): Reply {
  const { uri } = params
  if (typeof uri === 'string' && (uri === note.uri || /^scripted:\/\/note\/[^/]+$/.test(uri)))
    return { result: { contents: [{ uri, mimeType: 'text/plain', text: 'A note that never changes.' }] } }
  return failed(revision >= '2026-07-28' ? -32602 : -32002, 'Resource not found', { uri })
}

function getPrompt({ params }: Question): Reply {
  if (params.name !== prompt.name) return failed(-32602, `Unknown prompt: ${String(params.name)}`)
  const topic = String(objectOf(params.arguments).topic ?? 'alpha')
  return { result: { messages: [{ role: 'user', content: { type: 'text', text: `Tell me about ${topic}.` } }] } }
}

function complete({ params }: Question): Reply {
  const ref = objectOf(params.ref)
  const known = (ref.type === 'ref/prompt' && ref.name === prompt.name) || (ref.type === 'ref/resource' && ref.uri === template.uriTemplate)
  if (!known) return failed(-32602, 'Unknown completion reference')
  const values = topics.filter((topic) => topic.startsWith(String(objectOf(params.argument).value ?? '')))
  return { result: { completion: { values, total: values.length, hasMore: false } } }
}
