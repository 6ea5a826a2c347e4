import { check, type DeploymentDocument, isObject, section } from '../../../src/model/index.ts'
import { at, documents, type Json, judged, listOf, type Path, type Placed, textsOf } from './documents.ts'
import { eksctlTypes } from './eksctl-keys.ts'

const clustersOf = (documents: readonly DeploymentDocument[]): (Placed & { value: Json })[] =>
  documents
    .filter(({ kind, value }) => kind === 'eksctl' && value.kind === 'ClusterConfig')
    .map((document) => ({ document, path: [], value: document.value }))

const nodeGroupsOf = (documents: readonly DeploymentDocument[]): (Placed & { value: Json })[] =>
  clustersOf(documents).flatMap(({ document, value }) =>
    ['managedNodeGroups', 'nodeGroups'].flatMap((member) =>
      listOf(value[member]).flatMap((group, index) => (isObject(group) ? [{ document, path: [member, index], value: group }] : [])),
    ),
  )

/** Members of a document that its schema does not have, with the nearest one that it has. */
function unknownIn({ document, path, value }: Placed & { value: Json }, type: string): (Placed & { key: string; near?: string })[] {
  const members = eksctlTypes.get(type)
  if (members === undefined) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here: Path = [...path, key]
    if (!members.has(key)) return [{ document, path: here, key, near: nearest(key, [...members.keys()]) }]
    const own = members.get(key)
    if (own === undefined) return []
    const each = Array.isArray(inner) ? inner.map((item, index) => ({ item, at: [...here, index] })) : [{ item: inner, at: here }]
    return each.flatMap(({ item, at }) => (isObject(item) ? unknownIn({ document, path: at, value: item }, own) : []))
  })
}

/** A name that begins alike, in whatever case. */
const nearest = (key: string, known: readonly string[]): string | undefined =>
  known.find((name) => name.toLowerCase().startsWith(key.toLowerCase()) || key.toLowerCase().startsWith(name.toLowerCase()))

const none = 'no eksctl ClusterConfig is described'
const noGroup = 'no node group is described'
const open = (cidr: string): boolean => /\/0$/.test(cidr)

export default section(
  { spec: 'eksctl', page: 'pkg/apis/eksctl.io/v1alpha5/assets/schema.json', revisions: 'all', of: 'manifests', threat: 'over-privilege' },
  [
    check('privileges/eksctl-key', {
      weakness: 'CWE-1188',
      title: 'The cluster configuration has only keys that eksctl knows',
      must: 'have no key that the schema of eksctl lacks; the file is refused as a whole, and with it every protection it describes',
      needs: { documents },
      judge: ({ documents: { documents } }) => {
        const clusters = clustersOf(documents)
        const unknown = clusters.flatMap((cluster) => unknownIn(cluster, 'ClusterConfig'))
        return judged<Placed & { key?: string; near?: string }>(
          unknown.length > 0 ? unknown : clusters,
          { none, expected: 'keys of the published schema' },
          ({ key, near }) => (key === undefined ? undefined : `unknown key "${key}"${near === undefined ? '' : `; eksctl has "${near}"`}`),
        )
      },
      fix: 'Correct the key after the schema: eksctl utils schema.',
    }),

    check('privileges/eksctl-oidc', {
      weakness: 'CWE-250',
      spec: 'aws',
      page: 'eks/latest/eksctl/iamserviceaccounts.html',
      title: 'Service accounts with roles have an identity provider',
      must: 'set iam.withOIDC to true where iam.serviceAccounts are described',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          clustersOf(documents).filter(({ value }) => listOf(at(value, 'iam', 'serviceAccounts')).length > 0),
          { none: 'no service accounts are described for eksctl', expected: 'iam.withOIDC: true' },
          ({ value }) => (at(value, 'iam', 'withOIDC') === true ? undefined : 'describes iam.serviceAccounts without iam.withOIDC'),
        ),
      fix: 'Set iam.withOIDC: true, or use podIdentityAssociations.',
    }),

    check('privileges/cluster-endpoint', {
      threat: 'open-network',
      weakness: 'CWE-923',
      spec: 'checkov',
      page: 'CKV_AWS_38',
      title: 'The API server is not open to the internet',
      policy: 'give the API server a private endpoint, or name the blocks that may reach its public one',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(clustersOf(documents), { none, expected: 'publicAccess: false, or publicAccessCIDRs' }, ({ value }) => {
          if (at(value, 'privateCluster', 'enabled') === true || at(value, 'vpc', 'clusterEndpoints', 'publicAccess') === false)
            return undefined
          const blocks = textsOf(at(value, 'vpc', 'publicAccessCIDRs'))
          return blocks.length === 0 || blocks.some(open) ? 'lets any address reach the API server' : undefined
        }),
      fix: 'Set vpc.clusterEndpoints to privateAccess: true and publicAccess: false.',
    }),

    check('privileges/secrets-encryption', {
      threat: 'token-theft',
      weakness: 'CWE-311',
      spec: 'checkov',
      page: 'CKV_AWS_58',
      title: 'Secrets of the cluster are encrypted with an own key',
      policy: 'encrypt the secrets of the cluster with a key of the account',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(clustersOf(documents), { none, expected: 'secretsEncryption.keyARN' }, ({ value }) =>
          typeof at(value, 'secretsEncryption', 'keyARN') === 'string' ? undefined : 'names no key for its secrets',
        ),
      fix: 'Set secretsEncryption.keyARN.',
    }),

    check('privileges/cluster-logging', {
      threat: 'unaccounted-action',
      weakness: 'CWE-778',
      spec: 'checkov',
      page: 'CKV_AWS_37',
      title: 'The control plane is logged',
      policy: 'log the api, audit and authenticator of the control plane at least',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(clustersOf(documents), { none, expected: 'api, audit and authenticator' }, ({ value }) => {
          const types = textsOf(at(value, 'cloudWatch', 'clusterLogging', 'enableTypes'))
          const missing = ['api', 'audit', 'authenticator'].filter((type) => !types.some((own) => [type, '*', 'all'].includes(own)))
          return missing.length === 0 ? undefined : `does not log ${missing.join(', ')}`
        }),
      fix: 'Set cloudWatch.clusterLogging.enableTypes: ["*"].',
    }),

    check('privileges/node-network', {
      threat: 'open-network',
      weakness: 'CWE-923',
      spec: 'policy',
      page: 'private-nodes',
      title: 'Nodes are in private subnets',
      policy: 'keep nodes on private subnets, without addresses of the internet',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(nodeGroupsOf(documents), { none: noGroup, expected: 'privateNetworking: true' }, ({ document, value }) =>
          value.privateNetworking === true || at(document.value, 'privateCluster', 'enabled') === true
            ? undefined
            : 'has nodes on public subnets',
        ),
      fix: 'Set privateNetworking: true on the node group.',
    }),

    check('privileges/node-metadata', {
      weakness: 'CWE-250',
      spec: 'aws',
      page: 'eks/latest/eksctl/security.html',
      title: 'Pods do not get the credentials of their node',
      policy: 'keep pods from the metadata service of their node',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(nodeGroupsOf(documents), { none: noGroup, expected: 'disablePodIMDS: true' }, ({ value }) =>
          value.disablePodIMDS === true ? undefined : 'lets pods ask the metadata service',
        ),
      fix: 'Set disablePodIMDS: true, and give pods roles of their own.',
    }),

    check('privileges/node-access', {
      threat: 'open-network',
      weakness: 'CWE-923',
      spec: 'checkov',
      page: 'CKV_AWS_100',
      title: 'Nodes are not open to SSH',
      policy: 'allow SSH to nodes from named security groups at most',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(nodeGroupsOf(documents), { none: noGroup, expected: 'ssh.allow: false' }, ({ value }) =>
          at(value, 'ssh', 'allow') === true && textsOf(at(value, 'ssh', 'sourceSecurityGroupIds')).length === 0
            ? 'lets any address use SSH'
            : undefined,
        ),
      fix: 'Remove ssh.allow, and use Session Manager (ssh.enableSsm).',
    }),
  ],
)
