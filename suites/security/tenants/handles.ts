import { randomUUID } from 'node:crypto'
import {
  all,
  broken,
  check,
  type Exchange,
  each,
  holds,
  holdsIf,
  type Judgement,
  notApplicable,
  notificationsOf,
  notTestable,
  probe,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { scriptedTool } from '../../scripted.ts'
import { isResult, proven, showsNone, tellable } from './crossing.ts'
import { heard, type Side, sharedBoth, sides } from './pair.ts'
import { cursorOf, viewsOf } from './views.ts'

const lists = ['tools/list', 'resources/list', 'prompts/list', 'resources/templates/list']

const cursors = probe('cursors of one tenant used by another', { requires: 'second tenant', over: 'http' }, async (context) => {
  const { words } = await viewsOf(context)
  const { own, other } = await sharedBoth(context)
  const firsts = (await Promise.all(lists.map(async (method) => ({ method, page: await own.send(method) })))).filter(
    ({ page }) => cursorOf(page) !== undefined,
  )
  const turned = await Promise.all(
    firsts.map(async ({ method, page }) => {
      const params = { cursor: cursorOf(page)! }
      const rightly = await own.send(method, params)
      return { method, rightly, wrongly: await other.send(method, params) }
    }),
  )
  return { words, turned }
})

const rounds = 6

/** Calls of both tenants under the same ids, at the same time, each with a text of its own to be given back. */
const sameIds = probe(
  'requests of two tenants under the same ids',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { name } = await scriptedTool(context)
    const clients = await sharedBoth(context)
    const calls: { side: Side; own: string; foreign: string; call: Exchange }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const marker = { own: `assay-own-${randomUUID()}`, other: `assay-other-${randomUUID()}` }
      const id = round % 2 === 0 ? 900_000 + round : `assay-${round}`
      const sent = sides.map(async (side) => {
        const script = await context.instruments.upstream!.script({ delay: 60 })
        const call = await clients[side].send('tools/call', { name, arguments: { script, text: marker[side] } }, { id })
        calls.push({ side, own: marker[side], foreign: marker[side === 'own' ? 'other' : 'own'], call })
      })
      await Promise.all(sent)
    }
    return calls
  },
)

/** Progress of both under the same token: the values tell whose it is. */
const progressOf: Record<Side, number[]> = { own: [1, 2, 3], other: [101, 102, 103] }

const sameTokens = probe(
  'progress of two tenants under the same token',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { name } = await scriptedTool(context)
    const clients = await sharedBoth(context)
    return Promise.all(
      sides.map(async (side) => {
        const script = await context.instruments.upstream!.script({ delay: 400, progress: progressOf[side] })
        const params = { name, arguments: { script, text: side }, _meta: { progressToken: 'assay-shared-token' } }
        return { side, call: await clients[side].send('tools/call', params, { wholeStream: true }) }
      }),
    )
  },
)

const cancelled = probe(
  'a request of one tenant cancelled by another',
  { requires: ['second tenant', 'scripted upstream'], over: 'http' },
  async (context) => {
    const { name } = await scriptedTool(context)
    const { own, other } = await sharedBoth(context)
    const upstream = context.instruments.upstream!
    const script = await upstream.script({ delay: 600 })
    const call = own.send('tools/call', { name, arguments: { script, text: 'assay' } }, { id: 'assay-cancelled' })
    for (let waited = 0; waited < 1_000 && (await upstream.calls(script)).length === 0; waited += 25) await context.pause(25)
    const cancel = await other.notify('notifications/cancelled', { requestId: 'assay-cancelled', reason: 'assay' })
    return { call: await call, cancel }
  },
)

export default section(
  {
    spec: 'policy',
    page: 'tenants',
    revisions: '2024-11-05..',
    over: 'http',
    requires: 'second tenant',
    weakness: ['CWE-639', 'CWE-488', 'API1:2023', 'MCP10:2025'],
    threat: 'tenant-crossing',
  },
  [
    check('tenants/cursor', {
      title: 'The cursor of a tenant leads no other into its list',
      policy: 'answer a cursor of another tenant with an error, or with what the caller may see',
      needs: { cursors },
      judge: ({ cursors: { words, turned } }) =>
        tellable({ words }, () =>
          each(turned, 'no list has a second page', ({ rightly, wrongly }) =>
            proven([rightly], () => showsNone(words.own, wrongly, 'to whoever has its cursor').and(differs(rightly, wrongly, words.own))),
          ),
        ),
      fix: 'Sign the tenant into the cursor, or look it up by tenant and cursor; answer -32602 otherwise.',
      covers: 'pagination.cursor-tenant-bound',
    }),

    check('tenants/request-id', {
      requires: 'scripted upstream',
      title: 'Requests of two tenants under one id are kept apart',
      policy: 'answer each of two requests that have the same id with its own result',
      needs: { sameIds },
      judge: ({ sameIds }) =>
        all(
          sameIds.map(({ own, foreign, call }) =>
            holdsIf(!heard(call).includes(foreign), 'answers a tenant with the result of another', {
              expected: own,
              actual: foreign,
              exchange: call,
            }).and(proven([call], () => holds)),
          ),
        ),
      fix: 'Give requests to servers ids of your own, and find the way back by connection and id.',
      covers: 'tenant.response-cross-wire',
    }),

    check('tenants/progress-token', {
      requires: 'scripted upstream',
      title: 'Progress of two tenants under one token is kept apart',
      policy: 'send progress to the request it belongs to, also when another tenant has chosen the same token',
      needs: { sameTokens },
      judge: ({ sameTokens }) => {
        if (sameTokens.every(({ call }) => notificationsOf(call, 'notifications/progress').length === 0))
          return notApplicable('the target passes no progress on')
        return all(
          sameTokens.map(({ side, call }) => {
            const values = notificationsOf(call, 'notifications/progress').map(({ params }) => params?.progress)
            return holdsIf(
              values.every((value) => progressOf[side].includes(value as number)),
              'sends a tenant the progress of another',
              { expected: progressOf[side], actual: values, exchange: call },
            )
          }),
        )
      },
      fix: 'Replace progress tokens by tokens of your own towards the servers.',
      covers: ['tenant.event-isolation', 'tenant.response-cross-wire'],
    }),

    check('tenants/cancellation', {
      requires: 'scripted upstream',
      title: 'A tenant cannot cancel the request of another',
      policy: 'cancel only requests of the one who made them',
      needs: { cancelled },
      judge: ({ cancelled: { call, cancel } }) => {
        if (statusOf(cancel) === undefined) return notTestable('the cancellation could not be sent')
        return holdsIf(isResult(call), 'lets a tenant cancel the request of another', {
          expected: 'the request is answered all the same',
          actual: summaryOf(call),
          exchange: call,
        })
      },
      fix: 'Look running requests up by the session or identity that cancels, and by the id.',
      covers: 'tenant.session-isolation',
    }),
  ],
)

/** Where a page has nothing that would show whose it is, nothing follows from two pages that are the same. */
function differs(rightly: Exchange, wrongly: Exchange, words: readonly string[]): Judgement {
  const shown = words.some((word) => heard(rightly).includes(word))
  const same = JSON.stringify(resultOf(rightly)) === JSON.stringify(resultOf(wrongly))
  return shown && same
    ? broken('gives a page of one tenant to another', {
        expected: 'an error, or a page of its own',
        actual: summaryOf(wrongly),
        exchange: wrongly,
      })
    : holds
}
