import { check, type DeploymentDocument, isObject, isRedacted, section } from '../../../src/model/index.ts'
import { documents, judged, listOf, type Path, type Placed, recordOf } from './documents.ts'
import { allContainers, objectsOf, ofKind } from './kubernetes.ts'

interface Member extends Placed {
  readonly name: string
  readonly value: unknown
}

function leavesOf(document: DeploymentDocument, value: unknown, path: Path = []): Member[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(document, item, [...path, index]))
  if (isObject(value)) return Object.entries(value).flatMap(([name, inner]) => leavesOf(document, inner, [...path, name]))
  return [{ document, path, name: String(path.at(-1) ?? ''), value }]
}

const dataOf = (documents: readonly DeploymentDocument[], kind: string): Member[] =>
  ofKind(objectsOf(documents), kind).flatMap(({ document, path, value }) =>
    ['data', 'stringData'].flatMap((member) =>
      Object.entries(recordOf(value[member])).map(([name, each]) => ({ document, path: [...path, member, name], name, value: each })),
    ),
  )

const envOf = (documents: readonly DeploymentDocument[]): (Member & { from: unknown })[] =>
  allContainers(documents).flatMap(({ document, path, container }) =>
    listOf(container.env)
      .map(recordOf)
      .map(({ name, value, valueFrom }, index) => ({
        document,
        path: [...path, 'env', index] as Path,
        name: String(name),
        value,
        from: valueFrom,
      })),
  )

const written = ({ name, value }: Member): string | undefined => (isRedacted(value) ? `${name} is written out` : undefined)

const good = 'docs/concepts/security/secrets-good-practices/'

export default section({ spec: 'kubernetes', page: good, revisions: 'all', of: 'manifests', threat: 'token-theft', weakness: 'CWE-798' }, [
  check('privileges/secret-manifest', {
    title: 'Secrets are not kept in manifests',
    should: 'keep the values of secrets out of the files of the deployment: base64 is no encryption',
    needs: { documents },
    judge: ({ documents: { documents } }) =>
      judged(
        dataOf(documents, 'Secret'),
        { none: 'no Secret with data is described', expected: 'an external or an encrypted secret' },
        written,
      ),
    fix: 'Fetch the secret from a store (an ExternalSecret, the CSI driver), and replace the value: it is known now.',
  }),

  check('privileges/secret-environment', {
    title: 'No container has a credential written out in its environment',
    should: 'give credentials to containers by reference, never as a literal value',
    needs: { documents },
    judge: ({ documents: { documents } }) =>
      judged(envOf(documents), { none: 'no container has an environment', expected: 'valueFrom, or a mounted file' }, written),
    fix: 'Refer to the secret, and replace the value: it is known now.',
  }),

  check('privileges/secret-variable', {
    weakness: 'CWE-526',
    spec: 'checkov',
    page: 'CKV_K8S_35',
    title: 'Secrets are files, not variables',
    policy: 'mount secrets as files: variables are inherited, logged and shown by a describe',
    needs: { documents },
    judge: ({ documents: { documents } }) =>
      judged(envOf(documents), { none: 'no container has an environment', expected: 'a mounted volume' }, ({ name, from }) =>
        isObject(recordOf(from).secretKeyRef) ? `${name} is read from a secret` : undefined,
      ),
    fix: 'Mount the secret as a volume, and read the file.',
  }),

  check('privileges/config-map-secret', {
    spec: 'trivy',
    page: 'checks/kubernetes/configMap_with_secrets.rego#KSV-0109',
    title: 'ConfigMaps have no credentials',
    policy: 'keep credentials out of ConfigMaps, which are neither encrypted nor guarded as secrets are',
    needs: { documents },
    judge: ({ documents: { documents } }) =>
      judged(dataOf(documents, 'ConfigMap'), { none: 'no ConfigMap with data is described', expected: 'no credential' }, written),
    fix: 'Move the value to a secret store, and replace it: it is known now.',
  }),

  check('privileges/credential-literal', {
    spec: 'policy',
    page: 'no-literal-credentials',
    title: 'No other document has a credential written out',
    policy: 'keep credentials out of the configuration of gateway and cluster',
    needs: { documents },
    judge: ({ documents: { documents } }) => {
      const others = documents.filter(
        ({ kind, value }) => kind !== 'other' && !(kind === 'kubernetes' && ['Secret', 'ConfigMap'].includes(String(value.kind))),
      )
      const members = others.flatMap((document) => leavesOf(document, document.value)).filter(({ path }) => !path.includes('env'))
      return judged(members, { none: 'nothing is described', expected: 'a reference to a secret' }, written)
    },
    fix: 'Refer to a secret store, and replace the value: it is known now.',
  }),
])
