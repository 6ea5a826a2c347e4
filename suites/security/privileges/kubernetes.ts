import { type DeploymentDocument, isObject } from '../../../src/model/index.ts'
import { at, type Json, listOf, type Path, type Placed, recordOf } from './documents.ts'

export type Labels = Record<string, string>

/** One Kubernetes object; the items of a List are objects of their own. */
export interface KubernetesObject extends Placed {
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly labels: Labels
  readonly value: Json
}

/** An object that makes pods, seen through its template. */
export interface Workload extends KubernetesObject {
  readonly podLabels: Labels
  readonly pod: Json
  /** Path of the pod specification in the document. */
  readonly podPath: Path
}

export interface Container extends Placed {
  readonly workload: Workload
  readonly container: Json
}

export const labelsOf = (value: unknown): Labels =>
  Object.fromEntries(Object.entries(recordOf(value)).map(([key, label]) => [key, String(label)]))

export function objectsOf(documents: readonly DeploymentDocument[]): KubernetesObject[] {
  return documents
    .filter(({ kind }) => kind === 'kubernetes')
    .flatMap((document) =>
      document.value.kind === 'List'
        ? listOf(document.value.items).flatMap((item, index) => (isObject(item) ? [objectOf(document, item, ['items', index])] : []))
        : [objectOf(document, document.value, [])],
    )
}

const objectOf = (document: DeploymentDocument, value: Json, path: Path): KubernetesObject => ({
  document,
  path,
  value,
  kind: String(value.kind),
  name: String(at(value, 'metadata', 'name') ?? ''),
  namespace: String(at(value, 'metadata', 'namespace') ?? 'default'),
  labels: labelsOf(at(value, 'metadata', 'labels')),
})

export const ofKind = (objects: readonly KubernetesObject[], ...kinds: string[]): KubernetesObject[] =>
  objects.filter(({ kind }) => kinds.includes(kind))

const templates: Record<string, Path> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Pod: [],
}

export function workloadsOf(documents: readonly DeploymentDocument[]): Workload[] {
  return objectsOf(documents).flatMap((object) => {
    const template = templates[object.kind]
    if (template === undefined) return []
    const value = recordOf(at(object.value, ...template))
    return [
      {
        ...object,
        podLabels: labelsOf(at(value, 'metadata', 'labels')),
        pod: recordOf(value.spec),
        podPath: [...object.path, ...template, 'spec'],
      },
    ]
  })
}

export const containersOf = (workload: Workload): Container[] =>
  ['initContainers', 'containers'].flatMap((member) =>
    listOf(workload.pod[member]).flatMap((container, index) =>
      isObject(container) ? [{ workload, container, document: workload.document, path: [...workload.podPath, member, index] }] : [],
    ),
  )

export const allContainers = (documents: readonly DeploymentDocument[]): Container[] => workloadsOf(documents).flatMap(containersOf)

/** The service account a workload runs as. */
export const accountOf = ({ pod }: Workload): string => String(pod.serviceAccountName ?? pod.serviceAccount ?? 'default')

/** Whether a label selector matches: `matchLabels` and every expression. An empty selector matches all. */
export function selects(selector: unknown, labels: Labels): boolean {
  const { matchLabels, matchExpressions } = recordOf(selector)
  return (
    Object.entries(labelsOf(matchLabels)).every(([key, value]) => labels[key] === value) &&
    listOf(matchExpressions).every((expression) => meets(recordOf(expression), labels))
  )
}

function meets({ key, operator, values }: Json, labels: Labels): boolean {
  const value = labels[String(key)]
  const among = value !== undefined && listOf(values).map(String).includes(value)
  if (operator === 'In') return among
  if (operator === 'NotIn') return !among
  if (operator === 'Exists') return value !== undefined
  return value === undefined
}
