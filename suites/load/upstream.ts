import { check, holdsIf, inconclusive, type Judgement, notApplicable, probe, section, type UpstreamCall } from '../../src/model/index.ts'
import { scriptedTool } from '../scripted.ts'
import { fromBehind, ofLoad, sending } from './scenario.ts'
import { enough, sound } from './verdicts.ts'

const [rate, seconds] = [20, 6]
/** A token may be renewed meanwhile, and be one for each kind of request. */
const tokensAllowed = 3
/** One list in so many may reach the server. */
const share = 3

const behind = probe(
  'traffic to a server of the harness, seen from behind',
  {
    ...sending,
    requires: fromBehind,
  },
  async (context) => {
    const { name } = await scriptedTool(context)
    const before = (await context.instruments.upstream!.traffic()).at(-1)?.at ?? 0
    const requests = [{ method: 'tools/call', params: { name, arguments: {} }, echoes: 'text' }, { method: 'tools/list' }]
    const sent = await context.load({ warmUp: 0, flows: [{ name: 'agents', arrivals: 'calls', rate, seconds, requests }] })
    const seen = (await context.instruments.upstream!.traffic()).filter(({ at }) => at > before)
    return { sent, calls: only(seen, 'tools/call'), lists: only(seen, 'tools/list').length }
  },
)

const only = (calls: readonly UpstreamCall[], method: string) =>
  calls.filter((call) => call.method === method).map(({ headers }) => ({ token: headers.authorization }))

const least = (rate * seconds) / 4

export default section(
  {
    ...ofLoad,
    page: 'upstream',
    requires: fromBehind,
  },
  [
    check('load/upstream-tokens', {
      title: 'A token of the target serves many calls',
      objective: 'keep the token it has for a server and use it again, rather than ask for one each time',
      needs: { behind },
      judge: ({ behind: { sent, calls } }) =>
        sound(sent, () =>
          enough(sent.flows.agents, 'tools/call', least, (): Judgement => {
            if (calls.length < least) return inconclusive(`${calls.length} calls were seen to reach the server`)
            const tokens = new Set(calls.flatMap(({ token }) => token ?? []))
            if (tokens.size === 0) return notApplicable('the target shows the server no token')
            return holdsIf(tokens.size <= tokensAllowed, 'asks for tokens as often as it calls', {
              expected: `${tokensAllowed} tokens at most`,
              actual: `${tokens.size} tokens for ${calls.length} calls`,
            })
          }),
        ),
      fix: 'Keep a token for three quarters of its life, by server and scopes, and let those who need one at once wait for the same answer.',
    }),
    check('load/list-cache', {
      title: 'Lists are answered from a cache',
      policy: `let at most one list in ${share} reach a server whose list has not changed`,
      needs: { behind },
      judge: ({ behind: { sent, lists } }) =>
        sound(sent, () =>
          enough(sent.flows.agents, 'tools/list', least, ({ count }) =>
            holdsIf(lists <= count / share, 'asks the server for nearly every list', {
              expected: `${Math.floor(count / share)} requests at most`,
              actual: `${lists} requests to the server for ${count} lists`,
            }),
          ),
        ),
      fix: 'Keep lists by tenant and server until the server says that they have changed, or for seconds.',
    }),
  ],
)
