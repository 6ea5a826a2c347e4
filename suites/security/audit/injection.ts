import { check, controlled, each, holdsIf, inconclusive, type Judgement, notTestable, objectIn, section } from '../../../src/model/index.ts'
import { fieldOf, sayings } from './fields.ts'
import { forger, hostile, huge, isControlled } from './hostile.ts'

type Evidence = Awaited<ReturnType<typeof hostile.run>>
type Log = NonNullable<Evidence['log']>
type Marked = NonNullable<NonNullable<Evidence['records']>['line']>

/** Characters a record may take for a name of many thousand. */
const longest = huge / 2

const logged = ({ before, after, log }: Evidence, judge: (log: Log) => Judgement): Judgement =>
  controlled([before, after], () => (log === null || log.lines === 0 ? inconclusive('nothing has arrived in the log') : judge(log)))

const recorded = ({ before, after, records }: Evidence, judge: (call: Marked) => Judgement): Judgement =>
  controlled([before, after], () => {
    const found = Object.values(records ?? {}).filter((call) => call.records.length > 0)
    return found.length === 0 ? notTestable('the audit trail holds no record of these calls') : each(found, '', judge)
  })

/** What the lines of a structured log hold: everything, and beside it what there is to say of a request. */
const ofLine = ['time', 'level', 'component', 'event'] as const
const ofRequest = ['actor', 'method', 'duration', 'status'] as const

export default section(
  {
    spec: 'policy',
    page: 'audit',
    revisions: '2025-03-26..',
    over: 'http',
    requires: 'authorization',
    weakness: ['CWE-117', 'MCP08:2025'],
    threat: 'unaccounted-action',
  },
  [
    check('audit/forged-line', {
      requires: 'logs',
      title: 'A caller cannot write a line of the log',
      policy: 'escape line breaks in what callers send, so that nobody forges a line of its log',
      needs: { hostile },
      judge: ({ hostile }) =>
        logged(hostile, ({ forged }) =>
          holdsIf(forged.length === 0, 'has a line in its log that a caller has written', {
            expected: 'one line a record',
            actual: forged[0],
            exchange: hostile.after,
          }),
        ),
      fix: 'Write the log as JSON by a library, never by joining texts.',
    }),

    check('audit/log-escapes', {
      requires: 'logs',
      weakness: ['CWE-117', 'CWE-150', 'MCP08:2025'],
      title: 'The log holds no control characters',
      policy: 'escape control characters in what callers send before it is logged',
      needs: { hostile },
      judge: ({ hostile }) =>
        logged(hostile, ({ escapes }) =>
          holdsIf(escapes.length === 0, 'logs control characters, which terminals obey', {
            expected: 'escaped as \\u001b, or left out',
            actual: escapes[0],
            exchange: hostile.after,
          }),
        ),
      fix: 'Escape or replace everything below U+0020 and U+007F to U+009F.',
    }),

    check('audit/control-characters', {
      requires: 'audit log',
      weakness: ['CWE-117', 'CWE-150', 'MCP08:2025'],
      title: 'Audit records hold no control characters',
      policy: 'replace control characters in the names callers choose before they are recorded',
      needs: { hostile },
      judge: ({ hostile }) =>
        recorded(hostile, ({ exchange, records }) =>
          holdsIf(!isControlled(records), 'records names with control characters', {
            expected: 'printable characters',
            actual: JSON.stringify(fieldOf(records[0]!, 'target') ?? records[0]).slice(0, 200),
            exchange,
          }),
        ),
      fix: 'Keep what is printable of a name, and mark what was left out.',
    }),

    check('audit/forged-record', {
      requires: 'audit log',
      title: 'A caller cannot add a record, or change one',
      policy: 'write one record for a call, whatever its name is, and let the name change no other field',
      needs: { hostile },
      judge: ({ hostile }) =>
        recorded(hostile, ({ exchange, records }) => {
          const changed = records.some((record) => record.component === forger || sayings(record, 'actor').includes(forger))
          return holdsIf(records.length === 1 && !changed, 'writes the records a caller makes up', {
            expected: 'one record, of the call',
            actual: `${records.length} records: ${JSON.stringify(records.at(-1)).slice(0, 200)}`,
            exchange,
          })
        }),
      fix: 'Build records as objects; encode them once, at the end.',
    }),

    check('audit/bounded-record', {
      requires: 'audit log',
      weakness: ['CWE-400', 'CWE-779', 'MCP08:2025'],
      threat: 'exhaustion',
      title: 'A huge name does not make a huge record',
      policy: `keep a record below ${longest} characters, whatever the caller sends`,
      needs: { hostile },
      judge: ({ hostile }) =>
        recorded(hostile, ({ exchange, records }) => {
          const size = JSON.stringify(records[0]).length
          return holdsIf(size < longest, 'records a huge name as it is', {
            expected: `less than ${longest} characters`,
            actual: `${size} characters`,
            exchange,
          })
        }),
      fix: 'Cut texts of callers after some hundred characters.',
    }),

    check('audit/log-schema', {
      requires: 'logs',
      weakness: ['CWE-778', 'MCP08:2025'],
      title: 'The log is structured',
      policy:
        'write each line of its log as a JSON object with timestamp, level, component and event, and of requests client, method, duration and status',
      needs: { hostile },
      judge: ({ hostile }) =>
        logged(hostile, ({ newest }) => {
          const lines = newest.map(objectIn)
          const poor = newest.find((_, at) => ofLine.some((field) => lines[at] === undefined || fieldOf(lines[at], field) === undefined))
          const rich = lines.some((line) => line !== undefined && ofRequest.every((field) => fieldOf(line, field) !== undefined))
          return holdsIf(poor === undefined && rich, 'logs lines that cannot be evaluated', {
            expected: 'timestamp, level, component, event; client_id, method, duration_ms, status',
            actual: poor ?? newest.at(-1),
            exchange: hostile.after,
          })
        }),
      fix: 'Log JSON with these members, details of a request under `details`.',
    }),
  ],
)
