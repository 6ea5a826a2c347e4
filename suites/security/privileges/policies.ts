import { type DeploymentDocument, isObject } from '../../../src/model/index.ts'
import { at, type Json, listOf, type Path, type Placed, recordOf, textsOf } from './documents.ts'

/** A statement of an IAM policy, wherever the policy stands. */
export interface Statement extends Placed {
  readonly allows: boolean
  readonly value: Json
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** Condition keys in lower case, with operator and values. */
  readonly conditions: readonly { operator: string; key: string; values: readonly string[] }[]
  /** Of a policy that says who may assume a role. */
  readonly trust: boolean
}

/** The name of a managed policy where it is attached. */
export interface Attachment extends Placed {
  readonly arn: string
}

/** A member by its name in the API, or as CloudFormation writes it. */
export const member = (value: unknown, name: string): unknown => at(value, name) ?? at(value, `${name[0]!.toUpperCase()}${name.slice(1)}`)

/** The resources of CloudFormation templates that are of a type. */
export const resourcesOf = (documents: readonly DeploymentDocument[], type: RegExp): (Placed & { properties: Json })[] =>
  documents
    .filter(({ kind }) => kind === 'cloudformation')
    .flatMap((document) =>
      Object.entries(recordOf(document.value.Resources))
        .filter(([, resource]) => type.test(String(at(resource, 'Type'))))
        .map(([name, resource]) => ({
          document,
          path: ['Resources', name, 'Properties'],
          properties: recordOf(at(resource, 'Properties')),
        })),
    )

/** Where policies stand: a document that is one, a role, a template, the configuration of a cluster. */
function policiesOf(documents: readonly DeploymentDocument[]): (Placed & { policy: Json })[] {
  const found: (Placed & { policy: unknown })[] = []
  const look = (document: DeploymentDocument, value: unknown, path: Path, depth: number): void => {
    if (depth > 12) return
    if (Array.isArray(value)) for (const [index, item] of value.entries()) look(document, item, [...path, index], depth + 1)
    if (!isObject(value)) return
    if (listOf([value.Statement].flat()).some((statement) => typeof at(statement, 'Effect') === 'string'))
      found.push({ document, path, policy: value })
    else for (const [key, inner] of Object.entries(value)) look(document, inner, [...path, key], depth + 1)
  }
  for (const document of documents)
    if (['iam-policy', 'cloudformation', 'eksctl'].includes(document.kind)) look(document, document.value, [], 0)
  return found.flatMap(({ policy, ...placed }) => (isObject(policy) ? [{ ...placed, policy }] : []))
}

export const statementsOf = (documents: readonly DeploymentDocument[]): Statement[] =>
  policiesOf(documents).flatMap(({ document, path, policy }) =>
    [policy.Statement].flat().flatMap((value, index) => {
      if (!isObject(value)) return []
      const actions = textsOf(value.Action)
      return [
        {
          document,
          path: [...path, 'Statement', ...(Array.isArray(policy.Statement) ? [index] : [])],
          allows: value.Effect === 'Allow',
          value,
          actions,
          resources: textsOf(value.Resource),
          conditions: conditionsOf(value.Condition),
          trust: ('Principal' in value || 'NotPrincipal' in value) && actions.some((action) => /^sts:(assumerole|\*)/i.test(action)),
        },
      ]
    }),
  )

const conditionsOf = (condition: unknown): Statement['conditions'] =>
  Object.entries(recordOf(condition)).flatMap(([operator, keys]) =>
    Object.entries(recordOf(keys)).map(([key, values]) => ({ operator, key: key.toLowerCase(), values: textsOf(values) })),
  )

const attachers = /^(attachPolicyARNs|permissionPolicyARNs|ManagedPolicyArns|AttachedPolicies|AttachedManagedPolicies)$/

/** Managed policies, wherever they are attached. */
export function attachmentsOf(documents: readonly DeploymentDocument[]): Attachment[] {
  const found: Attachment[] = []
  const look = (document: DeploymentDocument, value: unknown, path: Path, depth: number): void => {
    if (depth > 12) return
    if (Array.isArray(value)) for (const [index, item] of value.entries()) look(document, item, [...path, index], depth + 1)
    if (!isObject(value)) return
    for (const [key, inner] of Object.entries(value)) {
      if (!attachers.test(key)) look(document, inner, [...path, key], depth + 1)
      else
        for (const [index, each] of listOf(inner).entries()) {
          const arn = typeof each === 'string' ? each : at(each, 'PolicyArn')
          if (typeof arn === 'string') found.push({ document, path: [...path, key, index], arn })
        }
    }
  }
  for (const document of documents) if (document.kind !== 'kubernetes') look(document, document.value, [], 0)
  return found
}

/** Whether one of some actions, which may have wildcards, covers an action. */
export const covers = (actions: readonly string[], asked: string): boolean =>
  actions.some((action) =>
    new RegExp(
      `^${action
        .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      'i',
    ).test(asked),
  )

/** Who a statement speaks of, by sort: `AWS`, `Service`, `Federated`. */
export function principalsOf({ value }: Statement, sort: string): string[] {
  if (typeof value.Principal === 'string') return sort === 'AWS' ? [value.Principal] : []
  return textsOf(recordOf(value.Principal)[sort])
}

export const hasCondition = ({ conditions }: Statement, key: RegExp): boolean => conditions.some((condition) => key.test(condition.key))
