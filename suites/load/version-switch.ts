import {
  broken,
  check,
  type FlowResult,
  holdsIf,
  inconclusive,
  type Judgement,
  probe,
  section,
  type UnitFacts,
} from '../../src/model/index.ts'
import { type Meanwhile, meanwhile } from './meanwhile.ts'
import { secondsAt, usual } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { enough, sound, wordsOf } from './verdicts.ts'

/** Seconds: until the switch, the shortest time for it, and after it. */
const [before, shortest, after] = [2, 7, 3]

/** Clients that take turns: each opens a session of its own once the one it was given is unknown. */
const clientsFor = (rate: number): number => Math.max(5, Math.ceil(rate / 2))

const switched = probe(
  'traffic in which the version of the target is replaced',
  {
    ...sending,
    requires: [...echoed, 'version switch'],
    deadline: 3_600_000,
  },
  async (context) => {
    const { rate, seconds } = context.nominal
    const during = Math.max(shortest, seconds)
    const flow = { arrivals: 'calls', rate, requests: await usual(context), users: clientsFor(rate) } as const
    const flows = [
      { ...flow, name: 'during', seconds: during },
      { ...flow, name: 'after', seconds: secondsAt(rate, after), after: during },
    ]
    const sent = await meanwhile(context, { warmUp: 0, flows }, before, () => context.operate.switchVersion!())
    return { ...sent, during, clients: clientsFor(rate) }
  },
)

type Switched = Meanwhile & { during: number; clients: number }

/** Says something where the switch was over before the traffic that is to follow it. */
function whenOver({ sent, over, during }: Switched, judge: () => Judgement): Judgement {
  return sound(sent, () => {
    if (over === undefined) return inconclusive('the traffic ended before the version was replaced: run again')
    const took = Math.round(over - before)
    return over > during
      ? inconclusive(
          `to replace the version took ${took} s, and the traffic ${during}: give \`load.duration\` more than ${took + before} s`,
        )
      : judge()
  })
}

/** Clients whose sessions the new version may not know. */
const strangers = ({ clients }: Switched, { sessions }: UnitFacts): number => (sessions ? clients : 0)

/** All is served. A session the new version does not know is answered 404, once for each client, who then opens another. */
function served(flow: FlowResult | undefined, clients: number, otherwise: string): Judgement {
  return enough(flow, 'tools/call', 20, () => {
    const ways = Object.entries(Object.values(flow!.series).reduce<Record<string, number>>(added, {}))
    const unknown = ways.find(([how]) => how === 'HTTP 404')?.[1] ?? 0
    const other = Object.fromEntries(ways.filter(([how]) => how !== 'HTTP 404'))
    if (Object.keys(other).length > 0) return broken(otherwise, { actual: wordsOf(other) })
    return holdsIf(unknown <= clients, 'does not know sessions that were opened after the switch', {
      expected: `HTTP 404 once for each of ${clients} clients at most`,
      actual: `${unknown} × HTTP 404`,
    })
  })
}

const added = (sum: Record<string, number>, { bad }: FlowResult['series'][string]): Record<string, number> => {
  for (const [how, count] of Object.entries(bad)) sum[how] = (sum[how] ?? 0) + count
  return sum
}

export default section(
  {
    ...ofLoad,
    page: 'version-switch',
    requires: [...echoed, 'version switch'],
  },
  [
    check('load/version-switch', {
      title: 'No request fails while the version of the target is replaced',
      objective: 'serve every request while another version takes the place of the one that runs',
      needs: { switched },
      judge: ({ switched }, facts) =>
        whenOver(switched, () =>
          served(switched.sent.flows.during, strangers(switched, facts), 'fails requests while its version is replaced'),
        ),
      fix: 'Have the new version accept connections before the former one stops; let that answer what it has begun, with `Connection: close`, before it ends.',
    }),
    check('load/version-switch-after', {
      title: 'When the version of the target was replaced all is served',
      objective: 'serve clients of the former version, once they have opened a session where theirs is unknown',
      needs: { switched },
      judge: ({ switched }, facts) =>
        whenOver(switched, () =>
          served(switched.sent.flows.after, strangers(switched, facts), 'fails requests after its version was replaced'),
        ),
      fix: 'Answer 404 for a session that is unknown, and to no other; keep sessions where all versions find them, if any are to last.',
    }),
  ],
)
