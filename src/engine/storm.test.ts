import { expect, test } from 'vitest'
import type { Exchange, StormPlan } from '../model/index.ts'
import { Activity, Pace, Recorder } from '../wire/index.ts'
import { raise } from './storm.ts'

const recorder = () => new Recorder({ maxBytes: 1_000, exchangeDeadline: 1_000 }, new Pace(10_000), new Activity())

const planOver = (written: Recorder, plan: Partial<StormPlan>): StormPlan => ({
  calls: 200,
  atOnce: 10,
  within: 5_000,
  send: async (_number, { passing }): Promise<Exchange> => {
    const exchange = written.begin('http', 1, { method: 'POST', url: 'http://127.0.0.1/', headers: [] }, passing)
    await new Promise((resolve) => setImmediate(resolve))
    return written.end(exchange)
  },
  look: () => 'fine',
  ...plan,
})

test('writes down samples and what is remarkable', async () => {
  const written = recorder()
  const storm = await raise(planOver(written, { look: (_exchange, number) => (number === 100 ? 'keep' : 'fine') }), written)
  expect(storm.sent).toBe(200)
  expect(storm.stopped).toBe(false)
  expect(storm.kept.length).toBe(4)
  expect(written.exchanges.map(({ id }) => id)).toEqual([1, 2, 3, 4])
})

test('ends when an answer says so', async () => {
  const written = recorder()
  const storm = await raise(planOver(written, { look: (_exchange, number) => (number === 20 ? 'stop' : 'fine') }), written)
  expect(storm.stopped).toBe(true)
  expect(storm.sent).toBeLessThan(60)
})

test('sends no more than the target allows, and nothing when the time is up', async () => {
  const written = recorder()
  expect((await raise(planOver(written, {}), written, 30)).sent).toBe(30)
  expect((await raise(planOver(written, { within: 0 }), written)).sent).toBe(0)
})

test('bounds what is written down', async () => {
  const written = recorder()
  await raise(planOver(written, { look: () => 'keep' }), written)
  expect(written.exchanges.length).toBe(50)
})
