import { coded } from '../messages/index.ts'
import type { LoadScript } from '../model/index.ts'
import type { LoadPlan } from './plan.ts'

/** Bytes a ConfigMap may hold; the API server refuses more. */
const mostBytes = 1_048_576
/** Bytes of disk a request takes, with room to spare. */
const bytesARequest = 100
/** The user of k6's own image. */
const user = 12_345
/** Where the operator mounts the script, and where what it writes is kept. */
const [scripts, results] = ['/test', '/results']

/** Traffic for virtual users on other machines. */
export interface Handover {
  /** Without anything that is secret or would not outlive this process. */
  readonly script: LoadScript
  /** Values of headers that were taken out, by the variable that is to hold each. */
  readonly secrets: Readonly<Record<string, string>>
}

/**
 * A script as it may be written down: headers that are secret come from the environment, and sessions are opened by the virtual
 * users, since nobody here keeps any open for them. They open theirs with their first requests, before anything is counted.
 * @param hidden values that must not be written down, wherever they stand
 */
export function handedOver(script: LoadScript, hidden: readonly string[]): Handover {
  const secrets: Record<string, string> = {}
  const isSecret = (name: string, value: string) =>
    /authorization|cookie|key|token|secret/i.test(name) || hidden.some((each) => each !== '' && value.includes(each))
  const flows = script.flows.map((flow) => {
    const taken = Object.entries(flow.headers).filter(([name, value]) => isSecret(name, value))
    const headersFrom = Object.fromEntries(
      taken.map(([name, value]) => {
        const variable = variableFor(name, value, secrets)
        secrets[variable] = value
        return [name, variable]
      }),
    )
    const headers = Object.fromEntries(Object.entries(flow.headers).filter(([name]) => !(name in headersFrom)))
    return { ...flow, headers, headersFrom, sessions: [] }
  })
  const opening = flows.some(({ era, arrivals }) => era === 'session' && arrivals === 'calls')
  const more = opening ? Math.max(...flows.map(({ users, rate }) => Math.ceil(users / rate) * 1_000)) : 0
  return {
    script: { ...script, warmUp: script.warmUp + more, flows: flows.map((flow) => ({ ...flow, lasts: flow.lasts + more })) },
    secrets,
  }
}

/** `ASSAY_HEADER_AUTHORIZATION`; flows of several identities have different ones. */
function variableFor(header: string, value: string, taken: Readonly<Record<string, string>>): string {
  const name = `ASSAY_HEADER_${header.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
  const names = Array.from({ length: Object.keys(taken).length + 1 }, (_, at) => (at === 0 ? name : `${name}_${at + 1}`))
  return names.find((each) => taken[each] === undefined || taken[each] === value)!
}

/** The name of everything that is written for a target. */
export const nameFor = (target: string): string =>
  `assay-${target
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)}`.replace(/-+$/, '')

/**
 * The manifests by which the k6-operator sends a plan: a ConfigMap with the scripts, a claim of a volume that outlives the pods, and
 * the TestRun. The Secret they refer to is not among them.
 * @param traffic the script of the virtual users, one file
 * @param variables of the environment that hold secret headers: they are keys of the Secret too
 * @throws E_LOAD_EMIT when the scripts do not fit into a ConfigMap
 */
export function operatorManifests(plan: LoadPlan, traffic: string, variables: readonly string[]): Record<string, unknown>[] {
  const name = nameFor(plan.facts.target)
  const data = { 'traffic.js': traffic, 'script.json': JSON.stringify(plan.script) }
  const bytes = Object.entries(data).reduce((sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text), 0)
  if (bytes > mostBytes)
    throw coded(
      'E_LOAD_EMIT',
      { target: plan.facts.target, problem: `the scripts have ${bytes} bytes, and a ConfigMap holds ${mostBytes}` },
      { try: 'give the echo tool smaller arguments, or fewer headers' },
    )
  const requests = plan.script.flows.reduce((sum, { rate, lasts }) => sum + (rate * lasts) / 1_000, 0)
  const labels = { 'app.kubernetes.io/name': 'assay', 'app.kubernetes.io/instance': name }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: `${name}-results`, labels },
      spec: {
        accessModes: ['ReadWriteMany'],
        resources: { requests: { storage: `${Math.ceil((requests * bytesARequest) / 2 ** 30)}Gi` } },
      },
    },
    {
      apiVersion: 'k6.io/v1alpha1',
      kind: 'TestRun',
      metadata: { name, labels },
      spec: {
        parallelism: plan.shards,
        // Two on one node measure each other.
        separate: plan.shards > 1,
        script: { configMap: { name, file: 'traffic.js' } },
        // A pod of its own would load the script once more, and hand the secrets to `k6 archive` on its command line.
        initializer: { disabled: true },
        // No segments: the operator gives each runner its own. The logs of pods are rotated; a file is not.
        arguments: `--no-usage-report --log-format raw --console-output ${results}/$(ASSAY_POD).samples`,
        runner: runner(name, plan, variables),
      },
    },
  ]
}

const runner = (name: string, plan: LoadPlan, variables: readonly string[]) => ({
  image: `grafana/k6:${plan.k6}`,
  automountServiceAccountToken: 'false',
  env: [
    { name: 'ASSAY_POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'ASSAY_PLAN', value: plan.id },
    { name: 'ASSAY_SCRIPT', value: `${scripts}/script.json` },
    { name: 'ASSAY_SUMMARY', value: `${results}/$(ASSAY_POD).summary.json` },
    ...variables.map((variable) => ({ name: variable, valueFrom: { secretKeyRef: { name: `${name}-headers`, key: variable } } })),
  ],
  // No limit of processor time: a runner that is held back measures that.
  resources: { requests: { cpu: '1', memory: '512Mi' }, limits: { memory: '2Gi' } },
  securityContext: {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  containerSecurityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  volumes: [{ name: 'results', persistentVolumeClaim: { claimName: `${name}-results` } }],
  volumeMounts: [{ name: 'results', mountPath: results }],
})
