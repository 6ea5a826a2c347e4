import { nameOfPods, type PodGroup } from './reachability.ts'

/** The tiers of a deployment in which agents reach servers through one gateway. */
export type Tier = 'agents' | 'gateway' | 'servers'

const labelled = (pod: PodGroup, name: string): string | undefined =>
  [pod.labels, pod.namespaceLabels]
    .flatMap((labels) => Object.entries(labels))
    .find(([key]) => key === name || key.endsWith(`/${name}`))?.[1]

/** The tenant pods belong to: a label `tenant`, or one that ends in `/tenant`, of the pods or their namespace. */
export const tenantOf = (pod: PodGroup): string | undefined => labelled(pod, 'tenant')

const words: readonly [Tier, RegExp][] = [
  ['servers', /(^|[^a-z])(mcp-?)?servers?([^a-z]|$)/],
  ['gateway', /(^|[^a-z])gateway([^a-z]|$)/],
  ['agents', /(^|[^a-z])(ai-?)?agents?([^a-z]|$)/],
]

// Agents of monitoring are no agents in this sense.
const other = /(datadog|cloudwatch|otel|fluent-?bit|node|monitoring|security)-agent/

/** The tier of pods: what a label `tier` says, or else what their names and labels speak of. */
export function tierOf(pod: PodGroup): Tier | undefined {
  const text = (
    labelled(pod, 'tier') ??
    [nameOfPods(pod), ...Object.values(pod.labels), ...Object.values(pod.namespaceLabels)].join(' ').replace(other, '')
  ).toLowerCase()
  return words.find(([, word]) => word.test(text))?.[0]
}
