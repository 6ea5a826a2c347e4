import { broken, check, type FlowResult, holdsIf, holdsWith, inconclusive, type Judgement, probe, section } from '../../src/model/index.ts'
import { usual } from './requests.ts'
import { echoed, ofLoad, sending } from './scenario.ts'
import { allServed, asFast, enough, sound, timed, wordsOf } from './verdicts.ts'

/** How many times what the target is meant to carry. */
const times = 10
const most = 400

/** Seconds: before, of the burst, until the target must serve again, and after. */
const [before, during, grace, after] = [3, 3, 3, 3]

const burst = probe('ten times what the target is meant to carry, for a moment', { ...sending, requires: echoed }, async (context) => {
  const { rate } = context.nominal
  const requests = await usual(context)
  const [, other] = context.identities
  const flow = { arrivals: 'calls', requests } as const
  const high = Math.max(rate, Math.min(most, rate * times))
  return context.load({
    warmUp: 1_000,
    flows: [
      { ...flow, name: 'before', rate, seconds: before },
      { ...flow, name: 'burst', rate: high, seconds: during, after: before },
      { ...flow, name: 'after', rate, seconds: after, after: before + during + grace },
      ...(other === undefined
        ? []
        : [{ ...flow, name: 'other', identity: other.name, rate: Math.max(1, rate / 2), seconds: before + during + grace + after }]),
    ],
  })
})

/** A whole number of seconds, or a date (RFC 9110, section 10.2.3). */
const isRetryAfter = (value: string): boolean => /^\d+$/.test(value) || (value !== '' && !Number.isNaN(Date.parse(value)))

function saysWhen({ series }: FlowResult): Judgement {
  const all = Object.values(series)
  if (all.every(({ bad }) => bad['HTTP 429'] === undefined)) return holdsWith('nothing was refused')
  const given = all.flatMap(({ retryAfter }) => retryAfter)
  const wrong = given.find((value) => !isRetryAfter(value))
  return given.length === 0
    ? broken('refuses with 429 and says nothing of when to come back', { expected: 'Retry-After', actual: 'no such header' })
    : holdsIf(wrong === undefined, 'sends a Retry-After nobody can read', { expected: 'seconds, or a date', actual: wrong })
}

export default section(
  {
    ...ofLoad,
    page: 'burst',
    requires: echoed,
  },
  [
    check('load/burst-refusals', {
      title: 'In a burst requests are served or told to come back',
      objective: 'serve requests of a burst, or refuse them with 429; none is lost, and none ends in an error of the server',
      needs: { burst },
      judge: ({ burst }) =>
        sound(burst, () =>
          enough(burst.flows.burst, 'tools/call', 50, ({ bad }) => {
            const { 'HTTP 429': _, ...other } = bad
            return holdsIf(Object.keys(other).length === 0, 'loses requests in a burst', { actual: wordsOf(other) })
          }),
        ),
      fix: 'Refuse what is too much at the door, with 429 and Retry-After, before it takes a place in a queue or a connection of a pool.',
    }),
    check('load/burst-retry-after', {
      title: 'Whoever is refused in a burst is told when to come back',
      objective: 'send Retry-After with 429: seconds, or a date',
      needs: { burst },
      judge: ({ burst }) => sound(burst, () => enough(burst.flows.burst, 'tools/call', 50, () => saysWhen(burst.flows.burst!))),
      fix: 'Send the seconds until the limit has room again, rounded up, in Retry-After.',
    }),
    check('load/burst-recovery', {
      title: 'After a burst the target serves as before',
      objective: `serve what it is meant to carry again within ${grace} seconds after a burst`,
      needs: { burst },
      judge: ({ burst }) =>
        sound(burst, () => {
          const undisturbed = allServed(burst.flows.before)
          return undisturbed.kind === 'broken'
            ? inconclusive(`it fails before the burst too: ${undisturbed.reason}`)
            : undisturbed.and(allServed(burst.flows.after))
        }).and(timed(burst, () => asFast(burst.flows.before, burst.flows.after, 'is still slow when the burst is over'))),
      fix: 'Bound queues and drop what nobody waits for any more; a limiter must refill while it refuses.',
    }),
    check('load/burst-others', {
      title: 'The burst of one tenant costs another nothing',
      policy: 'serve one tenant through the burst of another',
      requires: 'second tenant',
      needs: { burst },
      judge: ({ burst }) => sound(burst, () => allServed(burst.flows.other)),
      fix: 'Count by tenant, not by address or for all.',
    }),
  ],
)
