import {
  answered,
  broken,
  check,
  controlled,
  holds,
  holdsIf,
  inconclusive,
  isRefused,
  probe,
  resultOf,
  section,
  summaryOf,
} from '../../../src/model/index.ts'
import { harmless, harmlessMethod } from './asking.ts'

const largeBody = 20 * 1024 * 1024

/** Milliseconds for which one client holds its body back at most: it lets go as soon as the other has its answer. */
const held = 2_000

// Both measure whether others are still served, which a busy target would blur.
const bodies = probe('a body of 20 MB', { over: 'http', alone: true, disruptive: true, deadline: 20_000 }, async ({ connect }) => {
  const session = await connect()
  const before = await harmless(session)
  const large = await harmless(session, { meta: { filler: 'x'.repeat(largeBody) }, deadline: 10_000 })
  return { before, large, after: await harmless(session) }
})

const heldBack = probe('a body that does not come', { over: 'http', alone: true }, async ({ session, request, era, pause }) => {
  const connection = await session()
  const before = await harmless(connection)
  const release = new AbortController()
  const holding = request({
    headers: [
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: harmlessMethod(era) }),
    halfOpen: 10,
    deadline: held,
    abort: release.signal,
  })
  await pause(20)
  const during = await harmless(connection, { deadline: held })
  release.abort()
  await holding
  return { before, during, after: await harmless(connection) }
})

export default section({ spec: 'policy', page: 'robustness', revisions: 'all', over: 'http' }, [
  check('transport/body-limit', {
    title: 'Bodies are limited in size',
    policy: 'refuse a body of 20 MB, and go on serving',
    needs: { bodies },
    judge: ({ bodies: { before, large, after } }) =>
      controlled([before], () => {
        if (resultOf(after) === undefined)
          return broken('no longer answers after a body of 20 MB', { expected: 'a result', actual: summaryOf(after), exchange: after })
        // To close the connection is to refuse the rest.
        return large.response === undefined && large.failure?.code === 'reset' ? holds : isRefused(large, 'takes a body of 20 MB')
      }),
    fix: 'Answer 413 as soon as Content-Length or the bytes received exceed a limit.',
    covers: 'transport.http.body-limit',
  }),

  check('transport/held-body', {
    title: 'A client that holds its body back holds up nobody',
    policy: 'answer other requests while a body does not come',
    needs: { heldBack },
    judge: ({ heldBack: { before, during, after } }) =>
      controlled([before, after], () => {
        // A target that is slow as a whole is not held up by one client.
        if ([before, after].some(({ started, ended }) => ended - started > held / 5))
          return inconclusive('the target is too slow at the moment to tell', before)
        if (during.failure?.code === 'timeout')
          return holdsIf(false, 'lets one client hold up another', {
            expected: `an answer within ${held} ms`,
            actual: summaryOf(during),
            exchange: during,
          })
        return answered(during, () =>
          resultOf(during) === undefined ? inconclusive(`the other request ends in ${summaryOf(during)}`, during) : holds,
        )
      }),
    fix: 'Read bodies without blocking, with a timeout of their own.',
    covers: 'transport.http.slow-body',
  }),
])
