import { glob, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml'
import { coded } from '../messages/index.ts'
import { type DeploymentDocument, type DocumentKind, isObject } from '../model/index.ts'
import { withoutCredentials } from './credentials.ts'

const bounds = { files: 2_000, bytes: 5_000_000, documents: 10_000 }

/**
 * The documents in the files the patterns name, in the order of the patterns and then of the file names. YAML of several
 * documents and JSON; a file that cannot be read is an error, so that a deployment is never half judged.
 */
export async function readDocuments(patterns: readonly string[], cwd: string): Promise<DeploymentDocument[]> {
  const documents: DeploymentDocument[] = []
  for (const file of await filesOf(patterns, cwd)) {
    documents.push(...parseDocuments(await textOf(file, cwd), file))
    if (documents.length > bounds.documents) throw unreadable(file, `more than ${bounds.documents} documents`, 'name fewer files')
  }
  return documents
}

/** The files the patterns name, in the order of the patterns and then of their names. */
export async function filesOf(patterns: readonly string[], cwd: string): Promise<string[]> {
  const files = new Set<string>()
  for (const pattern of patterns) {
    const found: string[] = []
    for await (const name of glob(pattern, { cwd })) {
      if (!(await stat(join(cwd, name))).isFile()) continue
      found.push(name.split(sep).join('/'))
      if (files.size + found.length > bounds.files) throw unreadable(pattern, `more than ${bounds.files} files`, 'name a narrower pattern')
    }
    if (found.length === 0) throw unreadable(pattern, 'no file', 'correct the pattern: it is relative to the configuration')
    for (const file of found.sort()) files.add(file)
  }
  return [...files]
}

/** The text of one of them. */
export async function textOf(file: string, cwd: string): Promise<string> {
  const path = join(cwd, file)
  const { size } = await stat(path)
  if (size > bounds.bytes) throw unreadable(file, `${size} bytes`, `leave it out: files of up to ${bounds.bytes} bytes are read`)
  return readFile(path, 'utf8')
}

/** The documents of one text; `file` names it in errors and findings. */
export function parseDocuments(text: string, file: string): DeploymentDocument[] {
  const counter = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: counter, logLevel: 'silent' })
  if (!Array.isArray(parsed)) return []
  const documents: DeploymentDocument[] = []
  for (const document of parsed) {
    const [error] = document.errors
    if (error) throw unreadable(`${file}:${error.linePos?.[0].line ?? 1}`, error.message.split('\n')[0]!, advice(text))
    const root = document.contents
    if (root === null) continue
    const template = templateIn(document)
    if (template) throw unreadable(`${file}:${lineOf(template, counter)}`, 'a template, not yet rendered', advice(text))
    const each = isSeq(root) ? root.items : [root]
    for (const node of each as Node[]) {
      const value: unknown = node.toJS(document, { maxAliasCount: 100 })
      if (typeof value !== 'object' || value === null || Array.isArray(value)) continue
      const kind = kindOf(value as Record<string, unknown>)
      documents.push({
        file,
        index: documents.length,
        line: lineOf(node, counter),
        lines: linesOf(node, counter),
        kind,
        value: withoutCredentials(value, kind) as Record<string, unknown>,
      })
    }
  }
  return documents
}

// YAML takes {{ .Values.name }} for a mapping whose key is a mapping, which no document of a deployment has.
function templateIn(document: Document): Node | undefined {
  let found: Node | undefined
  visit(document, {
    Pair: (_, { key }) => {
      if (!isMap(key)) return undefined
      found = key
      return visit.BREAK
    },
  })
  return found
}

const advice = (text: string): string =>
  /\{\{.*\}\}/.test(text) ? 'render the template first: helm template … > rendered.yaml' : 'make it valid YAML or JSON'

const unreadable = (where: string, got: string, attempt: string) =>
  coded('E_CONFIG_INVALID', { path: where, file: where }, { got, likely: 'a file of the deployment that cannot be read', try: attempt })

const lineOf = (node: Node, counter: LineCounter): number => (node.range ? counter.linePos(node.range[0]).line : 1)

function linesOf(root: Node, counter: LineCounter): Record<string, number> {
  const lines: Record<string, number> = {}
  const walk = (node: unknown, path: string): void => {
    if (isMap(node))
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key)
        const at = path === '' ? name : `${path}.${name}`
        lines[at] = lineOf(key as Node, counter)
        walk(value, at)
      }
    if (isSeq(node))
      node.items.forEach((item, index) => {
        const at = `${path}[${index}]`
        lines[at] = lineOf(item as Node, counter)
        walk(item, at)
      })
  }
  walk(root, '')
  return lines
}

const kinds: readonly [DocumentKind, (value: Record<string, unknown>) => boolean][] = [
  ['eksctl', ({ apiVersion }) => typeof apiVersion === 'string' && apiVersion.startsWith('eksctl.io/')],
  ['kubernetes', ({ apiVersion, kind }) => typeof apiVersion === 'string' && typeof kind === 'string'],
  ['gateway-config', ({ gateway_config }) => isObject(gateway_config)],
  ['agentcore-gateway', (value) => 'authorizerType' in value || 'AuthorizerType' in value],
  ['cloudformation', ({ Resources }) => isObject(Resources) && Object.values(Resources).some((each) => isObject(each) && 'Type' in each)],
  ['iam-policy', (value) => isPolicy(value) || isRole(value) || isRole(value.Role) || isPolicy(value.PolicyDocument)],
]

const isPolicy = (value: unknown): boolean =>
  isObject(value) && [value.Statement].flat().some((statement) => isObject(statement) && 'Effect' in statement)

const isRole = (value: unknown): boolean => isObject(value) && isPolicy(value.AssumeRolePolicyDocument)

/** What a document is, guessed from its shape: none of these formats names itself in one common way. */
const kindOf = (value: Record<string, unknown>): DocumentKind => kinds.find(([, fits]) => fits(value))?.[0] ?? 'other'
