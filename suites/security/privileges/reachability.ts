import type { DeploymentDocument } from '../../../src/model/index.ts'
import { common, overlap, privateRanges, type Range, rangeOf, rangesOf, without } from './addresses.ts'
import { at, listOf, type Placed, recordOf } from './documents.ts'
import { containersOf, type KubernetesObject, type Labels, objectsOf, ofKind, selects, type Workload, workloadsOf } from './kubernetes.ts'

export type Direction = 'ingress' | 'egress'

export interface Port {
  readonly protocol: string
  readonly port: number
  readonly name?: string
}

/** The pods of one workload, or pods a policy speaks of that no workload of the description makes. */
export interface PodGroup extends Placed {
  readonly name: string
  readonly namespace: string
  readonly namespaceLabels: Labels
  readonly labels: Labels
  readonly ports: readonly Port[]
  /** On the network of the node: policies do not hold for it. */
  readonly hostNetwork: boolean
  /** Nothing in the description makes these pods; a policy names them. */
  readonly implied: boolean
}

export interface Rule extends Placed {
  /** Undefined: every peer. */
  readonly peers?: readonly Peer[]
  /** Undefined: every port. */
  readonly ports?: readonly unknown[]
}

export interface Peer extends Placed {
  readonly podSelector?: unknown
  readonly namespaceSelector?: unknown
  readonly cidr?: string
  /** Addresses of an `ipBlock` less its exceptions. */
  readonly addresses: readonly Range[]
}

export interface Policy extends KubernetesObject {
  readonly podSelector: unknown
  readonly directions: readonly Direction[]
  readonly rules: Readonly<Record<Direction, readonly Rule[]>>
}

export interface Cluster {
  readonly namespaces: ReadonlyMap<string, Labels>
  readonly pods: readonly PodGroup[]
  readonly policies: readonly Policy[]
  /** Where pods have their addresses. */
  readonly podRanges: readonly Range[]
}

/** One end of a connection: pods, or addresses outside the cluster. */
export type End = { readonly pod: PodGroup } | { readonly addresses: readonly Range[] }

/** The name every namespace is labelled with by the API server itself. */
export const namespaceName = 'kubernetes.io/metadata.name'

export function clusterOf(documents: readonly DeploymentDocument[]): Cluster {
  const objects = objectsOf(documents)
  const workloads = workloadsOf(documents)
  const policies = ofKind(objects, 'NetworkPolicy').map(policyOf)
  const namespaces = new Map<string, Labels>()
  for (const { namespace } of [...workloads, ...policies]) namespaces.set(namespace, { [namespaceName]: namespace })
  for (const { name, labels } of ofKind(objects, 'Namespace')) namespaces.set(name, { [namespaceName]: name, ...labels })
  const pods = workloads.map((workload) => podsOf(workload, namespaces))
  return { namespaces, policies, podRanges: podRangesOf(documents), pods: [...pods, ...impliedBy(policies, pods, namespaces)] }
}

// Pods have addresses of the VPC where the VPC's own network plugin is used, as it is on EKS.
function podRangesOf(documents: readonly DeploymentDocument[]): readonly Range[] {
  const named = documents
    .filter(({ kind }) => kind === 'eksctl')
    .map(({ value }) => at(value, 'vpc', 'cidr'))
    .filter((cidr) => typeof cidr === 'string')
  return named.length === 0 ? privateRanges() : rangesOf(...named)
}

const podsOf = (workload: Workload, namespaces: ReadonlyMap<string, Labels>): PodGroup => ({
  document: workload.document,
  path: workload.path,
  name: workload.name,
  namespace: workload.namespace,
  namespaceLabels: namespaces.get(workload.namespace) ?? {},
  labels: workload.podLabels,
  hostNetwork: workload.pod.hostNetwork === true,
  implied: false,
  ports: containersOf(workload)
    .flatMap(({ container }) => listOf(container.ports).map(recordOf))
    .filter(({ containerPort }) => typeof containerPort === 'number')
    .map(({ containerPort, protocol, name }) => ({
      port: containerPort as number,
      protocol: String(protocol ?? 'TCP'),
      ...(name === undefined ? {} : { name: String(name) }),
    })),
})

function policyOf(object: KubernetesObject): Policy {
  const spec = recordOf(object.value.spec)
  const named = listOf(spec.policyTypes)
  // Without policyTypes a policy is one for ingress, and for egress too when it has egress rules.
  const directions: Direction[] =
    named.length > 0
      ? (['ingress', 'egress'] as const).filter((direction) => named.some((name) => String(name).toLowerCase() === direction))
      : listOf(spec.egress).length > 0
        ? ['ingress', 'egress']
        : ['ingress']
  return {
    ...object,
    podSelector: spec.podSelector,
    directions,
    rules: { ingress: rulesOf(object, 'ingress', 'from'), egress: rulesOf(object, 'egress', 'to') },
  }
}

function rulesOf(object: KubernetesObject, direction: Direction, member: 'from' | 'to'): Rule[] {
  return listOf(at(object.value, 'spec', direction)).map((value, index) => {
    const rule = recordOf(value)
    const path = [...object.path, 'spec', direction, index]
    const peers = listOf(rule[member])
    const ports = listOf(rule.ports)
    return {
      document: object.document,
      path,
      ...(peers.length === 0 ? {} : { peers: peers.map((peer, nth) => peerOf(recordOf(peer), object, [...path, member, nth])) }),
      ...(ports.length === 0 ? {} : { ports }),
    }
  })
}

function peerOf({ podSelector, namespaceSelector, ipBlock }: Record<string, unknown>, { document }: Placed, path: Placed['path']): Peer {
  const { cidr, except } = recordOf(ipBlock)
  const block = typeof cidr === 'string' ? rangesOf(cidr) : []
  return {
    document,
    path,
    podSelector,
    namespaceSelector,
    ...(typeof cidr === 'string' ? { cidr } : {}),
    addresses: without(
      block,
      listOf(except).flatMap((each) => rangeOf(String(each)) ?? []),
    ),
  }
}

/** Stands for pods that policies speak of and no workload makes, so that a policy can be judged without its workloads. */
function impliedBy(policies: readonly Policy[], pods: readonly PodGroup[], namespaces: ReadonlyMap<string, Labels>): PodGroup[] {
  const implied = new Map<string, PodGroup>()
  const add = (placed: Placed, namespace: string, namespaceLabels: Labels, labels: Labels): void => {
    const group = { document: placed.document, path: placed.path, namespace, namespaceLabels, labels, ports: [], hostNetwork: false }
    const name = [...Object.entries(labels)].map(([key, value]) => `${key}=${value}`).join(',') || 'any pod'
    implied.set(`${namespace} ${name}`, { ...group, name, implied: true })
  }
  const labelsIn = (selector: unknown): Labels | undefined => {
    const { matchLabels, matchExpressions } = recordOf(selector)
    const labels = Object.entries(recordOf(matchLabels)).map(([key, value]) => [key, String(value)])
    return labels.length > 0 && listOf(matchExpressions).length === 0 ? Object.fromEntries(labels) : undefined
  }
  for (const policy of policies) {
    const own = labelsIn(policy.podSelector)
    if (own && !pods.some((pod) => selected(policy, pod))) add(policy, policy.namespace, namespaces.get(policy.namespace) ?? {}, own)
    for (const peer of policy.directions.flatMap((direction) => policy.rules[direction]).flatMap(({ peers }) => peers ?? [])) {
      if (peer.namespaceSelector === undefined || pods.some((pod) => isPeer(peer, policy, { pod }, privateRanges()))) continue
      const labels = labelsIn(peer.namespaceSelector)
      const known = [...namespaces].find(([, each]) => selects(peer.namespaceSelector, each))
      if (labels === undefined) continue
      const namespace =
        known?.[0] ??
        labels[namespaceName] ??
        Object.entries(labels)
          .map((pair) => pair.join('='))
          .join(',')
      add(peer, namespace, known?.[1] ?? labels, labelsIn(peer.podSelector) ?? {})
    }
  }
  return [...implied.values()]
}

const selected = (policy: Policy, pod: PodGroup): boolean =>
  !pod.hostNetwork && pod.namespace === policy.namespace && selects(policy.podSelector, pod.labels)

/** The policies that isolate pods in a direction; none means that everything is allowed. */
export const isolating = (cluster: Cluster, pod: PodGroup, direction: Direction): Policy[] =>
  cluster.policies.filter((policy) => policy.directions.includes(direction) && selected(policy, pod))

/** The rules that allow something in a direction, or undefined where pods are not isolated. */
export function rulesFor(cluster: Cluster, pod: PodGroup, direction: Direction): { policy: Policy; rule: Rule }[] | undefined {
  const policies = isolating(cluster, pod, direction)
  return policies.length === 0 ? undefined : policies.flatMap((policy) => policy.rules[direction].map((rule) => ({ policy, rule })))
}

function isPeer(peer: Peer, policy: Policy, end: End, podRanges: readonly Range[]): boolean {
  if (peer.cidr !== undefined) {
    // Which addresses pods will have is not said by their description: only a block around all there are is sure to hold them.
    return 'pod' in end
      ? podRanges.every((range) => without([range], peer.addresses).length === 0)
      : peer.addresses.some((range) => end.addresses.some((other) => overlap(range, other)))
  }
  if (!('pod' in end)) return false
  const { pod } = end
  const inNamespace =
    peer.namespaceSelector === undefined ? pod.namespace === policy.namespace : selects(peer.namespaceSelector, pod.namespaceLabels)
  return inNamespace && selects(peer.podSelector, pod.labels)
}

/** Whether a port, of the pods at the receiving end, is one of those a rule names. */
function isPort(ports: readonly unknown[] | undefined, on: Port, to: End): boolean {
  if (ports === undefined) return true
  return ports.map(recordOf).some(({ protocol = 'TCP', port, endPort }) => {
    if (protocol !== on.protocol) return false
    if (port === undefined) return true
    if (typeof port === 'string' && !/^\d+$/.test(port))
      return 'pod' in to && to.pod.ports.some((own) => own.name === port && own.port === on.port && own.protocol === on.protocol)
    return typeof endPort === 'number' ? on.port >= Number(port) && on.port <= endPort : on.port === Number(port)
  })
}

function allows(cluster: Cluster, pod: PodGroup, direction: Direction, other: End, to: End, on: Port): boolean {
  if (pod.hostNetwork) return true
  const rules = rulesFor(cluster, pod, direction)
  return (
    rules === undefined ||
    rules.some(
      ({ policy, rule }) =>
        isPort(rule.ports, on, to) &&
        (rule.peers === undefined || rule.peers.some((peer) => isPeer(peer, policy, other, cluster.podRanges))),
    )
  )
}

/** Whether a connection can be made: the sender's policies let it out, and the receiver's let it in. */
export const canReach = (cluster: Cluster, from: End, to: End, on: Port): boolean =>
  (!('pod' in from) || allows(cluster, from.pod, 'egress', to, to, on)) &&
  (!('pod' in to) || allows(cluster, to.pod, 'ingress', from, to, on))

/** A port on which one end reaches the other, or undefined when there is none. */
export function reach(cluster: Cluster, from: End, to: End): Port | undefined {
  return portsBetween(cluster, from, to).find((port) => canReach(cluster, from, to, port))
}

const protocols = ['TCP', 'UDP', 'SCTP'] as const

// Which port a connection is made to is decided where rules begin and end: these, and one that nobody names, stand for all.
function portsBetween(cluster: Cluster, from: End, to: End): Port[] {
  const own = 'pod' in to ? to.pod.ports : []
  const rules = [
    ...('pod' in from ? (rulesFor(cluster, from.pod, 'egress') ?? []) : []),
    ...('pod' in to ? (rulesFor(cluster, to.pod, 'ingress') ?? []) : []),
  ]
  const named = rules
    .flatMap(({ rule }) => (rule.ports ?? []).map(recordOf))
    .flatMap(({ port, endPort }) => [port, endPort])
    .map(Number)
    .filter((port) => port > 0 && port < 65_536)
  return [...own, ...[...new Set([...named, 49_151])].flatMap((port) => protocols.map((protocol) => ({ protocol, port })))]
}

/** The addresses outside the cluster that pods can reach, of those asked for; all of them where pods are not isolated. */
export function outside(cluster: Cluster, pod: PodGroup, among: readonly Range[]): Range[] {
  const rules = pod.hostNetwork ? undefined : rulesFor(cluster, pod, 'egress')
  if (rules === undefined) return [...among]
  return rules.flatMap(({ rule }) =>
    rule.peers === undefined ? [...among] : rule.peers.flatMap(({ addresses }) => common(addresses, among)),
  )
}

/** Pods that answer names in a cluster as Kubernetes ships it. */
export const dns = (policyDocument: Placed): PodGroup => ({
  ...policyDocument,
  name: 'kube-dns',
  namespace: 'kube-system',
  namespaceLabels: { [namespaceName]: 'kube-system' },
  labels: { 'k8s-app': 'kube-dns' },
  ports: [
    { protocol: 'UDP', port: 53, name: 'dns' },
    { protocol: 'TCP', port: 53, name: 'dns-tcp' },
  ],
  hostNetwork: false,
  implied: true,
})

export const nameOfPods = ({ namespace, name }: PodGroup): string => `${namespace}/${name}`
