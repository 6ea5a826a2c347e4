import {
  broken,
  type DeploymentDocument,
  holds,
  isObject,
  type Judgement,
  notApplicable,
  type ProbeContext,
  probe,
} from '../../../src/model/index.ts'

/** Everything the checks of this area judge. */
export const documents = probe('the documents of the deployment', {}, async (context: ProbeContext) => ({
  documents: await context.documents(),
}))

export type Json = Record<string, unknown>

export type Path = readonly (string | number)[]

/** A place in a document, so that a finding can name it. */
export interface Placed {
  readonly document: DeploymentDocument
  readonly path: Path
}

/** The member at a path, or undefined where the path leaves the document. */
export const at = (value: unknown, ...path: Path): unknown =>
  path.reduce<unknown>((inner, step) => (typeof inner === 'object' && inner !== null ? (inner as Json)[step] : undefined), value)

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

export const recordOf = (value: unknown): Json => (isObject(value) ? value : {})

/** One string or a list of strings, as IAM has it. */
export const textsOf = (value: unknown): string[] => [value].flat().filter((each) => typeof each === 'string')

export const pathText = (path: Path): string =>
  path.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`), '')

function lineOf({ document, path }: Placed): number {
  for (let length = path.length; length > 0; length--) {
    const line = document.lines?.[pathText(path.slice(0, length))]
    if (line !== undefined) return line
  }
  return document.line
}

const nameOf = ({ value, kind, index }: DeploymentDocument): string => {
  const name = [at(value, 'metadata', 'namespace'), at(value, 'metadata', 'name')].filter((part) => typeof part === 'string').join('/')
  return `${typeof value.kind === 'string' ? value.kind : kind} ${name || `document ${index}`}`
}

/** Where something stands: file and line, the document, the path within it. */
export function place(placed: Placed): string {
  const { document, path } = placed
  return [`${document.file}:${lineOf(placed)}`, nameOf(document), pathText(path)].filter((part) => part !== '').join(' ')
}

/**
 * Judges every item of a deployment. All that is wrong is named, not the first alone; nothing to judge is not applicable, for
 * the reason given.
 */
export function judged<T extends Placed>(
  items: readonly T[],
  { none, expected }: { none: string; expected: string },
  fault: (item: T) => string | undefined,
): Judgement {
  if (items.length === 0) return notApplicable(none)
  const faults = items.flatMap((item) => {
    const wrong = fault(item)
    return wrong === undefined ? [] : [`${place(item)}: ${wrong}`]
  })
  if (faults.length === 0) return holds
  return broken(faults.length === 1 ? faults[0]! : `${faults[0]!} (and ${faults.length - 1} more)`, { expected, actual: faults })
}
