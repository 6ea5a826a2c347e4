import { check, type DeploymentDocument, section } from '../../../src/model/index.ts'
import { at, documents, judged, listOf, type Path, type Placed, recordOf, textsOf } from './documents.ts'
import { accountOf, type KubernetesObject, objectsOf, ofKind, type Workload, workloadsOf } from './kubernetes.ts'

type Documents = readonly DeploymentDocument[]

interface RoleRule extends Placed {
  readonly role: KubernetesObject
  readonly groups: string[]
  readonly resources: string[]
  readonly verbs: string[]
  readonly names: string[]
}

const rulesOf = (documents: Documents): RoleRule[] =>
  ofKind(objectsOf(documents), 'Role', 'ClusterRole').flatMap((role) =>
    listOf(role.value.rules).map((value, index) => {
      const rule = recordOf(value)
      return {
        role,
        document: role.document,
        path: [...role.path, 'rules', index] as Path,
        groups: textsOf(rule.apiGroups),
        resources: textsOf(rule.resources),
        verbs: textsOf(rule.verbs),
        names: textsOf(rule.resourceNames),
      }
    }),
  )

const bindingsOf = (documents: Documents): KubernetesObject[] => ofKind(objectsOf(documents), 'RoleBinding', 'ClusterRoleBinding')

const has = (own: readonly string[], ...asked: string[]): boolean => own.includes('*') || asked.some((each) => own.includes(each))

/** Whether a role is bound to the account, so that a token of it is of use. */
const isBound = (documents: Documents, { namespace }: Workload, account: string): boolean =>
  bindingsOf(documents).some((binding) =>
    listOf(binding.value.subjects)
      .map(recordOf)
      .some(
        (subject) =>
          subject.kind === 'ServiceAccount' && subject.name === account && (subject.namespace ?? binding.namespace) === namespace,
      ),
  )

const accountsOf = (documents: Documents): { namespace: string; name: string; automount: unknown }[] => [
  ...ofKind(objectsOf(documents), 'ServiceAccount').map(({ namespace, name, value }) => ({
    namespace,
    name,
    automount: value.automountServiceAccountToken,
  })),
  ...documents
    .filter(({ kind }) => kind === 'eksctl')
    .flatMap(({ value }) => [
      ...listOf(at(value, 'iam', 'serviceAccounts')).map((each) => recordOf(at(each, 'metadata'))),
      ...listOf(at(value, 'iam', 'podIdentityAssociations')).map((each) => ({
        name: at(each, 'serviceAccountName'),
        namespace: at(each, 'namespace'),
      })),
    ])
    .map(({ name, namespace }) => ({ name: String(name), namespace: String(namespace ?? 'default'), automount: undefined })),
]

const withAccount = (documents: Documents): (Workload & { account: string })[] =>
  workloadsOf(documents).map((workload) => ({
    ...workload,
    path: [...workload.podPath, 'serviceAccountName'],
    account: accountOf(workload),
  }))

const good = 'docs/concepts/security/rbac-good-practices/'
const noWorkload = 'no workload is described'
const noRole = 'no Role or ClusterRole is described'
const noBinding = 'no RoleBinding or ClusterRoleBinding is described'

export default section(
  { spec: 'kubernetes', page: good, revisions: 'all', of: 'manifests', threat: 'over-privilege', weakness: 'CWE-269' },
  [
    check('privileges/service-account', {
      spec: 'kube-linter',
      page: 'default-service-account',
      title: 'Workloads have a service account of their own',
      policy: 'run no workload as the default service account of its namespace',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withAccount(documents), { none: noWorkload, expected: 'serviceAccountName' }, ({ account }) =>
          account === 'default' ? 'runs as the default service account' : undefined,
        ),
      fix: 'Create a ServiceAccount for the workload and name it in serviceAccountName.',
    }),

    check('privileges/service-account-shared', {
      spec: 'policy',
      page: 'one-account-each',
      title: 'No two workloads share a service account',
      policy: 'give each workload a service account to itself, so that each has only its own permissions',
      needs: { documents },
      judge: ({ documents: { documents } }) => {
        const own = withAccount(documents).filter(({ account }) => account !== 'default')
        return judged(own, { none: 'no workload names a service account', expected: 'an account of its own' }, (workload) => {
          const others = own.filter(
            ({ account, namespace, name }) => account === workload.account && namespace === workload.namespace && name !== workload.name,
          )
          return others.length === 0 ? undefined : `shares ${workload.account} with ${others.map(({ name }) => name).join(', ')}`
        })
      },
      fix: 'Create one ServiceAccount for each workload.',
    }),

    check('privileges/service-account-exists', {
      spec: 'kube-linter',
      page: 'non-existent-service-account',
      title: 'Service accounts exist',
      policy: 'name only service accounts that are described, here or in the configuration of the cluster',
      needs: { documents },
      judge: ({ documents: { documents } }) => {
        const known = accountsOf(documents)
        const own = withAccount(documents).filter(({ account }) => account !== 'default')
        return judged(
          own,
          { none: 'no workload names a service account', expected: 'a ServiceAccount of that name' },
          ({ account, namespace }) =>
            known.some((each) => each.name === account && each.namespace === namespace)
              ? undefined
              : `no service account ${namespace}/${account}`,
        )
      },
      fix: 'Describe the ServiceAccount in the namespace of the workload.',
    }),

    check('privileges/service-account-token', {
      spec: 'checkov',
      page: 'CKV_K8S_38',
      title: 'Tokens for the API server are mounted where they are needed',
      policy: 'set automountServiceAccountToken to false where no role is bound to the account',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withAccount(documents), { none: noWorkload, expected: 'automountServiceAccountToken: false' }, (workload) => {
          const { account, namespace } = workload
          const ofAccount = accountsOf(documents).find((each) => each.name === account && each.namespace === namespace)?.automount
          if ((workload.pod.automountServiceAccountToken ?? ofAccount) === false) return undefined
          return isBound(documents, workload, account) ? undefined : `mounts a token of ${account}, to which no role is bound`
        }),
      fix: 'Set automountServiceAccountToken: false on the ServiceAccount or the pod.',
    }),

    check('privileges/cluster-admin', {
      spec: 'kube-linter',
      page: 'cluster-admin-role-binding',
      title: 'Nobody is bound to cluster-admin',
      policy: 'bind cluster-admin to no subject of the deployment',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(bindingsOf(documents), { none: noBinding, expected: 'a role with what is needed' }, ({ value }) =>
          at(value, 'roleRef', 'name') === 'cluster-admin' ? 'binds cluster-admin' : undefined,
        ),
      fix: 'Write a Role with the verbs and resources that are used.',
    }),

    check('privileges/broad-subject', {
      spec: 'trivy',
      page: 'checks/kubernetes/anonymous_user_bind.rego#KSV-0122',
      title: 'Roles are bound to somebody in particular',
      policy: 'bind no role to system:anonymous, system:unauthenticated, system:authenticated or all service accounts',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(bindingsOf(documents), { none: noBinding, expected: 'named subjects' }, ({ value }) => {
          const names = listOf(value.subjects).map((subject) => String(at(subject, 'name')))
          const broad = names.filter((name) =>
            /^system:(anonymous|unauthenticated|authenticated|serviceaccounts(:.*)?|masters)$/.test(name),
          )
          return broad.length === 0 ? undefined : `is bound to ${broad.join(', ')}`
        }),
      fix: 'Name the service account that needs the role.',
    }),

    check('privileges/role-wildcard', {
      spec: 'checkov',
      page: 'CKV_K8S_49',
      title: 'Roles name what they allow',
      policy: 'use no wildcard for verbs, resources or API groups',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(rulesOf(documents), { none: noRole, expected: 'names' }, ({ groups, resources, verbs }) => {
          const wild = Object.entries({ apiGroups: groups, resources, verbs }).filter(([, own]) => own.includes('*'))
          return wild.length === 0 ? undefined : `allows any of ${wild.map(([member]) => member).join(', ')}`
        }),
      fix: 'List the verbs and resources that are used.',
    }),

    check('privileges/role-secrets', {
      spec: 'kube-linter',
      page: 'access-to-secrets',
      title: 'No role reads all secrets',
      policy: 'allow get, list or watch of secrets only for secrets named in resourceNames',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(rulesOf(documents), { none: noRole, expected: 'resourceNames' }, ({ resources, verbs, names }) =>
          resources.includes('secrets') && has(verbs, 'get', 'list', 'watch') && (names.length === 0 || has(verbs, 'list', 'watch'))
            ? 'reads every secret of its scope'
            : undefined,
        ),
      fix: 'Name the secrets in resourceNames, with the verb get alone; or mount them.',
    }),

    check('privileges/role-workloads', {
      spec: 'kube-linter',
      page: 'access-to-create-pods',
      title: 'No role makes or enters pods',
      policy:
        'allow nobody to create pods or what makes them, nor exec or attach: who makes a pod has every secret and account of the namespace',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(rulesOf(documents), { none: noRole, expected: 'no create on workloads' }, ({ resources, verbs }) => {
          const makers = [
            'pods',
            'deployments',
            'statefulsets',
            'daemonsets',
            'replicasets',
            'jobs',
            'cronjobs',
            'pods/exec',
            'pods/attach',
          ]
          const made = makers.filter((resource) => resources.includes(resource))
          return made.length > 0 && has(verbs, 'create') ? `creates ${made.join(', ')}` : undefined
        }),
      fix: 'Leave making workloads to the pipeline, under an identity of its own.',
    }),

    check('privileges/role-escalation', {
      spec: 'checkov',
      page: 'CKV_K8S_158',
      title: 'No role gives itself more',
      policy: 'allow neither escalate, bind nor impersonate, nor writing roles and bindings',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(rulesOf(documents), { none: noRole, expected: 'no verb that widens permissions' }, ({ resources, verbs }) => {
          const verb = ['escalate', 'bind', 'impersonate'].find((each) => verbs.includes(each))
          if (verb !== undefined) return `allows ${verb}`
          const written = resources.filter((resource) => /^(cluster)?role(binding)?s$/.test(resource))
          return written.length > 0 && has(verbs, 'create', 'update', 'patch') ? `writes ${written.join(', ')}` : undefined
        }),
      fix: 'Remove the verbs; let permissions be changed by review.',
    }),
  ],
)
