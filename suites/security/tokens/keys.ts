import {
  all,
  answered,
  check,
  controlled,
  type Exchange,
  type Forgery,
  holdsIf,
  notTestable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { again, turnedAway } from './attempts.ts'

const forging = { over: 'http', requires: ['authorization', 'forging issuer'], alone: true } as const

/** Tokens with unknown keys that are sent at once. */
const flooded = 12

/** Times the key set may be fetched for them: again once, and once more for a clock that strikes meanwhile. */
const tolerated = 3

/** Milliseconds in which a target that fetches keys when it meets an unknown one has done so. */
const patience = 2_000

const unknown = (kid: string): Forgery => ({ key: 'unknown', header: { kid } })

async function open({ connect, instruments }: ProbeContext, forgery?: Forgery) {
  const token = await instruments.issuer!.mint(forgery)
  return (await connect({ token, forged: forgery !== undefined, hold: true })).opening
}

const outage = probe('tokens while the keys of the issuer cannot be had', forging, async (context) => {
  const issuer = context.instruments.issuer!
  const before = await open(context)
  const hits = await issuer.jwksHits()
  const flood = await Promise.all(Array.from({ length: flooded }, (_, index) => open(context, unknown(`assay-unknown-${index}`))))
  const fetched = (await issuer.jwksHits()) - hits
  // A target that waits between two fetches is given the time, so that the fault is met.
  await context.pause(400)
  await issuer.jwks('down')
  try {
    const [stranger, known] = await Promise.all([open(context, unknown('assay-unknown')), open(context)])
    return { before, flood, fetched, stranger, known }
  } finally {
    await issuer.jwks('up')
  }
})

/** What a right token is answered while the keys are on their way for a token whose key nobody knows. */
const slow = probe('tokens while the keys of the issuer take their time', forging, async (context) => {
  const issuer = context.instruments.issuer!
  const before = await open(context)
  const send = async (forgery: Forgery = {}) =>
    again(context, before, { headers: [['Authorization', `Bearer ${context.conceal(await issuer.mint(forgery), 'TOKEN')}`]] })
  await context.pause(400)
  await issuer.jwks('slow')
  try {
    const [stranger, known] = await Promise.all([send(unknown('assay-slow')), context.pause(150).then(() => send())])
    return { before, stranger, known }
  } finally {
    await issuer.jwks('up')
  }
})

const faulty = probe('tokens while the keys of the issuer come damaged', forging, async (context) => {
  const issuer = context.instruments.issuer!
  const before = await open(context)
  const strangers: Exchange[] = []
  const known: Exchange[] = []
  try {
    for (const state of ['error', 'wrong-type'] as const) {
      await context.pause(400)
      await issuer.jwks(state)
      strangers.push(await open(context, unknown(`assay-stranger-${state}`)))
      known.push(await open(context))
    }
  } finally {
    await issuer.jwks('up')
  }
  return { before, strangers, known, after: await open(context) }
})

const rotated = probe('tokens after the keys of the issuer changed', { ...forging, disruptive: true }, async (context) => {
  const issuer = context.instruments.issuer!
  const before = await open(context)
  const old = await issuer.mint()
  await issuer.rotate({ withdraw: true })
  let fresh = await open(context)
  for (const until = performance.now() + patience; resultOf(fresh) === undefined && performance.now() < until; ) {
    await context.pause(150)
    fresh = await open(context)
  }
  // A target that asks for keys more rarely still has the old ones, which all other probes go on with.
  if (resultOf(fresh) === undefined) await issuer.rotate({ back: true })
  const withdrawn = (await context.connect({ token: old, forged: true, hold: true })).opening
  return { before, fresh, withdrawn, after: await open(context) }
})

export default section(
  {
    threat: 'key-outage',
    weakness: ['CWE-400', 'CWE-770', 'API4:2023'],
    spec: 'policy',
    page: 'issuer-keys',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'forging issuer'],
  },
  [
    check('tokens/key-refetch', {
      title: 'Unknown keys do not make the target flood the issuer',
      policy: 'fetch the key set once, not once for each token with an unknown key',
      needs: { outage },
      judge: ({ outage: { before, flood, fetched } }) =>
        controlled([before], () =>
          holdsIf(fetched <= tolerated, 'fetches the keys again for each unknown one', {
            expected: `at most ${tolerated} fetches for ${flooded} tokens`,
            actual: `${fetched} fetches`,
            exchange: flood[0],
          }),
        ),
      fix: 'Wait some seconds between two fetches of a key set, and let requests that wait for the same fetch share it.',
    }),

    check('tokens/keys-unavailable', {
      title: 'Without keys no unknown token is let in',
      policy: 'refuse tokens whose key cannot be fetched',
      needs: { outage },
      judge: ({ outage: { before, stranger } }) =>
        controlled([before], () =>
          answered(stranger, () =>
            holdsIf(resultOf(stranger) === undefined, 'lets unknown tokens in while the keys cannot be fetched', {
              expected: 'HTTP 401 or 503',
              actual: summaryOf(stranger),
              exchange: stranger,
            }),
          ),
        ),
      fix: 'Treat a key that cannot be fetched as unknown.',
      weakness: ['CWE-636', 'API2:2023'],
      covers: 'auth.rs.as-down',
    }),

    check('tokens/keys-kept', {
      title: 'Known keys serve on while the issuer is away',
      policy: 'go on verifying tokens with the keys it has while the key set cannot be fetched',
      needs: { outage },
      judge: ({ outage: { before, known } }) =>
        controlled([before], () =>
          answered(known, () =>
            holdsIf(resultOf(known) !== undefined, 'refuses right tokens while the keys cannot be fetched', {
              expected: 'a result',
              actual: summaryOf(known),
              exchange: known,
            }),
          ),
        ),
      fix: 'Keep the key set for minutes, and go on with the old one when a fetch fails.',
      weakness: ['CWE-636', 'API4:2023'],
      covers: 'auth.rs.as-down',
    }),

    check('tokens/keys-slow', {
      title: 'Keys that are slow to come hold nobody up but who needs them',
      policy: 'serve tokens of known keys while it waits for the key set, and let none of unknown keys in',
      needs: { slow },
      judge: ({ slow: { before, known, stranger } }) =>
        controlled([before], () =>
          all([
            holdsIf(resultOf(stranger) === undefined, 'lets unknown tokens in while it waits for the keys', {
              expected: 'no result',
              actual: summaryOf(stranger),
              exchange: stranger,
            }),
            holdsIf(resultOf(known) !== undefined, 'holds right tokens up while it waits for the keys of others', {
              expected: 'a result within two seconds',
              actual: summaryOf(known),
              exchange: known,
            }),
          ]),
        ),
      fix: 'Bound the time of a fetch, and let only those tokens wait for it whose key is not there.',
      covers: 'auth.rs.as-down',
    }),

    check('tokens/keys-faulty', {
      title: 'Damaged keys let nobody in, and shut nobody out',
      policy: 'refuse unknown tokens and go on with known keys while the key set is an error or no key set',
      needs: { faulty },
      judge: ({ faulty: { before, strangers, known, after } }) =>
        controlled([before, after], () =>
          all([
            ...strangers.map((exchange) =>
              answered(exchange, () =>
                holdsIf(resultOf(exchange) === undefined, 'lets unknown tokens in while the key set is damaged', {
                  expected: 'HTTP 401 or 503',
                  actual: summaryOf(exchange),
                  exchange,
                }),
              ),
            ),
            ...known.map((exchange) =>
              answered(exchange, () =>
                holdsIf(resultOf(exchange) !== undefined, 'refuses right tokens while the key set is damaged', {
                  expected: 'a result',
                  actual: summaryOf(exchange),
                  exchange,
                }),
              ),
            ),
          ]),
        ),
      fix: 'Replace the keys only by a key set that was read without fault.',
      weakness: ['CWE-636', 'CWE-400', 'API4:2023'],
    }),

    check('tokens/key-withdrawn', {
      title: 'A withdrawn key signs nothing any more',
      policy: 'refuse tokens of a key the issuer has withdrawn, once it has fetched the key set without it',
      needs: { rotated },
      judge: ({ rotated: { before, fresh, withdrawn, after } }) =>
        resultOf(fresh) === undefined
          ? notTestable(`the target does not take up a new key within ${patience} ms`)
          : controlled([before, after], () => all([turnedAway({ what: 'of a withdrawn key', opening: withdrawn })])),
      fix: 'Replace the key set on each fetch, rather than add to it; drop what was cached under keys that are gone.',
      weakness: ['CWE-324', 'API2:2023'],
      covers: 'auth.rs.revocation',
    }),
  ],
)
