import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readDocuments } from '../../../src/engine/documents.ts'
import type { UnitFacts } from '../../../src/model/index.ts'
import sections from './index.ts'

const root = fileURLToPath(new URL('../../../tests/data/architecture/', import.meta.url))

/** What a first sketch of such a deployment gets wrong: a cluster, a policy for its agents, a gateway before its servers. */
const wrong: Record<string, string> = {
  'privileges/eksctl-key': 'cluster.yaml:7 ClusterConfig agents autoMode: unknown key "autoMode"; eksctl has "autoModeConfig"',
  'privileges/managed-policy':
    'cluster.yaml:25 ClusterConfig agents iam.serviceAccounts[0].attachPolicyARNs[0]: attaches AmazonBedrockFullAccess (and 1 more)',
  'privileges/dns-egress': 'isolation.yaml:1 NetworkPolicy production/agents: production/app=ai-agent may reach others, but no DNS',
  'privileges/gateway-bypass':
    'isolation.yaml:1 NetworkPolicy production/agents: production/app=ai-agent reaches name=mcp-servers/any pod on TCP 443',
  'privileges/policy-peer':
    'isolation.yaml:12 NetworkPolicy production/agents spec.ingress[0].from[0]: selects nothing that is described (and 1 more)',
  'privileges/default-deny':
    'isolation.yaml:1 NetworkPolicy production/agents: namespace production has no policy that selects all pods for ingress and egress',
  'privileges/server-scope-form':
    'gateway.yaml:3 gateway-config document 0 gateway_config.mcp_servers[0]: asks for read:database, write:database, which no resource server has (and 1 more)',
  'privileges/cluster-endpoint': 'cluster.yaml:1 ClusterConfig agents: lets any address reach the API server',
  'privileges/secrets-encryption': 'cluster.yaml:1 ClusterConfig agents: names no key for its secrets',
  'privileges/cluster-logging': 'cluster.yaml:1 ClusterConfig agents: does not log api, audit, authenticator',
  'privileges/node-network': 'cluster.yaml:10 ClusterConfig agents managedNodeGroups[0]: has nodes on public subnets (and 1 more)',
  'privileges/node-metadata': 'cluster.yaml:10 ClusterConfig agents managedNodeGroups[0]: lets pods ask the metadata service (and 1 more)',
}

test('a first sketch of a deployment is flagged for what is wrong in it, and for nothing else', async () => {
  const documents = await readDocuments(['*.yaml'], root)
  const found = sections
    .flat()
    .map((check) => ({ id: check.id, ...check.judge({ documents: { documents } } as never, {} as UnitFacts) }))
    .filter(({ kind }) => kind === 'broken')
  expect(Object.fromEntries(found.map(({ id, reason }) => [id, reason]))).toEqual(wrong)
})
