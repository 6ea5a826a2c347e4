import {
  all,
  broken,
  check,
  controlled,
  type Exchange,
  hasResult,
  holdsIf,
  type Judgement,
  probe,
  section,
} from '../../../src/model/index.ts'

/** Milliseconds within which a ping is answered on any network; "promptly" has no number in the specification. */
const promptly = 3_000

const pings = probe('pings, one after the other and at once', async ({ session }) => {
  const target = await session()
  const first = await target.send('ping', undefined, { deadline: promptly })
  const others = await Promise.all(Array.from({ length: 3 }, () => target.send('ping', undefined, { deadline: promptly })))
  return { pings: [first, ...others], control: target.opening }
})

const isPrompt = (exchange: Exchange): Judgement =>
  exchange.failure?.code === 'timeout'
    ? broken('does not answer a ping', { expected: `an answer within ${promptly} ms`, actual: exchange.failure.message, exchange })
    : hasResult(exchange, (result) =>
        holdsIf(
          Object.keys(result).every((name) => name === '_meta'),
          'answers a ping with a result that is not empty',
          { expected: {}, actual: result, exchange },
        ),
      )

export default section({ spec: 'mcp', page: 'basic/utilities/ping#behavior-requirements', revisions: '..2025-11-25' }, [
  check('lifecycle/ping', {
    title: 'A ping is answered with an empty result',
    must: 'answer a ping promptly with an empty result',
    needs: { pings },
    judge: ({ pings: { pings, control } }) => controlled([control], () => all(pings.map(isPrompt))),
    fix: 'Answer ping at once with {"result":{}}, whatever else is under way.',
    covers: 'lifecycle.ping',
  }),
])
