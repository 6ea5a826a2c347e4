import {
  broken,
  check,
  controlled,
  errorOf,
  holds,
  holdsIf,
  notApplicable,
  notTestable,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { callsInARow, machine } from './probes.ts'

/** Tokens that calls in a row may use: others refresh them meanwhile. */
const mostTokens = 8

/** Times a call whose token is always refused may be sent. */
const mostAttempts = 3

const unseen = 'needs the tool of the scripted upstream among the tools of the target'
const unshown = 'the gateway shows no token to the upstream'

export default section(
  {
    spec: 'policy',
    page: 'flow',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'scripted upstream'],
    weakness: ['CWE-770', 'API4:2023'],
    threat: 'exhaustion',
  },
  [
    check('flow/m2m-reuse', {
      title: 'The gateway keeps its token',
      policy: 'use one token of its own for many calls, rather than fetch one for each',
      needs: { machine },
      judge: ({ machine: { row } }) => {
        if (row === undefined) return notTestable(unseen)
        if (row.failed) return controlled([row.failed], () => holds)
        const tokens = new Set(row.arrivals.flatMap(({ digest }) => digest ?? []))
        if (tokens.size === 0) return notApplicable(unshown)
        return holdsIf(tokens.size <= mostTokens, 'fetches a token for each call', {
          expected: `at most ${mostTokens} tokens for ${callsInARow} calls`,
          actual: `${tokens.size} tokens`,
          exchange: row.exchange,
        })
      },
      fix: 'Keep a token for three quarters of its life, by server and scopes; providers count and bill what they issue.',
    }),

    check('flow/m2m-refresh', {
      weakness: ['CWE-324', 'API2:2023'],
      threat: 'stale-credential',
      title: 'A token of the gateway that a server refuses is replaced',
      policy: 'fetch another token when a server answers 401, and send the call again with it',
      needs: { machine },
      judge: ({ machine: { row, once, after } }) => {
        if (once === undefined || row === undefined || after === undefined) return notTestable(unseen)
        const [first, second] = once.arrivals
        if (first?.digest === undefined) return notApplicable(unshown)
        return controlled([row.exchange, after.exchange], () =>
          holdsIf(
            second?.digest !== undefined && second.digest !== first.digest && resultOf(once.exchange) !== undefined,
            'does not replace a token that a server refuses',
            {
              expected: 'a second attempt with another token, and its result',
              actual: `${once.arrivals.length} attempts, ${summaryOf(once.exchange)}`,
              exchange: once.exchange,
            },
          ),
        )
      },
      fix: 'Drop the token on 401, fetch another one, and try once more.',
    }),

    check('flow/m2m-storm', {
      title: 'A server that refuses every token is not besieged',
      policy: 'give up after one or two tokens that a server refuses',
      needs: { machine },
      judge: ({ machine: { row, always, after } }) => {
        if (always === undefined || row === undefined || after === undefined) return notTestable(unseen)
        return controlled([row.exchange, after.exchange], () =>
          holdsIf(always.arrivals.length <= mostAttempts, 'tries again and again with new tokens', {
            expected: `at most ${mostAttempts} attempts`,
            actual: `${always.arrivals.length} attempts`,
            exchange: always.exchange,
          }),
        )
      },
      fix: 'Try once more with a new token, and then answer with an error.',
    }),

    check('flow/m2m-refusal', {
      weakness: ['CWE-209', 'API8:2023'],
      threat: 'request-confusion',
      title: 'A server that refuses the gateway has not refused the agent',
      policy: 'not answer 401 to an agent because a server refuses the token of the gateway',
      needs: { machine },
      judge: ({ machine: { row, always, after } }) => {
        if (always === undefined || row === undefined || after === undefined) return notTestable(unseen)
        const { exchange } = always
        return controlled([row.exchange, after.exchange], () => {
          if (resultOf(exchange) !== undefined && resultOf(exchange)!.isError !== true)
            return broken('makes up an answer to a call that a server has refused', {
              expected: 'an error',
              actual: summaryOf(exchange),
              exchange,
            })
          return holdsIf(
            statusOf(exchange) !== 401 && errorOf(exchange)?.code !== 401,
            'tells an agent to get a new token that would not help',
            {
              expected: 'an error that blames the server',
              actual: summaryOf(exchange),
              exchange,
            },
          )
        })
      },
      fix: 'Answer with a JSON-RPC error or HTTP 502; 401 makes the agent log in again for nothing.',
    }),
  ],
)
