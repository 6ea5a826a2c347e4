import { filesOf, parseDocuments, textOf } from '../engine/documents.ts'
import { AssayError, nearest, orList } from '../messages/index.ts'
import type { Objective } from '../model/index.ts'
import { Member } from './members.ts'
import { type DeclaredObjective, duration, durationOf, type Queries } from './objectives.ts'

/**
 * Objectives in OpenSLO v1, by its specification: https://github.com/OpenSLO/OpenSLO#specification. Read are SLOs of a ratio of
 * requests, with the SLIs and data sources they refer to; the other kinds are passed over.
 */
const kindsRead = ['SLO', 'SLI', 'DataSource'] as const
const kinds = [...kindsRead, 'Service', 'AlertPolicy', 'AlertCondition', 'AlertNotificationTarget'] as const

/** By kind and name: `SLI answered-calls`. */
type Documents = Map<string, Member>

interface Surroundings {
  directory: string
  /** The targets there are. */
  targets: readonly string[]
  /** Names of objectives that are given elsewhere. */
  taken: readonly string[]
}

/** The objectives in the files the patterns name; what is wrong with one leaves the others as they are. */
export async function readOpenSlo(
  patterns: readonly string[],
  { directory, targets, taken }: Surroundings,
): Promise<{ objectives: DeclaredObjective[]; problems: AssayError[] }> {
  const problems: AssayError[] = []
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AssayError)) throw error
      problems.push(error)
      return undefined
    }
  }
  const files = new Set<string>()
  for (const pattern of patterns) for (const file of (await attempt(() => filesOf([pattern], directory))) ?? []) files.add(file)
  const documents: Documents = new Map()
  for (const file of files) {
    const parsed = await attempt(async () => parseDocuments(await textOf(file, directory), file))
    for (const document of parsed ?? []) await attempt(() => keep(Member.top(document), documents))
  }
  const objectives: DeclaredObjective[] = []
  const names = new Set(taken)
  for (const slo of ofKind('SLO', documents).values()) {
    const shares = await attempt(() => sharesOf(slo, documents, targets))
    for (const share of shares ?? []) {
      const objective = await attempt(share)
      if (objective === undefined) continue
      if (names.has(objective.name)) problems.push(slo.at('metadata').at('name').wrong('a name that no other objective has'))
      else objectives.push(objective)
      names.add(objective.name)
    }
  }
  return { objectives, problems }
}

function keep(document: Member, documents: Documents): void {
  document.at('apiVersion').oneOf(['openslo/v1'])
  const kind = document.at('kind').oneOf(kinds)
  if (!kindsRead.some((read) => read === kind)) return
  const name = document.at('metadata').at('name')
  const key = `${kind} ${name.text('a name')}`
  if (documents.has(key)) throw name.wrong(`a name that no other ${kind} has`)
  documents.set(key, document)
}

const ofKind = (kind: (typeof kindsRead)[number], documents: Documents): Map<string, Member> =>
  new Map([...documents].filter(([key]) => key.startsWith(`${kind} `)).map(([key, document]) => [key.slice(kind.length + 1), document]))

const specMembers = ['description', 'service', 'indicator', 'indicatorRef', 'timeWindow', 'budgetingMethod', 'objectives', 'alertPolicies']
const objectiveMembers = [
  'displayName',
  'op',
  'value',
  'target',
  'targetPercent',
  'timeSliceTarget',
  'timeSliceWindow',
  'indicator',
  'indicatorRef',
  'compositeWeight',
]
const occurrences =
  'Occurrences: Assay counts requests, and a run is too short to be cut into slices; a time-sliced SLO belongs in a file of its own'

/** Each objective of an SLO, to be read by itself. */
function sharesOf(slo: Member, documents: Documents, targets: readonly string[]): (() => DeclaredObjective)[] {
  const spec = slo.only(['apiVersion', 'kind', 'metadata', 'spec']).at('spec').only(specMembers)
  spec.at('budgetingMethod').oneOf(['Occurrences'], occurrences)
  const indicator = indicatorOf(spec, documents)
  const common = {
    service: spec.at('service').text('the name of a service'),
    window: windowOf(spec),
    ...measuresOf(slo, indicator, documents, targets),
  }
  const name = String(slo.at('metadata').at('name').value)
  const objectives = spec.at('objectives').items('a list of objectives')
  return objectives.map((objective, index) => () => {
    objective.only(objectiveMembers)
    for (const member of ['indicator', 'indicatorRef'])
      if (objective.has(member)) throw objective.at(member).wrong('an SLO for each indicator: Assay reads no composite ones')
    const called = objective.has('displayName') ? objective.at('displayName').text('a text') : index + 1
    return { name: objectives.length === 1 ? name : `${name} ${called}`, target: targetOf(objective), ...common, from: slo.place }
  })
}

function indicatorOf(spec: Member, documents: Documents): Member {
  if (spec.has('indicator') === spec.has('indicatorRef')) throw spec.wrong('one of indicator and indicatorRef')
  if (spec.has('indicator')) return spec.at('indicator').only(['metadata', 'spec'])
  const ref = spec.at('indicatorRef')
  const found = documents.get(`SLI ${ref.text('the name of an SLI')}`)
  if (found) return found
  const meant = orList(nearest(String(ref.value), [...ofKind('SLI', documents).keys()]))
  throw ref.wrong(`the name of an SLI in these files${meant ? `, such as ${meant}` : ''}`)
}

function targetOf(objective: Member): number {
  if (objective.has('target') === objective.has('targetPercent')) throw objective.wrong('one of target and targetPercent')
  const [member, whole] = objective.has('target') ? [objective.at('target'), 1] : [objective.at('targetPercent'), 100]
  const { value } = member
  if (typeof value !== 'number' || !(value > 0 && value < whole)) throw member.wrong(`a number above 0 and below ${whole}`)
  // 99.9 % is 0.999, and not the nearest thing to it that a division gives.
  return Number((value / whole).toPrecision(12))
}

const days = { m: 1 / 1_440, h: 1 / 24, d: 1, w: 7, M: 30, Q: 90, Y: 365 } as const

function windowOf(spec: Member): DeclaredObjective['window'] {
  if (!spec.has('timeWindow')) return { days: 30 }
  const [window, more] = spec.at('timeWindow').items('a list of one time window')
  if (more) throw more.wrong('one time window, and no other')
  const text = window!
    .only(['duration', 'isRolling', 'calendar'])
    .at('duration')
    .text('a duration such as 4w or 30d', /^[1-9]\d*[mhdwMQY]$/)
  const calendar = window!.has('calendar') || window!.at('isRolling').value !== true
  return { days: Number.parseInt(text, 10) * days[text.at(-1) as keyof typeof days], ...(calendar && { calendar }) }
}

const annotations = ['assay/sli', 'assay/method', 'assay/within', 'assay/targets']

/** What Assay measures for an SLO, what Prometheus counts, and which targets it is about. */
function measuresOf(
  slo: Member,
  indicator: Member,
  documents: Documents,
  targets: readonly string[],
): Pick<DeclaredObjective, 'measures' | 'queries' | 'targets'> {
  const said = annotationsOf(slo, indicator)
  const { numerator, total, part, type, typeAt } = ratioOf(indicator, documents)
  const about = targetsOf(said.get('targets'), targets)
  const annotated = ['sli', 'method', 'within'].map((name) => said.get(name)).find((member) => member !== undefined)
  if (type === 'Assay') {
    if (part === 'bad') throw numerator.wrong('good in place of bad: Assay counts good requests')
    if (annotated) throw annotated.wrong('no such annotation: the metricSource says what Assay measures')
    const spec = numerator.only(['sli', 'method', 'within'])
    const measures = measureOf(spec.at('sli'), spec.at('method'), spec.at('within'))
    total.only(['method']).at('method').oneOf([measures.method], `${measures.method}, the method that good is about`)
    return { targets: about, measures }
  }
  const place = indicator.at('metadata').at('annotations')
  const member = (name: string) => said.get(name) ?? place.at(`assay/${name}`)
  const measures = annotated && measureOf(member('sli'), member('method'), member('within'))
  if (type !== 'Prometheus') {
    if (!measures) throw typeAt.wrong('Assay or Prometheus, or annotations assay/sli and assay/method')
    return { targets: about, measures }
  }
  const query = (source: Member) => source.at('query').text('PromQL')
  const queries = { [part]: query(numerator), total: query(total) } as Queries
  return { targets: about, queries, ...(measures && { measures }) }
}

/** Those of Assay; the SLO's go before those of its indicator. */
function annotationsOf(...documents: Member[]): Map<string, Member> {
  const found = new Map<string, Member>()
  for (const document of documents.toReversed()) {
    const all = document.at('metadata').at('annotations')
    for (const name of Object.keys(all.value ?? {}).filter((name) => name.startsWith('assay/'))) {
      if (!annotations.includes(name)) throw all.at(name).wrong(`one of ${annotations.join(', ')} in place of "${name}"`)
      found.set(name.slice('assay/'.length), all.at(name))
    }
  }
  return found
}

function targetsOf(said: Member | undefined, targets: readonly string[]): readonly string[] {
  if (said === undefined) return targets
  const named = said
    .text('names of targets, with commas between them')
    .split(',')
    .map((name) => name.trim())
  for (const name of named) if (!targets.includes(name)) throw said.wrong(`targets of the configuration: ${targets.join(', ')}`)
  return named
}

function measureOf(sli: Member, method: Member, within: Member): Pick<Objective, 'sli' | 'method' | 'within'> {
  const what = { sli: sli.oneOf(['availability', 'latency']), method: method.text('a method of MCP, such as tools/call') }
  const { value } = within
  if (what.sli === 'availability') {
    if (value !== undefined) throw within.wrong('no time for availability; a time goes with latency')
    return what
  }
  const fits = typeof value === 'number' ? value > 0 : typeof value === 'string' && duration.test(value)
  if (!fits) throw within.wrong('milliseconds, or a time such as 400ms or 2s')
  return { ...what, within: durationOf(value as number | string) }
}

/** The two sources of a ratio, and what type they are of. */
function ratioOf(indicator: Member, documents: Documents) {
  const spec = indicator.at('spec').only(['description', 'thresholdMetric', 'ratioMetric'])
  if (!spec.has('ratioMetric')) throw spec.wrong('ratioMetric: Assay reads shares of requests')
  const ratio = spec.at('ratioMetric').only(['counter', 'good', 'bad', 'total', 'raw', 'rawType'])
  if (ratio.has('raw')) throw ratio.at('raw').wrong('good or bad, and total: a ratio that is computed elsewhere cannot be taken apart')
  if (ratio.has('good') === ratio.has('bad')) throw ratio.wrong('one of good and bad')
  const part = ratio.has('good') ? 'good' : 'bad'
  const sources = [part, 'total'].map((name) => {
    const source = ratio.at(name).only(['metricSource']).at('metricSource').only(['metricSourceRef', 'type', 'spec'])
    const referred = documents.get(`DataSource ${source.at('metricSourceRef').value}`)
    const typeAt = source.has('type') || !referred ? source.at('type') : referred.at('spec').at('type')
    return {
      typeAt,
      type: typeAt.text('a type, such as Assay or Prometheus, here or in a DataSource of these files'),
      spec: source.at('spec'),
    }
  })
  const [numerator, total] = sources as [(typeof sources)[number], (typeof sources)[number]]
  if (numerator.type !== total.type) throw total.typeAt.wrong(`${numerator.type}, as for ${part}`)
  return { part, numerator: numerator.spec, total: total.spec, type: numerator.type, typeAt: numerator.typeAt } as const
}
