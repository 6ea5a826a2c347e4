import { check, type DeploymentDocument, type Judgement, notApplicable, section } from '../../../src/model/index.ts'
import { common, internet, overlap, rangeOf, rangesOf, within } from './addresses.ts'
import { at, documents, judged, listOf, type Path, type Placed, recordOf, textsOf } from './documents.ts'
import { objectsOf, ofKind, selects } from './kubernetes.ts'
import {
  type Cluster,
  canReach,
  clusterOf,
  type Direction,
  dns,
  isolating,
  nameOfPods,
  namespaceName,
  outside,
  type Peer,
  type PodGroup,
  type Policy,
  reach,
} from './reachability.ts'
import { type Tier, tenantOf, tierOf } from './tiers.ts'

const none = 'no workload and no NetworkPolicy is described'
const directions: readonly Direction[] = ['ingress', 'egress']

type Evidence = { documents: { documents: DeploymentDocument[] } }

const inCluster =
  (judge: (cluster: Cluster, documents: DeploymentDocument[]) => Judgement) =>
  ({ documents: { documents } }: Evidence): Judgement =>
    judge(clusterOf(documents), documents)

const workloads = ({ pods }: Cluster): PodGroup[] => pods.filter(({ implied }) => !implied)

/** Pods that are isolated for egress, of the description or of a policy alone; that others are not is said by one check. */
const restricted = (cluster: Cluster): PodGroup[] => cluster.pods.filter((pod) => isolating(cluster, pod, 'egress').length > 0)

const noEgress = 'no pods are isolated for egress'

const portText = ({ protocol, port, name }: { protocol: string; port: number; name?: string }): string =>
  name === undefined ? `${protocol} ${port}` : `${protocol} ${port} (${name})`

/** Judges that no pods of one sort reach pods of another. */
function apart(
  cluster: Cluster,
  senders: readonly PodGroup[],
  receivers: readonly PodGroup[],
  { none, expected }: { none: string; expected: string },
  concern: (sender: PodGroup, receiver: PodGroup) => boolean = () => true,
): Judgement {
  const concerning = (sender: PodGroup): PodGroup[] => receivers.filter((receiver) => receiver !== sender && concern(sender, receiver))
  if (!senders.some((sender) => concerning(sender).length > 0)) return notApplicable(none)
  return judged(senders, { none, expected }, (sender) => {
    const reached = concerning(sender).flatMap((receiver) => {
      const port = reach(cluster, { pod: sender }, { pod: receiver })
      return port === undefined ? [] : [`${nameOfPods(receiver)} on ${portText(port)}`]
    })
    return reached.length === 0 ? undefined : `${nameOfPods(sender)} reaches ${reached.join(', ')}`
  })
}

const ofTier = (cluster: Cluster, tier: Tier): PodGroup[] => cluster.pods.filter((pod) => tierOf(pod) === tier)

const peersOf = (policy: Policy): Peer[] =>
  directions.flatMap((direction) => policy.rules[direction]).flatMap(({ peers }) => [...(peers ?? [])])

/** Namespaces every cluster has. */
const builtIn = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

function knownPeer(cluster: Cluster, policy: Policy, { namespaceSelector, podSelector, cidr }: Peer): boolean {
  if (cidr !== undefined) return true
  const namespaces: [string, Record<string, string>][] = [
    ...builtIn.map((name): [string, Record<string, string>] => [name, { [namespaceName]: name }]),
    ...cluster.namespaces,
  ]
  const among =
    namespaceSelector === undefined
      ? [policy.namespace]
      : namespaces.filter(([, labels]) => selects(namespaceSelector, labels)).map(([name]) => name)
  if (among.length === 0) return false
  const described = workloads(cluster)
  // What runs in a namespace of the cluster itself is described elsewhere.
  return (
    described.length === 0 ||
    among.some((name) => !described.some(({ namespace }) => namespace === name)) ||
    described.some((pod) => among.includes(pod.namespace) && selects(podSelector, pod.labels))
  )
}

function blocksOf(policy: Policy): (Placed & { cidr: string; except: string[] })[] {
  return peersOf(policy)
    .filter(({ cidr }) => cidr !== undefined)
    .map(({ document, path, cidr }) => ({
      document,
      path: [...path, 'ipBlock'],
      cidr: cidr!,
      except: listOf(at(document.value, ...path, 'ipBlock', 'except')).map(String),
    }))
}

function blockFault({ cidr, except }: { cidr: string; except: string[] }): string | undefined {
  const block = cidr.includes('/') ? rangeOf(cidr) : undefined
  if (block === undefined) return `"${cidr}" is no CIDR block`
  const outsider = except.find((each) => {
    const hole = rangeOf(each)
    return hole === undefined || !within(hole, block)
  })
  return outsider === undefined ? undefined : `except "${outsider}" is not within ${cidr}`
}

const half = 1n << 31n

const metadataService = rangesOf('169.254.169.254/32', 'fd00:ec2::254/128')

/** Pods that something outside the cluster is led to, and through what. */
function exposed(cluster: Cluster, documents: readonly DeploymentDocument[]): (Placed & { pods: PodGroup[]; through: string })[] {
  const objects = objectsOf(documents)
  const services = ofKind(objects, 'Service')
  const behind = (name: unknown, namespace: string): PodGroup[] => {
    const service = services.find((each) => each.name === name && each.namespace === namespace)
    const selector = recordOf(at(service?.value, 'spec', 'selector'))
    return Object.keys(selector).length === 0
      ? []
      : workloads(cluster).filter((pod) => pod.namespace === namespace && selects({ matchLabels: selector }, pod.labels))
  }
  const open = services
    .filter(({ value }) => at(value, 'spec', 'type') === 'LoadBalancer' && !isInternal(value))
    .filter(({ value }) => {
      const sources = textsOf(at(value, 'spec', 'loadBalancerSourceRanges'))
      return sources.length === 0 || common(rangesOf(...sources), internet()).length > 0
    })
    .map((service) => ({
      ...placedAt(service, 'spec', 'type'),
      pods: behind(service.name, service.namespace),
      through: `the Service ${service.name}`,
    }))
  const led = ofKind(objects, 'Ingress').flatMap((ingress) =>
    isInternal(ingress.value)
      ? []
      : listOf(at(ingress.value, 'spec', 'rules'))
          .flatMap((rule) => listOf(at(rule, 'http', 'paths')))
          .map((path) => at(path, 'backend', 'service', 'name'))
          .concat([at(ingress.value, 'spec', 'defaultBackend', 'service', 'name')])
          .filter((name) => name !== undefined)
          .map((name) => ({ ...placedAt(ingress, 'spec'), pods: behind(name, ingress.namespace), through: `the Ingress ${ingress.name}` })),
  )
  return [...open, ...led].filter(({ pods }) => pods.length > 0)
}

const placedAt = ({ document, path }: Placed, ...more: (string | number)[]): Placed => ({ document, path: [...path, ...more] as Path })

// What the AWS Load Balancer Controller makes is internal unless it is said to be internet-facing; what others make is not.
function isInternal(value: Record<string, unknown>): boolean {
  const annotations = recordOf(at(value, 'metadata', 'annotations'))
  const said = Object.entries(annotations).find(([name]) =>
    /(load-balancer-(scheme|internal)|^alb\.ingress\.kubernetes\.io\/scheme)$/.test(name),
  )
  if (said !== undefined) return /^(internal|true)$/.test(String(said[1]))
  const by = at(value, 'spec', 'loadBalancerClass') ?? at(value, 'spec', 'ingressClassName') ?? annotations['kubernetes.io/ingress.class']
  return /(^alb|\/nlb)$/.test(String(by))
}

export default section(
  {
    spec: 'kubernetes',
    page: 'docs/concepts/services-networking/network-policies/',
    revisions: 'all',
    of: 'manifests',
    threat: 'open-network',
    weakness: 'CWE-923',
  },
  [
    check('privileges/pod-isolation', {
      spec: 'kube-linter',
      page: 'non-isolated-pod',
      title: 'Every workload is isolated in both directions',
      policy: 'select every pod with network policies for ingress and for egress',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(workloads(cluster), { none: 'no workload is described', expected: 'a policy for ingress and one for egress' }, (pod) => {
          if (pod.hostNetwork) return 'is on the network of its node, where no policy holds'
          const open = directions.filter((direction) => isolating(cluster, pod, direction).length === 0)
          return open.length === 0 ? undefined : `no policy isolates it for ${open.join(' and ')}`
        }),
      ),
      fix: 'Add a NetworkPolicy that selects the pods, with policyTypes Ingress and Egress.',
    }),

    check('privileges/default-deny', {
      page: 'docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic',
      title: 'Namespaces deny by default',
      policy: 'have in every namespace a policy that selects all pods, for ingress and egress, so that a pod added later is isolated too',
      needs: { documents },
      judge: inCluster((cluster) => {
        const used = [...new Set([...workloads(cluster), ...cluster.policies].map(({ namespace }) => namespace))]
        const places = used.map((namespace) => ({
          ...[...workloads(cluster), ...cluster.policies].find((each) => each.namespace === namespace)!,
          namespace,
        }))
        return judged(places, { none, expected: 'podSelector: {} with policyTypes Ingress and Egress' }, ({ namespace }) => {
          const missing = directions.filter(
            (direction) =>
              !cluster.policies.some(
                (policy) => policy.namespace === namespace && policy.directions.includes(direction) && selects(policy.podSelector, {}),
              ),
          )
          return missing.length === 0
            ? undefined
            : `namespace ${namespace} has no policy that selects all pods for ${missing.join(' and ')}`
        })
      }),
      fix: 'Add to the namespace a NetworkPolicy with an empty podSelector, both policyTypes and no rules.',
    }),

    check('privileges/tenant-reach', {
      threat: 'tenant-crossing',
      page: 'docs/concepts/security/multi-tenancy/#network-isolation',
      title: 'Tenants cannot reach each other',
      should: 'keep the pods of one tenant from reaching those of another',
      needs: { documents },
      judge: inCluster((cluster) => {
        const tenants = cluster.pods.filter((pod) => tenantOf(pod) !== undefined)
        return apart(
          cluster,
          tenants,
          tenants,
          { none: 'no two tenants are described: no pods or namespaces have the labels', expected: 'no port of another tenant is reached' },
          (sender, receiver) => tenantOf(sender) !== tenantOf(receiver),
        )
      }),
      fix: 'Allow ingress from the own namespace and the gateway only; a namespaceSelector without labels selects every tenant.',
    }),

    check('privileges/gateway-bypass', {
      threat: 'gateway-bypass',
      spec: 'policy',
      page: 'one-gateway',
      title: 'Agents reach servers only through the gateway',
      policy: 'keep agents from reaching MCP servers other than through the gateway, which authorizes, limits and records each call',
      needs: { documents },
      judge: inCluster((cluster) =>
        apart(cluster, ofTier(cluster, 'agents'), ofTier(cluster, 'servers'), {
          none: 'no agents, or no MCP servers, are described',
          expected: 'no port of an MCP server is reached by an agent',
        }),
      ),
      fix: 'Let the egress of agents end at the gateway, and the ingress of servers begin there.',
    }),

    check('privileges/server-callers', {
      threat: 'gateway-bypass',
      spec: 'policy',
      page: 'one-gateway',
      title: 'Servers are called by the gateway alone',
      policy: 'keep every workload but the gateway from reaching MCP servers',
      needs: { documents },
      judge: inCluster((cluster) =>
        apart(
          cluster,
          workloads(cluster).filter((pod) => tierOf(pod) === undefined),
          ofTier(cluster, 'servers'),
          { none: 'no MCP servers, or nothing beside agents and gateway, is described', expected: 'no port of an MCP server is reached' },
        ),
      ),
      fix: 'Select the gateway, by namespace and pod label, in the ingress rules of the servers.',
    }),

    check('privileges/internet-ingress', {
      page: 'docs/concepts/services-networking/network-policies/#networkpolicy-resource',
      title: 'The internet reaches the gateway at most',
      policy: 'lead nothing from outside the cluster to workloads other than the gateway',
      needs: { documents },
      judge: inCluster((cluster, documents) =>
        judged(
          exposed(cluster, documents),
          { none: 'no Service or Ingress leads into the cluster from outside', expected: 'only the gateway is exposed' },
          ({ pods, through }) => {
            const open = pods.filter((pod) => tierOf(pod) !== 'gateway' && reach(cluster, { addresses: internet() }, { pod }) !== undefined)
            return open.length === 0 ? undefined : `${through} leads the internet to ${open.map(nameOfPods).join(', ')}`
          },
        ),
      ),
      fix: 'Make the Service a ClusterIP, or narrow the ipBlock of the ingress rule.',
    }),

    check('privileges/internet-egress', {
      page: 'docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors',
      title: 'Workloads do not reach the whole internet',
      policy: 'name the addresses outside the cluster that a workload may reach, so that what it reads cannot be sent anywhere',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(restricted(cluster), { none: noEgress, expected: 'egress to named addresses' }, (pod) => {
          const wide = outside(cluster, pod, internet()).some(
            ({ family, from, to }) => to - from >= (family === 4 ? half / 128n : 1n << 96n),
          )
          return wide ? `${nameOfPods(pod)} reaches any address of the internet, or nearly` : undefined
        }),
      ),
      fix: 'Replace 0.0.0.0/0 by the blocks that are needed, or by VPC endpoints.',
    }),

    check('privileges/metadata-service', {
      threat: 'forged-request',
      spec: 'aws',
      page: 'eks/latest/eksctl/security.html',
      title: 'Pods do not reach the metadata of their node',
      policy: 'keep 169.254.169.254 out of egress rules: it gives a pod the credentials of its node',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(restricted(cluster), { none: noEgress, expected: '169.254.169.254 is not reached' }, (pod) =>
          outside(cluster, pod, metadataService).some((range) => metadataService.some((each) => overlap(each, range)))
            ? `${nameOfPods(pod)} reaches the instance metadata service`
            : undefined,
        ),
      ),
      fix: 'Add 169.254.169.254/32 to the except of the block.',
    }),

    check('privileges/dns-egress', {
      title: 'Isolated pods can still resolve names',
      policy: 'allow port 53 to the DNS of the cluster for pods that are isolated for egress; without it every name they use fails',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(
          restricted(cluster).filter((pod) => opens(cluster, pod)),
          { none: 'no pods are isolated for egress and allowed to reach anything', expected: 'egress to kube-dns on UDP 53' },
          (pod) => {
            const on = { protocol: 'UDP', port: 53 }
            const reached = [{ pod: dns(pod) }, { addresses: rangesOf('10.0.0.0/8', '172.16.0.0/12', '169.254.20.10/32') }]
            return reached.some((to) => canReach(cluster, { pod }, to, on)) ? undefined : `${nameOfPods(pod)} may reach others, but no DNS`
          },
        ),
      ),
      fix: 'Add an egress rule to the namespace kube-system, pods k8s-app: kube-dns, ports UDP and TCP 53.',
    }),

    check('privileges/policy-selector', {
      spec: 'kube-linter',
      page: 'dangling-networkpolicy',
      title: 'Policies select something',
      policy: 'select with each policy some pods of its namespace; one that selects none isolates nothing',
      needs: { documents },
      judge: inCluster((cluster) => {
        const inhabited = cluster.policies.filter(({ namespace }) => workloads(cluster).some((pod) => pod.namespace === namespace))
        return judged(
          inhabited.map((policy) => ({ ...policy, ...placedAt(policy, 'spec', 'podSelector') })),
          { none: 'no policy is in a namespace with workloads', expected: 'labels that pods of the namespace have' },
          (policy) =>
            workloads(cluster).some((pod) => pod.namespace === policy.namespace && selects(policy.podSelector, pod.labels))
              ? undefined
              : 'selects no pods that are described',
        )
      }),
      fix: 'Make the podSelector match the labels of the pod template, not those of the Deployment.',
    }),

    check('privileges/policy-peer', {
      spec: 'kube-linter',
      page: 'dangling-networkpolicypeer-podselector',
      title: 'Peers of a policy exist',
      policy: 'name as peers namespaces and pods that are there, by labels they have',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(
          cluster.policies.flatMap((policy) => peersOf(policy).map((peer) => ({ ...peer, policy }))),
          { none: 'no policy names a peer', expected: `labels that are given, or ${namespaceName}` },
          (peer) => (knownPeer(cluster, peer.policy, peer) ? undefined : 'selects nothing that is described'),
        ),
      ),
      fix: `Label the namespace, or select it by ${namespaceName}, which the API server sets itself.`,
    }),

    check('privileges/policy-types', {
      page: 'docs/concepts/services-networking/network-policies/#networkpolicy-resource',
      title: 'Rules of a policy are in force',
      policy:
        'list in policyTypes each direction that has rules, and egress where none are to be allowed: what is not listed is not restricted',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(
          cluster.policies,
          { none: 'no NetworkPolicy is described', expected: 'policyTypes that name every direction with rules' },
          (policy) => {
            const spec = recordOf(policy.value.spec)
            const idle = directions.filter((direction) => direction in spec && !policy.directions.includes(direction))
            return idle.length === 0 ? undefined : `has ${idle.join(' and ')}, which policyTypes leaves out`
          },
        ),
      ),
      fix: 'Write policyTypes: [Ingress, Egress].',
    }),

    check('privileges/policy-open', {
      page: 'docs/concepts/services-networking/network-policies/#allow-all-ingress-traffic',
      title: 'No rule allows everything',
      policy: 'name peers in each rule: one without from or to allows everybody',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(
          cluster.policies.flatMap((policy) => policy.directions.flatMap((direction) => policy.rules[direction])),
          { none: 'no policy has rules', expected: 'peers' },
          ({ peers }) => {
            if (peers === undefined) return 'allows every peer'
            const every = peers.find((peer) => peer.cidr === undefined && peer.namespaceSelector !== undefined && selectsAll(peer))
            return every === undefined ? undefined : 'allows the pods of every namespace'
          },
        ),
      ),
      fix: 'Name the namespaces and pods, or the address blocks, that need it.',
    }),

    check('privileges/policy-address', {
      page: 'docs/reference/kubernetes-api/policy-resources/network-policy-v1/',
      title: 'Address blocks are valid',
      must: 'give CIDR blocks in ipBlock, with every exception inside the block',
      needs: { documents },
      judge: inCluster((cluster) =>
        judged(cluster.policies.flatMap(blocksOf), { none: 'no policy has an ipBlock', expected: 'CIDR blocks' }, blockFault),
      ),
      fix: 'Correct the block: the API server refuses the policy as it stands.',
    }),
  ],
)

const selectsAll = ({ namespaceSelector, podSelector }: Peer): boolean =>
  [namespaceSelector, podSelector].every(
    (selector) => Object.keys(recordOf(at(selector, 'matchLabels'))).length === 0 && listOf(at(selector, 'matchExpressions')).length === 0,
  )

/** Whether pods may reach anything at all: those that may not need no names. */
const opens = (cluster: Cluster, pod: PodGroup): boolean =>
  isolating(cluster, pod, 'egress').some((policy) => policy.rules.egress.length > 0)
