/**
 * One document of a deployment's description: a Kubernetes manifest, an eksctl ClusterConfig, an IAM policy, the configuration
 * of a gateway. Plain data, read from files and never from a running system.
 */
export interface DeploymentDocument {
  /** Path as given by the operator, relative to the configuration. */
  readonly file: string
  /** Position among the documents of the file, from 0. */
  readonly index: number
  /** Line the document starts at, from 1. */
  readonly line: number
  /** Lines of its members by path, such as `spec.template.spec.containers[0].image`. */
  readonly lines?: Readonly<Record<string, number>>
  readonly kind: DocumentKind
  /** Credentials are taken out on reading: see `redactedAs`. */
  readonly value: Record<string, unknown>
}

/** `other` is read and not understood. */
export type DocumentKind = 'kubernetes' | 'eksctl' | 'iam-policy' | 'agentcore-gateway' | 'cloudformation' | 'gateway-config' | 'other'

const mark = '[redacted: '

/** What stands in a document in place of a credential that was written out in its file. */
export const redactedAs = (what: string): string => `${mark}${what}]`

/** Whether a credential stood here. */
export const isRedacted = (value: unknown): value is string => typeof value === 'string' && value.includes(mark)
