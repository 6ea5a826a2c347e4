import { describe, expect, test } from 'vitest'
import { parseDocuments } from '../../../src/engine/documents.ts'
import { common, internet, rangeOf, rangesOf, within, without } from './addresses.ts'
import { type Cluster, canReach, clusterOf, type End, outside, reach } from './reachability.ts'

const pod = (namespace: string, name: string, ports = '[{ containerPort: 80 }]', more = '') => `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: ${name} } }
spec: { ${more} containers: [{ name: main, image: main:1, ports: ${ports} }] }`

const namespace = (name: string, labels = '{}') => `
---
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: ${labels} }`

const policy = (at: string, spec: string) => `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: policy, namespace: ${at} }
spec: ${spec}`

const base = namespace('a', '{ team: red }') + namespace('b', '{ team: blue }') + pod('a', 'web') + pod('a', 'db') + pod('b', 'job')

const clusterWith = (...policies: string[]): Cluster => clusterOf(parseDocuments(base + policies.join(''), 'test.yaml'))

const end = (cluster: Cluster, name: string): End => ({ pod: cluster.pods.find((each) => !each.implied && each.name === name)! })

const can = (cluster: Cluster, from: string, to: string, port = 80, protocol = 'TCP') =>
  canReach(cluster, end(cluster, from), end(cluster, to), { protocol, port })

describe('isolation', () => {
  test('pods no policy selects take and make every connection', () => {
    const cluster = clusterWith()
    expect(can(cluster, 'job', 'db')).toBe(true)
    expect(outside(cluster, cluster.pods[0]!, internet())).toEqual(internet())
  })

  test('an empty selector selects every pod of its namespace, and of no other', () => {
    const cluster = clusterWith(policy('a', '{ podSelector: {}, policyTypes: [Ingress] }'))
    expect(can(cluster, 'job', 'db')).toBe(false)
    expect(can(cluster, 'web', 'db')).toBe(false)
    expect(can(cluster, 'db', 'job')).toBe(true)
  })

  test('without policyTypes a policy is one for ingress', () => {
    const cluster = clusterWith(policy('a', '{ podSelector: {} }'))
    expect(can(cluster, 'job', 'web')).toBe(false)
    expect(can(cluster, 'web', 'job')).toBe(true)
  })

  test('without policyTypes it is one for egress too when it has egress rules, and only then', () => {
    const ruled = clusterWith(policy('a', '{ podSelector: {}, egress: [{ to: [{ podSelector: { matchLabels: { app: db } } }] }] }'))
    expect(can(ruled, 'web', 'job')).toBe(false)
    const empty = clusterWith(policy('a', '{ podSelector: {}, egress: [] }'))
    expect(can(empty, 'web', 'job')).toBe(true)
  })

  test('both ends must allow a connection', () => {
    const out = policy(
      'b',
      '{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ namespaceSelector: { matchLabels: { team: red } } }] }] }',
    )
    const closed = policy('a', '{ podSelector: {}, policyTypes: [Ingress] }')
    expect(can(clusterWith(out), 'job', 'web')).toBe(true)
    expect(can(clusterWith(out, closed), 'job', 'web')).toBe(false)
  })

  test('policies do not hold on the network of the node', () => {
    const text = base + pod('a', 'agent', '[]', 'hostNetwork: true,') + policy('a', '{ podSelector: {}, policyTypes: [Ingress, Egress] }')
    const cluster = clusterOf(parseDocuments(text, 'test.yaml'))
    expect(can(cluster, 'job', 'agent')).toBe(true)
    expect(can(cluster, 'agent', 'job')).toBe(true)
  })
})

describe('rules', () => {
  test('policies add up', () => {
    const deny = policy('a', '{ podSelector: {}, policyTypes: [Ingress] }')
    const fromWeb = policy(
      'a',
      '{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }] }] }',
    )
    const fromJob = policy(
      'a',
      '{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: blue } } }] }] }',
    )
    expect(can(clusterWith(deny, fromWeb), 'web', 'db')).toBe(true)
    expect(can(clusterWith(deny, fromWeb), 'job', 'db')).toBe(false)
    expect(can(clusterWith(deny, fromWeb, fromJob), 'job', 'db')).toBe(true)
  })

  test('a rule without peers allows all, an absent list of rules none', () => {
    expect(can(clusterWith(policy('a', '{ podSelector: {}, ingress: [{}] }')), 'job', 'db')).toBe(true)
    expect(can(clusterWith(policy('a', '{ podSelector: {}, ingress: [{ from: [] }] }')), 'job', 'db')).toBe(true)
    expect(can(clusterWith(policy('a', '{ podSelector: {}, ingress: [] }')), 'job', 'db')).toBe(false)
  })

  test('a pod selector alone speaks of the own namespace', () => {
    const cluster = clusterWith(policy('a', '{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ podSelector: {} }] }] }'))
    expect(can(cluster, 'web', 'db')).toBe(true)
    expect(can(cluster, 'job', 'db')).toBe(false)
  })

  test('two selectors in one peer must both match, in two peers either', () => {
    const one = policy(
      'a',
      '{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: blue } }, podSelector: { matchLabels: { app: web } } }] }] }',
    )
    const two = policy(
      'a',
      '{ podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: blue } } }, { podSelector: { matchLabels: { app: web } } }] }] }',
    )
    expect([can(clusterWith(one), 'job', 'db'), can(clusterWith(one), 'web', 'db')]).toEqual([false, false])
    expect([can(clusterWith(two), 'job', 'db'), can(clusterWith(two), 'web', 'db')]).toEqual([true, true])
  })

  test('an empty namespace selector is every namespace', () => {
    expect(can(clusterWith(policy('a', '{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] }')), 'job', 'db')).toBe(true)
  })

  test('namespaces have the label of their name, and no label "name" of themselves', () => {
    const by = (label: string) =>
      policy('a', `{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { ${label}: b } } }] }] }`)
    expect(can(clusterWith(by('kubernetes.io/metadata.name')), 'job', 'db')).toBe(true)
    expect(can(clusterWith(by('name')), 'job', 'db')).toBe(false)
  })

  test.each([
    ['In', '[blue, green]', true],
    ['NotIn', '[blue]', false],
    ['NotIn', '[red]', true],
    ['Exists', '[]', true],
    ['DoesNotExist', '[]', false],
  ])('an expression %s %s', (operator, values, allowed) => {
    const expression = `{ key: team, operator: ${operator}, values: ${values} }`
    const cluster = clusterWith(
      policy('a', `{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchExpressions: [${expression}] } }] }] }`),
    )
    expect(can(cluster, 'job', 'db')).toBe(allowed)
  })
})

describe('ports', () => {
  const open = (ports: string) => clusterWith(policy('a', `{ podSelector: {}, ingress: [{ ports: ${ports} }] }`))

  test('are TCP unless said otherwise', () => {
    expect([can(open('[{ port: 53 }]'), 'job', 'db', 53), can(open('[{ port: 53 }]'), 'job', 'db', 53, 'UDP')]).toEqual([true, false])
    expect(can(open('[{ protocol: UDP, port: 53 }]'), 'job', 'db', 53, 'UDP')).toBe(true)
  })

  test('without a number are all of the protocol', () => expect(can(open('[{ protocol: TCP }]'), 'job', 'db', 9999)).toBe(true))

  test('may be a range', () => {
    const range = open('[{ port: 8000, endPort: 8010 }]')
    expect([7999, 8000, 8010, 8011].map((port) => can(range, 'job', 'db', port))).toEqual([false, true, true, false])
  })

  test('may be named, by the pods that are reached', () => {
    const text =
      base +
      pod('a', 'api', '[{ name: http, containerPort: 8080 }]') +
      policy('a', '{ podSelector: {}, ingress: [{ ports: [{ port: http }] }] }')
    const cluster = clusterOf(parseDocuments(text, 'test.yaml'))
    expect([can(cluster, 'job', 'api', 8080), can(cluster, 'job', 'api', 80), can(cluster, 'job', 'db', 8080)]).toEqual([
      true,
      false,
      false,
    ])
    expect(reach(cluster, end(cluster, 'job'), end(cluster, 'api'))).toMatchObject({ port: 8080 })
    expect(reach(cluster, end(cluster, 'job'), end(cluster, 'db'))).toBeUndefined()
  })
})

describe('DNS', () => {
  const egress = (rules: string) => clusterWith(policy('a', `{ podSelector: {}, policyTypes: [Egress], egress: [${rules}] }`))
  const resolver: End = {
    pod: {
      ...clusterWith().pods[0]!,
      namespace: 'kube-system',
      namespaceLabels: { 'kubernetes.io/metadata.name': 'kube-system' },
      labels: { 'k8s-app': 'kube-dns' },
    },
  }
  const resolves = (cluster: Cluster) => canReach(cluster, end(cluster, 'web'), resolver, { protocol: 'UDP', port: 53 })

  test('is not reached by pods isolated for egress, unless a rule says so', () => {
    expect(resolves(egress('{ to: [{ podSelector: {} }] }'))).toBe(false)
    expect(
      resolves(
        egress(
          '{ to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }], ports: [{ protocol: UDP, port: 53 }] }',
        ),
      ),
    ).toBe(true)
    expect(resolves(egress('{ to: [{ namespaceSelector: {} }], ports: [{ protocol: TCP, port: 53 }] }'))).toBe(false)
  })
})

describe('addresses', () => {
  const from = (cidr: string): End => ({ addresses: rangesOf(cidr) })
  const blocks = (block: string) => clusterWith(policy('a', `{ podSelector: {}, ingress: [{ from: [{ ipBlock: ${block} }] }] }`))
  const enters = (cluster: Cluster, cidr: string) => canReach(cluster, from(cidr), end(cluster, 'db'), { protocol: 'TCP', port: 80 })

  test('are allowed by a block less its exceptions', () => {
    const cluster = blocks('{ cidr: 172.17.0.0/16, except: [172.17.1.0/24] }')
    expect(['172.17.0.9/32', '172.17.1.9/32', '172.18.0.1/32'].map((cidr) => enters(cluster, cidr))).toEqual([true, false, false])
  })

  test('are not allowed by selectors', () =>
    expect(
      enters(clusterWith(policy('a', '{ podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] }')), '203.0.113.7/32'),
    ).toBe(false))

  test('of pods are in a block that holds all there are', () => {
    expect(can(blocks('{ cidr: 10.0.0.0/8 }'), 'job', 'db')).toBe(false)
    const known = `${base}${policy('a', '{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }] }')}
---
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: { name: c, region: r }
vpc: { cidr: 10.20.0.0/16 }`
    expect(can(clusterOf(parseDocuments(known, 'test.yaml')), 'job', 'db')).toBe(true)
    expect(can(clusterOf(parseDocuments(known.replace('10.0.0.0/8', '10.20.1.0/24'), 'test.yaml')), 'job', 'db')).toBe(false)
  })

  test('are computed, of either family', () => {
    expect(rangeOf('10.0.0.7/8')).toEqual({ family: 4, from: 10n << 24n, to: (11n << 24n) - 1n })
    expect(rangeOf('2001:db8::/32')).toMatchObject({ family: 6, from: 0x20010db8n << 96n })
    expect(['10.0.0.0/33', '10.0.0/8', 'web', '10.0.0.0/8/8', '::/129', '10.0.0.0/'].map(rangeOf)).toEqual(Array(6).fill(undefined))
    expect(without(rangesOf('10.0.0.0/30'), rangesOf('10.0.0.1/32'))).toHaveLength(2)
    expect(common(internet(), rangesOf('192.168.0.0/16'))).toEqual([])
    expect(within(rangeOf('10.1.0.0/16')!, rangeOf('10.0.0.0/8')!)).toBe(true)
    expect(within(rangeOf('::1/128')!, rangeOf('0.0.0.0/0')!)).toBe(false)
  })
})
