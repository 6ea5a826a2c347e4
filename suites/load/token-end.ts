import {
  broken,
  check,
  holdsIf,
  holdsWith,
  inconclusive,
  type Judgement,
  notApplicable,
  probe,
  section,
  type UpstreamCall,
} from '../../src/model/index.ts'
import { scriptedTool } from '../scripted.ts'
import { meanwhile } from './meanwhile.ts'
import { fromBehind, ofLoad, sending } from './scenario.ts'
import { allGood, enough, sound } from './verdicts.ts'

/** Requests a second, when the tokens end, how long the server gathers refusals, and for how long the traffic goes on. */
const [rate, ends, gathers, during, after] = [20, 3, 1, 6, 3]
/** Calls that were under way, or came before there was another token, may fail. */
const lost = rate * (gathers + 1)
/** Another token may be fetched by chance, or be for another kind of request. */
const more = 2

const ended = probe(
  'traffic in which the token of the target ends',
  {
    ...sending,
    requires: fromBehind,
  },
  async (context) => {
    const upstream = context.instruments.upstream!
    const { name } = await scriptedTool(context)
    const began = (await upstream.traffic()).at(-1)?.at ?? 0
    const flow = { arrivals: 'calls', rate, requests: [{ method: 'tools/call', params: { name, arguments: {} }, echoes: 'text' }] } as const
    const flows = [
      { ...flow, name: 'during', seconds: during },
      { ...flow, name: 'after', seconds: after, after: during },
    ]
    let end = Number.POSITIVE_INFINITY
    try {
      const { sent, over } = await meanwhile(context, { warmUp: 0, flows }, ends, async () => {
        await upstream.condition('ended-tokens')
        end = Date.now()
      })
      const calls = (await upstream.traffic()).filter(({ at, method }) => at > began && method === 'tools/call')
      const former = tokensOf(calls.filter(({ at }) => at <= end))
      const later = calls.filter(({ at }) => at > end)
      const fresh = [...tokensOf(later)].filter((token) => !former.has(token))
      const refused = later.filter(({ headers }) => former.has(headers.authorization ?? '')).length
      return { sent, over: over ?? null, former: former.size, fresh: fresh.length, refused }
    } finally {
      await upstream.condition('up')
    }
  },
)

type Ended = Awaited<ReturnType<typeof ended.run>>

const tokensOf = (calls: readonly UpstreamCall[]) => new Set(calls.flatMap(({ headers }) => headers.authorization ?? []))

/** Says something only where a token that was in use has come to its end, and was shown after it. */
function whenEnded({ sent, over, former, refused }: Ended, judge: () => Judgement): Judgement {
  return sound(sent, () => {
    if (former === 0) return notApplicable('the target shows the server no token')
    if (over === null || over + gathers > during) return inconclusive('the token could not be ended while the traffic went on: run again')
    if (refused === 0) return inconclusive('no call with a token that had ended was seen to reach the server')
    return judge()
  })
}

export default section(
  {
    ...ofLoad,
    page: 'token-end',
    requires: fromBehind,
  },
  [
    check('load/token-end', {
      title: 'Traffic goes on when the token of the target ends',
      objective: 'get another token when a server refuses the one in use, and serve every call that comes after',
      needs: { ended },
      judge: ({ ended }) =>
        whenEnded(ended, () => {
          const { during, after } = ended.sent.flows
          return enough(after, 'tools/call', 20, (series) => allGood('tools/call', series)).and(
            enough(during, 'tools/call', 20, ({ count, good }) =>
              holdsIf(count - good <= lost, 'fails calls for long when its token has ended', {
                expected: `${lost} failed calls at most: those that were under way`,
                actual: `${count - good} failed calls`,
              }),
            ),
          )
        }),
      fix: 'When a server answers 401, drop the token it was shown, fetch another one, and repeat the call once.',
    }),
    check('load/token-end-herd', {
      title: 'When the token of the target ends, one other is fetched',
      objective: 'fetch one token for all calls whose token was refused at once',
      needs: { ended },
      judge: ({ ended }) =>
        whenEnded(ended, () => {
          const { former, fresh, refused } = ended
          if (fresh === 0) return inconclusive('the target showed the server no other token')
          const seen = `${fresh} other tokens for ${refused} refused calls`
          return enough(ended.sent.flows.during, 'tools/call', 20, () =>
            fresh <= former + more
              ? holdsWith(seen)
              : broken('fetches a token for each call that was refused', { expected: `${former + more} tokens at most`, actual: seen }),
          )
        }),
      fix: 'Let all who need a token at once wait for the same answer; drop a token only if it is still the one that was refused.',
    }),
  ],
)
