import {
  check,
  controlled,
  type Exchange,
  each,
  holdsIf,
  type Judgement,
  notTestable,
  probe,
  resultOf,
  section,
  summaryOf,
  Unfit,
} from '../../../src/model/index.ts'
import { scriptedCall } from '../../conformance/utilities/long-call.ts'
import { trickle } from './trickle.ts'

/** Calls whose token the upstream refuses, so that another must be fetched with the new secret. */
const renewals = 3

const replaced = probe(
  'a secret of the gateway that is replaced',
  {
    over: 'http',
    requires: ['authorization', 'scripted upstream', 'M2M secret rotation', 'newest revision'],
    alone: true,
    disruptive: true,
  },
  async (context) => {
    const connection = await context.connect()
    const scripted = await scriptedCall(context, {})
    if (scripted === undefined) throw new Unfit('not-testable', 'needs the tool of the scripted upstream among the tools of the target')
    const send = () => connection.send('tools/call', scripted.params)
    const renewed = async () => {
      const once = await scriptedCall(context, { status: 401, times: 1 })
      return connection.send('tools/call', once!.params)
    }
    const before = await send()
    const renewable = await renewed()
    const calls = trickle(send)
    await context.pause(100)
    await context.operate.rotateM2mSecret!()
    await context.pause(100)
    const during = await calls.stop()
    const after = []
    for (let count = 0; count < renewals; count++) after.push(await renewed())
    return { before, renewable, during, after }
  },
)

const served = (exchange: Exchange, otherwise: string): Judgement =>
  holdsIf(resultOf(exchange) !== undefined, otherwise, { expected: 'a result', actual: summaryOf(exchange), exchange })

export default section(
  {
    spec: 'policy',
    page: 'rotation',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'scripted upstream', 'M2M secret rotation'],
    weakness: ['CWE-324', 'CWE-798', 'API2:2023'],
    threat: 'stale-credential',
  },
  [
    check('rotation/m2m-secret', {
      title: 'The gateway takes up its new secret, and no call fails meanwhile',
      policy:
        'serve every call while the secret is replaced with which it gets its own tokens, and get them with the new one without a restart',
      needs: { replaced },
      judge: ({ replaced: { before, renewable, during, after } }) =>
        controlled([before], () =>
          each(during, 'no call was made meanwhile', (exchange) => served(exchange, 'fails calls while its secret is replaced')).and(
            resultOf(renewable) === undefined
              ? notTestable('the target does not fetch another token when one is refused, so that nothing is seen of its secret')
              : each(after, 'no call was made afterwards', (exchange) =>
                  served(exchange, 'cannot get a token any more once its secret is replaced'),
                ),
          ),
        ),
      fix: 'Read the secret from its store when a token is fetched, and go on with the token there is until then.',
    }),
  ],
)
