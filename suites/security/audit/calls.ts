import { randomBytes } from 'node:crypto'
import { type Connection, type Exchange, type ProbeContext, probe } from '../../../src/model/index.ts'
import { decodeJwt } from '../tokens/jwt.ts'
import { type Entry, fieldOf } from './fields.ts'

/** Who a token claims to be that nobody has issued. */
export const nobody = 'assay-nobody'

/** Milliseconds until the first record of a probe must be there, and the others after it. */
const patience = { first: 5_000, others: 500 }
const step = 50
const mostRecords = 4

/** One call, with a trace of its own by which its records are found. */
export interface MarkedCall {
  exchange: Exchange
  traceId: string
  /** By the clock of the harness, in milliseconds since 1970. */
  from: number
  to: number
  records: Entry[]
}

export interface Marks {
  traceId: string
  id: string
  options: { id: string; headers: Record<string, string>; meta: Record<string, unknown> }
}

export function marks(headers: Record<string, string | null> = {}): Marks {
  const traceId = randomBytes(16).toString('hex')
  const id = `assay-${randomBytes(8).toString('hex')}`
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`
  return { traceId, id, options: { id, headers: { traceparent, ...headers } as Record<string, string>, meta: { traceparent } } }
}

/** Makes one call with marks of its own. */
export async function marked(send: (options: Marks['options']) => Promise<Exchange>, headers?: Record<string, string | null>) {
  const { traceId, id, options } = marks(headers)
  const from = Date.now()
  const exchange = await send(options)
  return { exchange, traceId, id, from, to: Date.now() }
}

export type Sent = Awaited<ReturnType<typeof marked>>

/** What the audit trail has of these calls, once it has all of them or has had its time. */
export async function recordsOf<Name extends string>(
  { observe, pause, redact }: ProbeContext,
  calls: Partial<Record<Name, Sent>>,
): Promise<{ calls: Partial<Record<Name, MarkedCall>>; trail: Entry[] }> {
  const sent = Object.entries(calls) as [Name, Sent | undefined][]
  const read = async () => {
    const trail = await observe.audit!()
    const texts = trail.map((record) => JSON.stringify(record))
    const found = sent.flatMap(([name, call]): [Name, MarkedCall][] => {
      if (call === undefined) return []
      const { id, ...about } = call
      const own = texts.filter((text) => text.includes(call.traceId) || text.includes(id)).slice(0, mostRecords)
      return [[name, { ...about, records: own.map((text) => JSON.parse(redact(text)) as Entry) }]]
    })
    return { calls: Object.fromEntries(found) as Partial<Record<Name, MarkedCall>>, trail }
  }
  let last = await read()
  const began = performance.now()
  let first: number | undefined
  while (performance.now() - began < patience.first) {
    const counts = Object.values<MarkedCall>(last.calls as Record<string, MarkedCall>).map(({ records }) => records.length)
    if (counts.every((count) => count > 0)) break
    if (counts.some((count) => count > 0)) first ??= performance.now()
    // A trail that has later records than these, and none of them, marks its records by something else.
    else if (performance.now() - began > patience.others && last.trail.length > 0) break
    if (first !== undefined && performance.now() - first > patience.others) break
    await pause(step)
    last = await read()
  }
  return last
}

/** A call whose token has the first of its scopes only. */
async function narrowCall(context: ProbeContext, params: Record<string, unknown>): Promise<Sent | undefined> {
  const { instruments, connect } = context
  if (instruments.issuer === undefined) return undefined
  const scopes = String(decodeJwt(await instruments.issuer.mint())?.claims.scope ?? '').split(' ')
  if (scopes.length < 2) return undefined
  const token = await instruments.issuer.mint({ claims: { scope: scopes[0] } })
  const connection = await connect({ token, forged: true })
  return marked((options) => connection.send('tools/call', params, options))
}

/** A request whose token claims to be somebody, and was signed by nobody. */
async function forgedCall({ instruments }: ProbeContext, connection: Connection): Promise<Sent | undefined> {
  if (instruments.issuer === undefined) return undefined
  const token = await instruments.issuer.mint({ key: 'unknown', claims: { sub: nobody, client_id: nobody, azp: nobody } })
  return marked((options) => connection.send('tools/list', undefined, options), { Authorization: `Bearer ${token}` })
}

/** Whatever runs beside a call leaves records too, which by its marks are told from those of the call. */
export const calls = probe(
  'calls that leave a record',
  { over: 'http', requires: ['audit log', 'authorization', 'callable tool'] },
  async (context) => {
    const connection = await context.connect()
    const { name, arguments: given } = await context.tool('any')
    const failing = await context.tool('failing').catch(() => undefined)
    const call = (tool: string, args: Record<string, unknown>) =>
      marked((options) => connection.send('tools/call', { name: tool, arguments: args }, options))
    const list = (headers: Record<string, string | null>) => marked((options) => connection.send('tools/list', undefined, options), headers)
    const sent = {
      allowed: await call(name, given),
      listed: await list({}),
      missing: await list({ Authorization: null }),
      wrong: await list({ Authorization: 'Bearer assay.not-a.token' }),
      forged: await forgedCall(context, connection),
      narrow: await narrowCall(context, { name, arguments: given }),
      failed: await call('assay_no_such_tool', {}),
      toolError: failing && (await call(failing.name, failing.arguments)),
      last: await call(name, given),
    }
    const { calls, trail } = await recordsOf(context, sent)
    return { calls, tool: name, tenant: context.identities[0]?.tenant ?? null, ...orderOf(trail), size: trail.length }
  },
)

export type Calls = Awaited<ReturnType<typeof calls.run>>

/** Whether the numbers of a trail follow one another, and its times never go back. */
function orderOf(trail: Entry[]) {
  const numbers = trail.map(numberOf)
  const numbered = numbers.length > 0 && numbers.every((number) => number !== undefined)
  const gaps = numbered
    ? numbers.flatMap((number, at) => (at > 0 && number! - numbers[at - 1]! !== 1 ? [[numbers[at - 1], number]] : []))
    : []
  const times = trail.map(timeOf)
  const back = times.flatMap((time, at) =>
    at > 0 && time !== undefined && times[at - 1] !== undefined && time < times[at - 1]! ? [at] : [],
  )
  return { numbered, gaps: gaps.slice(0, 5), back: back.slice(0, 5) }
}

const numberOf = (record: Entry): number | undefined => {
  const value = Number(fieldOf(record, 'sequence') ?? Number.NaN)
  return Number.isSafeInteger(value) ? value : undefined
}

/** A time in milliseconds since 1970, written as text or as a number of seconds or smaller parts. */
export function timeOf(record: Entry): number | undefined {
  const value = fieldOf(record, 'time')
  if (typeof value === 'string' && Number.isNaN(Number(value))) return Number.isNaN(Date.parse(value)) ? undefined : Date.parse(value)
  const number = Number(value)
  if (!Number.isFinite(number) || number <= 0) return undefined
  // Seconds, milliseconds, microseconds and nanoseconds of our days have ten, thirteen, sixteen and nineteen digits.
  const digits = Math.trunc(number).toString().length
  return number / 10 ** (digits <= 11 ? -3 : digits <= 14 ? 0 : digits <= 17 ? 3 : 6)
}
