import { randomBytes } from 'node:crypto'
import { objectIn, type ProbeContext, probe } from '../../../src/model/index.ts'
import { marked, recordsOf } from './calls.ts'

/** What a forged line says it is of. */
export const forger = 'assay-forged'

/** Characters of a name that is too long to be anybody's. */
export const huge = 16_000

const settling = 200
const mostLines = 20

const mark = (): string => `assay${randomBytes(8).toString('hex')}`

const forgedLine = JSON.stringify({
  timestamp: '2020-01-01T00:00:00.000Z',
  level: 'INFO',
  component: forger,
  event: 'mcp_request',
  decision: 'allowed',
  details: { client_id: forger, method: 'tools/call', status: 'success' },
})

const names = (own: string) => ({
  line: `${own}\r\n${forgedLine}\r\n`,
  quote: `${own}","decision":"allowed","component":"${forger}`,
  escape: `${own}\u001b[2J\u001b[31m\u0007`,
  huge: `${own}${'x'.repeat(huge)}`,
})

type Name = keyof ReturnType<typeof names>

/** Calls of tools by names that would forge a line of a log, or do something to the terminal it is read on. */
async function call(context: ProbeContext) {
  const connection = await context.connect()
  const own = mark()
  const before = await connection.send('tools/list')
  const sent = Object.fromEntries(
    await Promise.all(
      Object.entries(names(own)).map(async ([kind, name]) => [
        kind,
        await marked((options) => connection.send('tools/call', { name, arguments: {} }, options)),
      ]),
    ),
  ) as Record<Name, Awaited<ReturnType<typeof marked>>>
  const method = await marked((options) => connection.send(`${own}\r\n${forgedLine}`, undefined, options))
  return { own, before, sent: { ...sent, method }, after: await connection.send('tools/list') }
}

// The control characters but for the tab; those of C1 begin an escape sequence on some terminals.
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/

function problemsOf(lines: string[]) {
  const parsed = lines.map(objectIn)
  const foreign = (line: string, at: number) => parsed[at]?.component === forger || line.startsWith(forgedLine.slice(0, 40))
  return {
    lines: lines.length,
    forged: lines.filter(foreign).slice(0, 3),
    escapes: lines
      .filter((line) => controls.test(line))
      .slice(0, 3)
      .map((line) => JSON.stringify(line).slice(0, 200)),
  }
}

/** Names meant for whoever reads the log. */
export const hostile = probe('names that would forge a log', { over: 'http', requires: 'authorization' }, async (context) => {
  const { observe, pause, redact } = context
  const { own, sent, ...controls } = await call(context)
  const records = observe.audit ? (await recordsOf(context, sent)).calls : null
  await pause(settling)
  const lines = await observe.logs?.()
  return {
    ...controls,
    own,
    records,
    log: lines === undefined ? null : { ...problemsOf(lines), newest: lines.slice(-mostLines).map((line) => redact(line).slice(0, 2_000)) },
  }
})

/** Whether a control character stands in a value. */
export const isControlled = (record: unknown): boolean =>
  typeof record === 'string'
    ? controls.test(record)
    : typeof record === 'object' && record !== null && Object.values(record).some(isControlled)
