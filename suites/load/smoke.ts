import { all, check, probe, section } from '../../src/model/index.ts'
import { echoRequest } from './requests.ts'
import { echoed, ofLoad } from './scenario.ts'
import { allGood, enough, sound } from './verdicts.ts'

const visits = { rate: 1, seconds: 10 }
/** The first second is a warm-up. */
const least = visits.seconds - 2

const visited = probe(
  'ten clients, one a second',
  {
    requires: echoed,
    over: 'http',
    alone: 'on this machine',
    deadline: 60_000,
  },
  async (context) => {
    const requests = [{ method: 'tools/list' }, await echoRequest(context)]
    return context.load({ warmUp: 1_000, flows: [{ name: 'visits', arrivals: 'visits', ...visits, requests }] })
  },
)

export default section({ ...ofLoad, page: 'smoke', requires: echoed }, [
  check('load/smoke', {
    title: 'Ten clients, one after the other, are all served',
    objective: 'serve each client from its first request to its last',
    needs: { visited },
    judge: ({ visited }, { era, sessions }) =>
      sound(visited, () =>
        all(
          [era === 'stateless' ? 'server/discover' : 'initialize', 'tools/list', 'tools/call', ...(sessions ? ['DELETE'] : [])].map((as) =>
            enough(visited.flows.visits, as, least, (series) => allGood(as, series)),
          ),
        ),
      ),
    fix: 'See what the failed requests were answered with: what fails at one client a second fails always.',
  }),
])
