import {
  broken,
  check,
  type Flow,
  type FlowResult,
  holdsIf,
  inconclusive,
  type Judgement,
  type LoadResult,
  type ProbeContext,
  probe,
  section,
} from '../../src/model/index.ts'
import { echoRequest, usual } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { allServed, asFast, enough, sound, timed, wordsOf } from './verdicts.ts'

const [quiet, loud] = [4, 5]
const times = 10
/** Requests a second: enough to be far too many, and no more than a process on a small machine answers in its stride. */
const most = 120

/** The same traffic alone, and then beside something else. */
async function beside(
  context: ProbeContext,
  identity: string | undefined,
  other: Pick<Flow, 'rate' | 'requests' | 'identity' | 'token' | 'users'>,
): Promise<LoadResult> {
  const { rate } = context.nominal
  const flow = { arrivals: 'calls', rate, identity, requests: await usual(context) } as const
  return context.load({
    warmUp: 1_000,
    flows: [
      { ...flow, name: 'alone', seconds: 1 + quiet },
      { ...flow, name: 'beside', seconds: loud, after: 1 + quiet },
      { ...other, arrivals: 'calls', name: 'other', seconds: loud, after: 1 + quiet },
    ],
  })
}

const neighbour = probe(
  'one tenant beside another that asks ten times as much',
  { ...sending, requires: [...echoed, 'second tenant'] },
  async (context) => {
    const [own, victim] = context.identities
    const { rate } = context.nominal
    const first = { rate: Math.max(rate, Math.min(most, rate * times)), requests: await usual(context), identity: own!.name }
    return beside(context, victim!.name, first)
  },
)

const slow = probe(
  'calls of a fast tool beside calls of a slow one',
  { ...sending, requires: [...echoed, 'slow tool'] },
  async (context) => {
    const { name, arguments: given } = await context.tool('slow')
    const requests = [{ method: 'tools/call', params: { name, arguments: given }, as: 'slow tool' }]
    return beside(context, undefined, { rate: Math.max(1, context.nominal.rate / 4), requests, users: 200 })
  },
)

const unspent = probe(
  'good requests beside many with bad tokens',
  { ...sending, requires: [...echoed, 'authorization'] },
  async (context) => {
    const requests = [{ ...(await echoRequest(context)), as: 'bad token' }]
    return beside(context, undefined, { rate: context.nominal.rate, requests, token: 'assay-is-no-token' })
  },
)

const head = { ...ofLoad, requires: echoed } as const

/** Refused for what came from the same address, which a limit by address does as well; `load/burst-others` is about limits. */
const turnedAway = ['HTTP 429', 'HTTP 403']

/** Good beside the others, given that it was good alone. */
function stillServed({ flows }: LoadResult): Judgement {
  const alone = allServed(flows.alone)
  if (alone.kind === 'broken') return inconclusive(`it fails without anything beside it too: ${alone.reason}`)
  const ways = Object.values(flows.beside?.series ?? {}).flatMap(({ bad }) => Object.keys(bad))
  if (ways.length > 0 && ways.every((way) => turnedAway.includes(way)))
    return inconclusive(
      `good requests are refused with ${ways[0]}, perhaps for the address they come from: lift limits by address for Assay`,
    )
  return alone.and(allServed(flows.beside))
}

const stillFast = ({ flows }: LoadResult): Judgement => asFast(flows.alone, flows.beside, 'becomes slow for one because of another')

export default [
  ...section({ ...head, page: 'neighbour', threat: 'noisy-neighbour', weakness: ['CWE-770', 'API4:2023'] }, [
    check('load/neighbour-served', {
      title: 'A tenant is served beside one that asks too much',
      objective: 'answer one tenant while another asks ten times as much',
      requires: 'second tenant',
      needs: { neighbour },
      judge: ({ neighbour }) => sound(neighbour, () => stillServed(neighbour)),
      fix: 'Give each tenant limits, places in queues and connections of its own.',
    }),
    check('load/neighbour-latency', {
      title: 'A tenant is answered as fast beside one that asks too much',
      objective: 'keep the latency of one tenant while another asks ten times as much',
      requires: 'second tenant',
      needs: { neighbour },
      judge: ({ neighbour }) => timed(neighbour, () => stillFast(neighbour)),
      fix: 'Serve tenants in turn, not in the order of arrival; limit what one of them may have under way.',
    }),
  ]),
  ...section({ ...head, page: 'slow-tools' }, [
    check('load/slow-tool-beside', {
      title: 'Slow calls do not hold up fast ones',
      objective: 'answer calls of a fast tool as fast while calls of a slow one are under way',
      requires: 'slow tool',
      needs: { slow },
      judge: ({ slow }) => sound(slow, () => stillServed(slow)).and(timed(slow, () => stillFast(slow))),
      fix: 'Let no call wait for another: no lock around a call, and no pool that slow calls can use up.',
    }),
  ]),
  ...section({ ...head, page: 'bad-tokens', threat: 'noisy-neighbour', weakness: ['CWE-770', 'API4:2023'] }, [
    check('load/bad-tokens-refused', {
      title: 'Bad tokens are refused, however many there are',
      objective: 'answer 401 to each of many requests with a bad token',
      requires: 'authorization',
      needs: { unspent },
      judge: ({ unspent }) => sound(unspent, () => refused(unspent.flows.other)),
      fix: 'Refuse a token that cannot be verified with 401; a lock-out is answered with 429.',
    }),
    check('load/bad-tokens-beside', {
      title: 'Bad tokens cost good ones nothing',
      objective: 'answer requests with good tokens as well and as fast while as many come with bad ones',
      requires: 'authorization',
      needs: { unspent },
      judge: ({ unspent }) => sound(unspent, () => stillServed(unspent)).and(timed(unspent, () => stillFast(unspent))),
      fix: 'Refuse before anything is fetched or looked up, and count failures by what was sent, not by who else comes the same way.',
    }),
  ]),
]

function refused(flow: FlowResult | undefined): Judgement {
  return enough(flow, 'bad token', 20, ({ bad, good }) => {
    const { 'HTTP 401': _, 'HTTP 429': __, ...other } = bad
    if (good > 0) return broken(`answers ${good} requests with a bad token`)
    return holdsIf(Object.keys(other).length === 0, 'does not refuse bad tokens as such', { expected: 'HTTP 401', actual: wordsOf(other) })
  })
}
