import { expect, test } from 'vitest'
import { modest, type Spread, type StreamFlowResult, type StreamsResult, type UnitFacts } from '../../src/model/index.ts'
import streams from './streams.ts'

const facts = { era: 'session', facilities: {} } as unknown as UnitFacts

const spread = (count: number, p95: number): Spread => ({
  count,
  latency: { p50: p95, p95, p99: p95, 'p99.9': p95, max: p95 },
  within: { 500: count },
  histogram: '',
})

const flow = (more: Partial<StreamFlowResult> = {}): StreamFlowResult => ({
  streams: { asked: modest.streams, opened: modest.streams, refused: {}, ended: {}, renewed: 0 },
  events: { due: 450, received: 450, lost: 0, duplicated: 0, disordered: 0, foreign: 0 },
  first: spread(50, 260),
  gaps: spread(400, 260),
  delays: spread(0, 0),
  ...more,
})

const resumption = { cut: 20, unnamed: 0, resumed: 20, refused: {}, brought: 120 }

const result = (flows: StreamsResult['flows'], conditions: Partial<StreamsResult['conditions']> = {}): StreamsResult => ({
  driver: { name: 'undici', version: '8' },
  flows,
  conditions: { held: { p99: 5, max: 20 }, machine: 0.5, exhausted: 0, clockSet: 0, ...conditions },
})

const judge = (id: string, seen: StreamsResult, about: Partial<UnitFacts> = {}) =>
  streams.find((check) => check.id === id)!.judge({ held: { listening: seen }, speaking: seen } as never, { ...facts, ...about })

const speaking = (more: Partial<StreamFlowResult>, conditions = {}) => result({ calls: flow(more) }, conditions)
const lost = flow().events

test('streams that stay open, and events that come, pass', () => {
  const seen = result({ calls: flow(), listening: flow({ delays: spread(200, 30) }), cut: flow({ resumption }) })
  for (const { id } of streams.filter(({ id }) => id !== 'load/streams-beside'))
    expect(judge(id, seen), id).toMatchObject({ kind: 'holds' })
})

test('times that were taken while the machine or the driver was busy say nothing, and lost events do', () => {
  for (const conditions of [{ exhausted: 0.4 }, { held: { p99: 180, max: 400 } }, { clockSet: 900 }]) {
    expect(judge('load/stream-first-event', speaking({ first: spread(50, 9_000) }, conditions))).toMatchObject({ kind: 'inconclusive' })
    // A machine with nothing left makes nothing early.
    expect(judge('load/stream-first-event', speaking({ first: spread(50, 260) }, conditions))).toMatchObject({
      kind: 'exhausted' in conditions ? 'holds' : 'inconclusive',
    })
    expect(judge('load/stream-events', speaking({ events: { ...lost, lost: 3 } }, conditions))).toMatchObject({ kind: 'broken' })
  }
})

test('what was waited for in vain on a busy machine is not held against the target', () => {
  const late = { streams: { ...flow().streams, ended: { 'no answer in time': 2 } } }
  expect(judge('load/stream-events', speaking(late))).toMatchObject({ kind: 'broken' })
  expect(judge('load/stream-events', speaking(late, { exhausted: 0.9 }))).toMatchObject({ kind: 'inconclusive' })
  const unheard = { listening: flow({ delays: spread(190, 30), events: { ...lost, lost: 10 } }) }
  expect(judge('load/stream-updates', result(unheard))).toMatchObject({ kind: 'broken' })
  expect(judge('load/stream-updates', result(unheard, { exhausted: 0.9 }))).toMatchObject({ kind: 'inconclusive' })
})

test('too few streams, times or events say nothing', () => {
  const few = { ...flow().streams, asked: 3, opened: 3 }
  expect(judge('load/stream-events', speaking({ streams: few }))).toMatchObject({ kind: 'inconclusive' })
  expect(judge('load/streams-held', result({ listening: flow({ streams: few }) }))).toMatchObject({ kind: 'inconclusive' })
  expect(judge('load/stream-rhythm', speaking({ gaps: spread(7, 10) }))).toMatchObject({ kind: 'inconclusive' })
  expect(judge('load/stream-updates', result({ listening: flow({ events: { ...lost, received: 0, lost: 450 } }) }))).toMatchObject({
    kind: 'inconclusive',
  })
})

test('what ended before its time is inconclusive, unless it was wrong by then', () => {
  const conditions = { cutShort: 'the run was interrupted' }
  expect(judge('load/stream-events', speaking({}, conditions))).toMatchObject({ kind: 'inconclusive' })
  expect(judge('load/stream-events', speaking({ events: { ...lost, foreign: 1 } }, conditions))).toMatchObject({ kind: 'broken' })
})

test('streams that are not offered are no failure, and some that are refused are one', () => {
  const none = { ...flow().streams, opened: 0, refused: { 'HTTP 405': 50 } }
  expect(judge('load/streams-held', result({ listening: flow({ streams: none }) }))).toMatchObject({ kind: 'not-applicable' })
  const some = { ...flow().streams, opened: 40, refused: { 'HTTP 503': 10 } }
  expect(judge('load/streams-held', result({ listening: flow({ streams: some }) }))).toMatchObject({
    kind: 'broken',
    actual: '10 × HTTP 503',
  })
})

test('a resumption that is not offered is not judged, and one that is must bring all', () => {
  const cut = (more: Partial<typeof resumption>, events = lost) =>
    judge('load/stream-resumption', result({ calls: flow(), cut: flow({ resumption: { ...resumption, ...more }, events }) }))
  expect(cut({ unnamed: 20, resumed: 0, brought: 0 })).toMatchObject({ kind: 'not-applicable' })
  expect(cut({ resumed: 0, refused: { 'HTTP 405': 20 }, brought: 0 })).toMatchObject({ kind: 'not-applicable' })
  expect(cut({ brought: 0 }, { ...lost, lost: 120 })).toMatchObject({ kind: 'not-applicable' })
  expect(cut({ resumed: 0, refused: { 'HTTP 503': 20 }, brought: 0 })).toMatchObject({ kind: 'broken' })
  expect(cut({ resumed: 15, refused: { 'HTTP 404': 5 } })).toMatchObject({ kind: 'broken' })
  expect(cut({}, { ...lost, lost: 1 })).toMatchObject({ kind: 'broken' })
  const either = flow({ events: { ...lost, lost: 9 } })
  expect(judge('load/stream-resumption', result({ calls: either, cut: flow({ resumption, events: { ...lost, lost: 4 } }) }))).toMatchObject(
    {
      kind: 'inconclusive',
    },
  )
})

test('an objective says what is in time', () => {
  const objectives = [{ name: 'soon', sli: 'latency', method: 'first event', within: 500, target: 0.9 }] as const
  const seen = (within: number) => speaking({ first: { ...spread(50, 1_200), within: { 500: within } } })
  expect(judge('load/stream-first-event', seen(50), { objectives })).toMatchObject({ kind: 'holds' })
  expect(judge('load/stream-first-event', seen(10), { objectives })).toMatchObject({ kind: 'broken' })
})
