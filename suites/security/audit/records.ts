import {
  all,
  answered,
  check,
  type Exchange,
  each,
  errorOf,
  holdsIf,
  inconclusive,
  type Judgement,
  notApplicable,
  notTestable,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { type Calls, calls, type MarkedCall, nobody, timeOf } from './calls.ts'
import { type Entry, type Field, fieldOf, sayings } from './fields.ts'

type Name = keyof Calls['calls']

/** Milliseconds by which two clocks may differ. */
const skew = 5_000

const isUnmarked = ({ calls }: Calls): boolean => Object.values(calls).every((call) => call.records.length === 0)

/** Says something only when the well-behaved calls before and after went as they should, and the trail tells calls apart. */
function trailed(evidence: Calls, judge: () => Judgement): Judgement {
  const { allowed, last } = evidence.calls
  for (const control of [allowed, last])
    if (control === undefined || resultOf(control.exchange) === undefined || resultOf(control.exchange)!.isError === true)
      return inconclusive('the control, a right call, does not succeed', control?.exchange)
  if (evidence.size === 0) return inconclusive('nothing has arrived in the audit trail')
  return isUnmarked(evidence) ? notTestable('the audit trail tells calls apart neither by trace id nor by request id') : judge()
}

/** Judges one kind of call that was made, if it ended as it was meant to. */
function made(evidence: Calls, name: Name, fits: (exchange: Exchange) => boolean, judge: (call: MarkedCall) => Judgement): Judgement {
  return trailed(evidence, () => {
    const call = evidence.calls[name]
    if (call === undefined) return notTestable('such a call could not be made here')
    return answered(call.exchange, () =>
      fits(call.exchange) ? judge(call) : notApplicable(`the target answers otherwise: ${summaryOf(call.exchange)}`),
    )
  })
}

const succeeded = (exchange: Exchange): boolean => resultOf(exchange) !== undefined
const denied = (exchange: Exchange): boolean => [401, 403].includes(statusOf(exchange) ?? 0)
const failed = (exchange: Exchange): boolean => errorOf(exchange) !== undefined || resultOf(exchange)?.isError === true

const one = ({ exchange, records }: MarkedCall, what: string): Judgement =>
  holdsIf(records.length === 1, records.length === 0 ? `keeps no record of ${what}` : `keeps several records of ${what}`, {
    expected: 'one record',
    actual: `${records.length} records`,
    exchange,
  })

/** The one call whose record should hold everything. */
const record = (evidence: Calls, judge: (record: Entry, call: MarkedCall) => Judgement, name: Name = 'allowed'): Judgement =>
  trailed(evidence, () => {
    const call = evidence.calls[name]
    const [first] = call?.records ?? []
    return call === undefined || first === undefined ? inconclusive('the call has left no record', call?.exchange) : judge(first, call)
  })

const has = (evidence: Calls, field: Field, what: string): Judgement =>
  record(evidence, (entry, { exchange }) =>
    holdsIf(fieldOf(entry, field) !== undefined, `records a call without ${what}`, {
      expected: what,
      actual: Object.keys(entry).join(', '),
      exchange,
    }),
  )

export default section(
  {
    spec: 'policy',
    page: 'audit',
    revisions: '2025-03-26..',
    over: 'http',
    requires: ['authorization', 'audit log', 'callable tool'],
    weakness: ['CWE-778', 'MCP08:2025'],
    threat: 'unaccounted-action',
  },
  [
    check('audit/allowed', {
      title: 'An allowed call leaves one record',
      policy: 'write exactly one audit record for each call it allows',
      needs: { calls },
      judge: ({ calls }) =>
        all((['allowed', 'listed', 'last'] as const).map((name) => made(calls, name, succeeded, (call) => one(call, 'an allowed call')))),
      fix: 'Write the record where every request ends, whatever became of it.',
    }),

    check('audit/denied', {
      weakness: ['CWE-778', 'CWE-223', 'MCP08:2025'],
      title: 'A request without a right token leaves one record',
      policy: 'write exactly one audit record for each request it turns away for its token',
      needs: { calls },
      judge: ({ calls }) =>
        all((['missing', 'wrong'] as const).map((name) => made(calls, name, denied, (call) => one(call, 'a request it turns away')))),
      fix: 'Write the record of a refusal before the 401 is sent; an attack shows in these first.',
    }),

    check('audit/forbidden', {
      weakness: ['CWE-778', 'CWE-223', 'MCP08:2025'],
      requires: 'forging issuer',
      title: 'A call beyond the scopes of its token leaves one record',
      policy: 'write exactly one audit record for each call it forbids for want of a scope',
      needs: { calls },
      judge: ({ calls }) => made(calls, 'narrow', denied, (call) => one(call, 'a call it forbids')),
      fix: 'Write the record of a 403 where that of a 401 is written.',
    }),

    check('audit/failed', {
      title: 'A failed call leaves one record',
      policy: 'write exactly one audit record for each call that fails',
      needs: { calls },
      judge: ({ calls }) => made(calls, 'failed', failed, (call) => one(call, 'a failed call')),
      fix: 'Write the record in the same place for errors and results.',
    }),

    check('audit/actor', {
      title: 'A record names who called',
      policy: 'record the client or the user a call was made by',
      needs: { calls },
      judge: ({ calls }) => has(calls, 'actor', 'an actor'),
      fix: 'Record client_id and sub of the verified token.',
    }),

    check('audit/verified-actor', {
      weakness: ['CWE-290', 'CWE-778', 'MCP08:2025'],
      requires: 'forging issuer',
      title: 'A record names nobody who was not verified',
      policy: 'not record as the actor whom a token that does not hold claims to be',
      needs: { calls },
      judge: ({ calls }) =>
        made(calls, 'forged', denied, ({ exchange, records }) =>
          holdsIf(!records.some((entry) => sayings(entry, 'actor').includes(nobody)), 'records as the actor whom a forged token names', {
            expected: 'no actor, or one marked as claimed',
            actual: nobody,
            exchange,
          }),
        ),
      fix: 'Read the actor from the token once its signature is verified, and not before.',
    }),

    check('audit/tenant', {
      title: 'A record names the tenant',
      policy: 'record the tenant a call was made for',
      requires: 'second tenant',
      needs: { calls },
      judge: ({ calls }) =>
        record(calls, (entry, { exchange }) => {
          const said = sayings(entry, 'tenant')
          const right = calls.tenant === null ? said.length > 0 : said.includes(calls.tenant)
          return holdsIf(right, 'records a call without its tenant', {
            expected: calls.tenant ?? 'a tenant',
            actual: said[0] ?? 'none',
            exchange,
          })
        }),
      fix: 'Record the tenant the verified token names.',
    }),

    check('audit/operation', {
      title: 'A record names what was called',
      policy: 'record the method, and the tool or resource it is about',
      needs: { calls },
      judge: ({ calls }) =>
        record(calls, (entry, { exchange }) => {
          const [methods, targets] = [sayings(entry, 'method'), sayings(entry, 'target')]
          return holdsIf(
            methods.includes('tools/call') && targets.some((target) => calls.tool.endsWith(String(target))),
            'records a call without saying of what',
            {
              expected: `tools/call, ${calls.tool}`,
              actual: [methods[0], targets[0]].map((each) => each ?? 'nothing').join(', '),
              exchange,
            },
          )
        }),
      fix: 'Record the JSON-RPC method and params.name or params.uri.',
    }),

    check('audit/decision', {
      title: 'A record says whether the call was allowed',
      policy: 'record the decision, so that denied requests can be told from allowed ones',
      needs: { calls },
      judge: ({ calls }) =>
        record(calls, (allowed) =>
          record(
            calls,
            (refused, { exchange }) => {
              if (!denied(exchange)) return notApplicable('the target does not turn away a request without a token')
              const [yes, no] = [fieldOf(allowed, 'decision'), fieldOf(refused, 'decision')]
              return holdsIf(yes !== undefined && no !== undefined && yes !== no, 'records denied requests as it records allowed ones', {
                expected: 'two decisions',
                actual: `${yes ?? 'nothing'} and ${no ?? 'nothing'}`,
                exchange,
              })
            },
            'missing',
          ),
        ),
      fix: 'Record a decision of allowed or denied.',
    }),

    check('audit/reason', {
      title: 'The record of a refusal gives its reason',
      policy: 'record why a request was denied',
      needs: { calls },
      judge: ({ calls }) =>
        all(
          (['missing', 'wrong'] as const).map((name) =>
            record(
              calls,
              (entry, { exchange }) =>
                denied(exchange)
                  ? holdsIf(fieldOf(entry, 'reason') !== undefined, 'records a refusal without a reason', {
                      expected: 'a reason',
                      actual: Object.keys(entry).join(', '),
                      exchange,
                    })
                  : notApplicable('the target does not turn away such a request'),
              name,
            ),
          ),
        ),
      fix: 'Record the rule that denied the request, in words of the gateway.',
    }),

    check('audit/outcome', {
      title: 'A record tells success from failure',
      policy: 'record what a call came to, so that failed calls can be told from the others',
      needs: { calls },
      judge: ({ calls }) =>
        record(calls, (good) => {
          const bad = (['failed', 'toolError'] as const)
            .flatMap((name) => calls.calls[name] ?? [])
            .filter(({ exchange }) => failed(exchange))
          const recorded = bad.filter(({ records }) => records.length > 0)
          return each(recorded, 'no failed call has left a record', ({ exchange, records: [first] }) =>
            holdsIf(
              JSON.stringify(sayings(good, 'status')) !== JSON.stringify(sayings(first!, 'status')),
              'records a failed call as a success',
              {
                expected: 'another status',
                actual: fieldOf(first!, 'status') ?? 'no status',
                exchange,
              },
            ),
          )
        }),
      fix: 'Record error for JSON-RPC errors and for results with isError.',
    }),

    check('audit/source', {
      title: 'A record says where the call came from',
      policy: 'record the network address a request came from',
      needs: { calls },
      judge: ({ calls }) => has(calls, 'source', 'a source address'),
      fix: 'Record the address of the peer, or what the trusted proxy says it is.',
    }),

    check('audit/correlation', {
      title: 'A record can be found by the trace of its call',
      policy: 'record the trace id or the request id of a call',
      needs: { calls },
      judge: ({ calls }) => {
        const { allowed } = calls.calls
        if (allowed === undefined || resultOf(allowed.exchange) === undefined)
          return inconclusive('the control, a right call, does not succeed', allowed?.exchange)
        if (calls.size === 0) return inconclusive('nothing has arrived in the audit trail')
        return holdsIf(!isUnmarked(calls), 'records calls by no mark a caller knows', {
          expected: `a record with ${allowed.traceId}`,
          actual: `${calls.size} records, none with it`,
          exchange: allowed.exchange,
        })
      },
      fix: 'Read traceparent, and record its trace id; record the JSON-RPC id beside it.',
    }),

    check('audit/time', {
      title: 'A record says when',
      policy: 'record the time of a call, as it was',
      needs: { calls },
      judge: ({ calls }) =>
        record(calls, (entry, { exchange, from, to }) => {
          const at = timeOf(entry)
          return holdsIf(at !== undefined && at >= from - skew && at <= to + skew, 'records a call without its time', {
            expected: `between ${new Date(from).toISOString()} and ${new Date(to).toISOString()}`,
            actual: fieldOf(entry, 'time') ?? 'no time',
            exchange,
          })
        }),
      fix: 'Record a timestamp in UTC to the millisecond, from a clock that is synchronised.',
    }),

    check('audit/duration', {
      title: 'A record says how long the call took',
      policy: 'record the duration of a call',
      needs: { calls },
      judge: ({ calls }) => has(calls, 'duration', 'a duration'),
      fix: 'Record the milliseconds from the head of the request to the end of the answer.',
    }),

    check('audit/token-reference', {
      title: 'A record tells tokens apart without holding them',
      policy: 'record the id or a hash of the token a call was made with',
      needs: { calls },
      judge: ({ calls }) => has(calls, 'token', 'a reference to the token'),
      fix: 'Record jti, or a hash of it: a stolen token can then be followed.',
    }),

    check('audit/elevation', {
      requires: 'forging issuer',
      title: 'A record of a missing scope names it',
      policy: 'record which scope was asked for and which were there when a call is forbidden for want of one',
      needs: { calls },
      judge: ({ calls }) =>
        made(
          calls,
          'narrow',
          (exchange) => statusOf(exchange) === 403,
          ({ exchange, records: [first] }) =>
            first === undefined
              ? inconclusive('the call has left no record', exchange)
              : holdsIf(fieldOf(first, 'scope') !== undefined, 'records a forbidden call without the scopes', {
                  expected: 'the scopes needed and granted',
                  actual: Object.keys(first).join(', '),
                  exchange,
                }),
        ),
      fix: 'Record the scopes an operation takes and those of the token with each 403, under the trace id of the call.',
    }),

    check('audit/sequence', {
      title: 'Records are numbered without gaps',
      policy: 'number audit records one after the other, so that a missing one is seen',
      needs: { calls },
      judge: ({ calls }) =>
        trailed(calls, () =>
          calls.numbered
            ? holdsIf(calls.gaps.length === 0, 'numbers its records with gaps', {
                expected: 'each number one more than the one before',
                actual: calls.gaps.map(([before, after]) => `${after} after ${before}`).join(', '),
                exchange: calls.calls.last?.exchange,
              })
            : notApplicable('the audit trail has no sequence numbers'),
        ),
      fix: 'Number a record when it is written, under the same lock.',
    }),

    check('audit/order', {
      title: 'Records stand in the order of their times',
      policy: 'keep audit records in the order of their times',
      needs: { calls },
      judge: ({ calls }) =>
        trailed(calls, () =>
          holdsIf(calls.back.length === 0, 'keeps records whose times go back', {
            expected: 'no time before that of the record before',
            actual: `${calls.back.length} records, first at ${calls.back[0]}`,
            exchange: calls.calls.last?.exchange,
          }),
        ),
      fix: 'Take the time when the record is written.',
    }),
  ],
)
