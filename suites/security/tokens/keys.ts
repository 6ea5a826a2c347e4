import {
  all,
  answered,
  check,
  controlled,
  type Forgery,
  holdsIf,
  notTestable,
  type ProbeContext,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { turnedAway } from './attempts.ts'

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
  { spec: 'policy', page: 'issuer-keys', revisions: '2025-03-26..', over: 'http', requires: ['authorization', 'forging issuer'] },
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
      covers: 'auth.rs.as-down',
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
      covers: 'auth.rs.revocation',
    }),
  ],
)
