import {
  all,
  check,
  controlled,
  type Exchange,
  each,
  holdsIf,
  inconclusive,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { turnedAway } from '../tokens/attempts.ts'
import { trickle } from './trickle.ts'

/** Milliseconds in which a target has taken up a new key. */
const patience = 2_000
const step = 100

/** Times a token of a new key is used once it has been accepted. */
const followers = 5

const tokens = { over: 'http', requires: ['authorization', 'forging issuer', 'newest revision'], alone: true, disruptive: true } as const

const open = async ({ connect }: ProbeContext, token: string): Promise<Exchange> => (await connect({ token, hold: true })).opening

/** Opens until the token is accepted, or the time is over. */
async function untilAccepted(context: ProbeContext, token: string): Promise<{ exchange: Exchange; took: number }> {
  const began = performance.now()
  let exchange = await open(context, token)
  while (resultOf(exchange) === undefined && performance.now() - began < patience) {
    await context.pause(step)
    exchange = await open(context, token)
  }
  return { exchange, took: Math.round(performance.now() - began) }
}

/** Old and new key beside each other while calls go on; then the old ones are withdrawn. */
const rolled = probe('a signing key that is rolled over', tokens, async (context) => {
  const issuer = context.instruments.issuer!
  const old = await issuer.mint()
  const before = await open(context, old)
  if (resultOf(before) === undefined) throw new Unfit('inconclusive', `the control, a right token, is not accepted: ${summaryOf(before)}`)
  const calls = trickle(() => open(context, old))
  await context.pause(step)
  await issuer.rotate()
  const fresh = await issuer.mint()
  const taken = await untilAccepted(context, fresh)
  const after: Exchange[] = []
  for (let count = 0; count < followers && resultOf(taken.exchange) !== undefined; count++) after.push(await open(context, fresh))
  const during = [...(await calls.stop()), await open(context, old)]
  if (resultOf(taken.exchange) === undefined) {
    await issuer.rotate({ back: true })
    return { before, during, taken, after, withdrawn: null }
  }
  return { before, during, taken, after, withdrawn: await withdraw(context, old) }
})

/** Publishes a third key alone, and tries the first again once the third has been taken up. */
async function withdraw(context: ProbeContext, old: string) {
  const issuer = context.instruments.issuer!
  await issuer.rotate({ withdraw: true })
  const newest = await untilAccepted(context, await issuer.mint())
  if (resultOf(newest.exchange) === undefined) await issuer.rotate({ back: true })
  const used = (await context.connect({ token: old, forged: true, hold: true })).opening
  return { newest: newest.exchange, used }
}

export default section(
  {
    spec: 'policy',
    page: 'rotation',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'forging issuer'],
    weakness: ['CWE-324', 'API2:2023'],
    threat: 'key-outage',
  },
  [
    check('rotation/signing-key-overlap', {
      title: 'No call fails while the old key is still published',
      policy: 'go on accepting tokens of a key that is published beside the new one',
      needs: { rolled },
      judge: ({ rolled: { before, during } }) =>
        controlled([before], () =>
          each(during, 'no call was made meanwhile', (exchange) =>
            exchange.response === undefined
              ? inconclusive(`no response: ${exchange.failure?.message}`, exchange)
              : holdsIf(resultOf(exchange) !== undefined, 'refuses right tokens while the key of the issuer is changed', {
                  expected: 'a result',
                  actual: summaryOf(exchange),
                  exchange,
                }),
          ),
        ),
      fix: 'Keep every key of the set, and find the one a token names by its kid.',
    }),

    check('rotation/signing-key-uptake', {
      title: 'A new key is taken up at once, and for good',
      policy: `accept tokens of a new key within ${patience / 1_000} seconds, and each of them from then on`,
      needs: { rolled },
      judge: ({ rolled: { before, taken, after } }) =>
        controlled([before], () =>
          all(
            [taken.exchange, ...after].map((exchange) =>
              holdsIf(resultOf(exchange) !== undefined, 'refuses tokens of a new key', {
                expected: `a result within ${patience} ms`,
                actual: summaryOf(exchange),
                exchange,
              }),
            ),
          ),
        ),
      fix: 'Fetch the key set when a token names a key that is not in it; with some seconds between two fetches.',
    }),

    check('rotation/signing-key-cached', {
      threat: 'stale-token',
      title: 'A token that was accepted before dies with its key',
      policy: 'refuse tokens of a withdrawn key, those it has accepted before included',
      needs: { rolled },
      judge: ({ rolled: { before, withdrawn } }) =>
        withdrawn === null
          ? inconclusive('the target has not taken up the new key', before)
          : controlled([before, withdrawn.newest], () => turnedAway({ what: 'of a withdrawn key', opening: withdrawn.used })),
      fix: 'Keep what was verified under the key it was verified with, and drop both together.',
      covers: 'auth.rs.revocation',
    }),
  ],
)
