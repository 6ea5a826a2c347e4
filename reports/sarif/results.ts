import { createHash } from 'node:crypto'
import type { Finding } from '../../src/model/index.ts'
import { plain, plainLine } from '../plain.ts'

type Told = 'fail' | 'warn' | 'inconclusive'

const levels: Record<Told, string> = { fail: 'error', warn: 'warning', inconclusive: 'note' }

/** Whether a finding is a result: what passes, does not apply or could not be tested is none. */
export const isResult = (finding: Finding): finding is Finding & { outcome: Told } => finding.outcome in levels

/** A finding as a result. */
export function resultOf(finding: Finding & { outcome: Told }, ruleIndex: number) {
  return {
    ruleId: finding.check,
    ruleIndex,
    kind: 'fail',
    level: levels[finding.outcome],
    message: messageOf(finding),
    locations: locationsOf(finding),
    partialFingerprints: { 'assayFinding/v1': fingerprintOf(finding) },
    suppressions: suppressionsOf(finding),
    properties: {
      outcome: finding.outcome,
      target: finding.target,
      revision: finding.revision,
      ...(finding.identity === null ? {} : { identity: finding.identity }),
    },
  }
}

function messageOf({ target, revision, title, reason, sent, expected, actual, fix, replay }: Finding) {
  const head = `${target} at ${revision}: ${plainLine(reason ?? title)}`
  const rows = [
    ['sent', sent],
    ['expected', expected],
    ['actual', actual],
    ['fix', fix],
  ].flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${plain(text)}`]))
  return { text: literal([`${head}.`, ...rows, ...(replay === undefined ? [] : [`replay:\n${plain(replay)}`])].join('\n')) }
}

// Viewers make links and placeholders of these, and what a target sends must not become either.
const literal = (text: string): string => text.replace(/\[([^[\]\n]*)\](?=\()/g, '\\[$1\\]').replace(/\{(\d+)\}/g, '{{$1}}')

/** The same wherever and whenever the run is made. */
const fingerprintOf = ({ check, target, revision, identity }: Finding): string =>
  createHash('sha256')
    .update(JSON.stringify([check, target, revision, identity]))
    .digest('hex')

// All results have the member or none may; a waiver is somebody's decision, a baseline what was found.
function suppressionsOf({ waiver, known }: Finding) {
  if (waiver)
    return [
      {
        kind: 'external',
        status: 'accepted',
        justification: plainLine(`${waiver.reason} (${waiver.owner}, until ${waiver.expires})`),
      },
    ]
  return known ? [{ kind: 'external', status: 'accepted', justification: 'known from the baseline' }] : []
}

/** Faults of a description name their place: `agents.yaml:12 Deployment …: …`. */
const placed = /^([^\s:"'[\]]+\.[A-Za-z0-9]+):(\d+) ([^:]*)/

/** Places at most of one finding. */
const mostPlaces = 20

// An endpoint has no file; what it said stands in the evidence, one exchange a line, below three lines of facts.
function locationsOf(finding: Finding) {
  const places = placesOf(finding)
  const logicalLocations = [{ name: finding.target, fullyQualifiedName: `${finding.target}@${finding.revision}`, kind: 'module' }]
  if (places.length > 0)
    return places.map(({ uri, line, what }) => ({
      physicalLocation: { artifactLocation: { uri, uriBaseId: 'SRCROOT' }, region: { startLine: line } },
      logicalLocations: [{ ...logicalLocations[0], fullyQualifiedName: `${finding.target}/${what}` }],
    }))
  const { evidence } = finding
  if (evidence === undefined || evidence.file === 'memory') return [{ logicalLocations }]
  const region = { startLine: evidence.exchange === undefined ? 1 : evidence.exchange + 3 }
  return [{ physicalLocation: { artifactLocation: { uri: uriOf(evidence.file), uriBaseId: 'RUN' }, region }, logicalLocations }]
}

function placesOf({ reason, actual }: Finding): { uri: string; line: number; what: string }[] {
  const first = placed.exec(reason ?? '')
  if (first === null) return []
  const places = [first, ...listed(actual).map((text) => placed.exec(text))].flatMap((match) =>
    match === null ? [] : [{ uri: uriOf(match[1]!), line: Math.max(1, Number(match[2])), what: match[3]!.trim() }],
  )
  const texts = places.map((place) => JSON.stringify(place))
  return places.filter((_, at) => texts.indexOf(texts[at]!) === at).slice(0, mostPlaces)
}

// A long list is cut in a finding, and then is no JSON any more.
function listed(actual: string | undefined): string[] {
  return actual?.startsWith('["') ? actual.slice(2).split('","') : []
}

const uriOf = (path: string): string => path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/')
