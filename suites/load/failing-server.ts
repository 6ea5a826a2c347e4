import { broken, check, holdsWith, inconclusive, type Judgement, probe, section } from '../../src/model/index.ts'
import { scriptedTool } from '../scripted.ts'
import { fromBehind, ofLoad, sending } from './scenario.ts'
import { enough, sound } from './verdicts.ts'

const [rate, seconds] = [20, 5]
/** Calls that may reach the server for each that reaches the target, and beside those while the target learns that it fails. */
const [share, first] = [1.2, 20]
/** How often it is asked, every so many milliseconds, whether the server is served again afterwards. */
const [tries, apart] = [12, 500]

const failing = probe(
  'traffic to a server that fails',
  {
    ...sending,
    requires: fromBehind,
  },
  async (context) => {
    const upstream = context.instruments.upstream!
    const { name } = await scriptedTool(context)
    const script = await upstream.script({ status: 503 })
    const requests = [{ method: 'tools/call', params: { name, arguments: { script } } }]
    const sent = await context.load({ warmUp: 0, flows: [{ name: 'agents', arrivals: 'calls', rate, seconds, requests }] })
    const reached = (await upstream.calls(script)).length
    // Whatever follows finds the server as it was: a target may have given it up for a while.
    const session = await context.session()
    for (let tried = 0; tried < tries; tried += 1) {
      const { messages } = await session.send('tools/call', { name, arguments: { text: 'again' } })
      if (messages.some((message) => 'result' in (message as object))) break
      await context.pause(apart)
    }
    return { sent, reached }
  },
)

export default section(
  {
    ...ofLoad,
    page: 'failing-server',
    requires: fromBehind,
  },
  [
    check('load/retry-storm', {
      title: 'A server that fails is not asked more for it',
      objective: 'ask a server that fails hardly more often than it is asked itself',
      needs: { failing },
      judge: ({ failing: { sent, reached } }) =>
        sound(sent, () =>
          enough(sent.flows.agents, 'tools/call', (rate * seconds) / 2, ({ count }): Judgement => {
            if (reached === 0) return inconclusive('no call was seen to reach the server')
            const most = Math.round(count * share + first)
            const seen = `${reached} calls reached the server for ${count} that were sent`
            return reached <= most
              ? holdsWith(seen)
              : broken('asks a server that fails again and again', { expected: `${most} calls at most`, actual: seen })
          }),
        ),
      fix: 'Give retries a budget for all calls together, and leave a server alone for a while once it fails again and again.',
    }),
  ],
)
