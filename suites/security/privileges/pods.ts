import { check, type DeploymentDocument, isObject, section } from '../../../src/model/index.ts'
import { at, documents, judged, listOf, recordOf, textsOf } from './documents.ts'
import { allContainers, type Container, objectsOf, ofKind, workloadsOf } from './kubernetes.ts'

type Evidence = { documents: { documents: DeploymentDocument[] } }

const noContainer = 'no container is described'
const noWorkload = 'no workload is described'

const inContainers =
  (expected: string, fault: (container: Container) => string | undefined) =>
  ({ documents: { documents } }: Evidence) =>
    judged(allContainers(documents), { none: noContainer, expected }, fault)

/** What a container says of its security, or its pod for it. */
const security = ({ container, workload }: Container, member: string): unknown =>
  at(container, 'securityContext', member) ?? at(workload.pod, 'securityContext', member)

const standards = 'docs/concepts/security/pod-security-standards/'

export default section(
  { spec: 'kubernetes', page: `${standards}#restricted`, revisions: 'all', of: 'manifests', threat: 'over-privilege', weakness: 'CWE-250' },
  [
    check('privileges/privileged-container', {
      spec: 'checkov',
      page: 'CKV_K8S_16',
      title: 'No container is privileged',
      policy: 'run no privileged container: it is root on its node, and so in every tenant there',
      needs: { documents },
      judge: inContainers('privileged: false', ({ container }) =>
        at(container, 'securityContext', 'privileged') === true ? 'is privileged' : undefined,
      ),
      fix: 'Remove privileged, and add the one capability that is needed.',
    }),

    check('privileges/privilege-escalation', {
      spec: 'checkov',
      page: 'CKV_K8S_20',
      title: 'No process gains privileges',
      policy: 'set allowPrivilegeEscalation to false in every container; it is true unless said otherwise',
      needs: { documents },
      judge: inContainers('allowPrivilegeEscalation: false', ({ container }) =>
        at(container, 'securityContext', 'allowPrivilegeEscalation') === false ? undefined : 'may gain privileges',
      ),
      fix: 'Set securityContext.allowPrivilegeEscalation: false.',
    }),

    check('privileges/root-container', {
      spec: 'kube-linter',
      page: 'run-as-non-root',
      title: 'Containers do not run as root',
      policy: 'set runAsNonRoot for every container, and no user 0',
      needs: { documents },
      judge: inContainers('runAsNonRoot: true', (container) =>
        security(container, 'runAsUser') === 0
          ? 'runs as user 0'
          : security(container, 'runAsNonRoot') === true
            ? undefined
            : 'may run as root',
      ),
      fix: 'Set securityContext.runAsNonRoot: true on the pod.',
    }),

    check('privileges/container-capabilities', {
      spec: 'checkov',
      page: 'CKV_K8S_37',
      title: 'Containers drop their capabilities',
      policy: 'drop ALL capabilities, and add NET_BIND_SERVICE at most',
      needs: { documents },
      judge: inContainers('drop: [ALL]', ({ container }) => {
        const { add, drop } = recordOf(at(container, 'securityContext', 'capabilities'))
        const added = textsOf(add).filter((capability) => capability !== 'NET_BIND_SERVICE')
        if (added.length > 0) return `adds ${added.join(', ')}`
        return textsOf(drop).includes('ALL') ? undefined : 'keeps the capabilities of the runtime'
      }),
      fix: 'Set securityContext.capabilities.drop: [ALL].',
    }),

    check('privileges/seccomp-profile', {
      spec: 'checkov',
      page: 'CKV_K8S_31',
      title: 'System calls are filtered',
      policy: 'set a seccomp profile, RuntimeDefault or one of its own, for every container',
      needs: { documents },
      judge: inContainers('seccompProfile.type: RuntimeDefault', (container) => {
        const type = recordOf(security(container, 'seccompProfile')).type
        return type === 'RuntimeDefault' || type === 'Localhost' ? undefined : 'is not filtered'
      }),
      fix: 'Set securityContext.seccompProfile.type: RuntimeDefault on the pod.',
    }),

    check('privileges/writable-root', {
      spec: 'checkov',
      page: 'CKV_K8S_22',
      title: 'The root file system is read-only',
      policy: 'mount the root file system of containers read-only, so that nothing can be planted in it',
      needs: { documents },
      judge: inContainers('readOnlyRootFilesystem: true', ({ container }) =>
        at(container, 'securityContext', 'readOnlyRootFilesystem') === true ? undefined : 'has a writable root file system',
      ),
      fix: 'Set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where it must write.',
    }),

    check('privileges/resource-limits', {
      threat: 'exhaustion',
      weakness: 'CWE-770',
      spec: 'checkov',
      page: 'CKV_K8S_13',
      title: 'Memory is limited',
      policy: 'limit the memory of every container: one tenant could otherwise starve the others',
      needs: { documents },
      judge: inContainers('resources.limits.memory', ({ container }) =>
        at(container, 'resources', 'limits', 'memory') === undefined ? 'has no limit on memory' : undefined,
      ),
      fix: 'Set resources.limits.memory.',
    }),

    check('privileges/image-tag', {
      weakness: 'CWE-494',
      spec: 'checkov',
      page: 'CKV_K8S_14',
      title: 'Images are pinned',
      policy: 'name images by digest, or by a tag other than latest',
      needs: { documents },
      judge: inContainers('a digest or a version', ({ container }) => {
        const image = String(container.image ?? '')
        if (image.includes('@sha256:')) return undefined
        const tag = /:([^/:]+)$/.exec(image)?.[1]
        return tag === undefined || tag === 'latest' ? `"${image}" is whatever was pushed last` : undefined
      }),
      fix: 'Pin the image: name@sha256:….',
    }),

    check('privileges/host-namespaces', {
      page: `${standards}#baseline`,
      title: 'Pods do not share namespaces with their node',
      policy: 'leave hostNetwork, hostPID and hostIPC unset',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(workloadsOf(documents), { none: noWorkload, expected: 'namespaces of its own' }, ({ pod }) => {
          const shared = ['hostNetwork', 'hostPID', 'hostIPC'].filter((member) => pod[member] === true)
          return shared.length === 0 ? undefined : `sets ${shared.join(', ')}`
        }),
      fix: 'Remove hostNetwork, hostPID and hostIPC.',
    }),

    check('privileges/host-path', {
      page: `${standards}#baseline`,
      title: 'Pods mount nothing of their node',
      policy: 'mount no hostPath volume',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(workloadsOf(documents), { none: noWorkload, expected: 'no hostPath' }, ({ pod }) => {
          const paths = listOf(pod.volumes).flatMap((volume) => (isObject(at(volume, 'hostPath')) ? [at(volume, 'hostPath', 'path')] : []))
          return paths.length === 0 ? undefined : `mounts ${paths.join(', ')} of its node`
        }),
      fix: 'Use an emptyDir, a projected volume or a persistent one.',
    }),

    check('privileges/pod-security', {
      page: 'docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces',
      title: 'Namespaces enforce a pod security standard',
      policy: 'label namespaces so that pods below the baseline or restricted standard are refused',
      needs: { documents },
      judge: ({ documents: { documents } }) => {
        const own = ofKind(objectsOf(documents), 'Namespace')
        return judged(
          own,
          { none: 'no Namespace is described', expected: 'pod-security.kubernetes.io/enforce: restricted' },
          ({ labels }) => {
            const level = labels['pod-security.kubernetes.io/enforce']
            return level === 'restricted' || level === 'baseline' ? undefined : `enforces ${level ?? 'nothing'}`
          },
        )
      },
      fix: 'Label the namespace pod-security.kubernetes.io/enforce: restricted.',
    }),

    check('privileges/default-namespace', {
      spec: 'checkov',
      page: 'CKV_K8S_21',
      title: 'Nothing runs in the default namespace',
      policy: 'give every workload a namespace of its tenant or tier: policies and roles hold by namespace',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(workloadsOf(documents), { none: noWorkload, expected: 'metadata.namespace' }, ({ namespace }) =>
          namespace === 'default' ? 'is in the default namespace' : undefined,
        ),
      fix: 'Set metadata.namespace.',
    }),
  ],
)
