import { decide, defaultPolicy } from '../src/gate/index.ts'
import type { Finding } from '../src/model/index.ts'
import type { Reported } from './reporter.ts'

const finding = (check: string, extra: Partial<Finding>): Finding => ({
  check,
  suite: 'conformance',
  title: 'An ended session is answered with 404',
  target: 'gateway',
  revision: '2025-11-25',
  identity: 'acme',
  outcome: 'pass',
  keyword: 'MUST',
  clause: {
    spec: 'mcp',
    page: 'basic/transports#session-management',
    says: 'answer 404 to any request that carries the id of an ended session',
    url: 'https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management',
  },
  fix: 'Answer 404, not 400: clients start a new session only on 404.',
  ...extra,
})

const ended: Partial<Finding> = {
  outcome: 'fail',
  // What a target sends is made to be hostile to every place a report is shown.
  reason: 'answers 400 \u001b[31m<b>&"red"\u001b[0m ]]> | `x` [l](http://e) \u0000\u202e%\n::error::not ours',
  sent: 'POST https://gw.example/mcp  tools/list',
  expected: 'HTTP 404',
  actual: 'HTTP 400',
  evidence: { file: 'evidence/gateway/2025-11-25.json', exchange: 7 },
  replay: `curl -X POST https://gw.example/mcp \\\n  -H "authorization: Bearer $TOKEN"`,
}

/** A run with one finding of every kind, for the tests of reporters. */
export function exampleRun(): Reported {
  const findings = [
    finding('transport/ended-session', ended),
    finding('transport/ended-session', { ...ended, revision: '2025-06-18' }),
    finding('transport/session-id', { title: 'Session ids are hard to guess', keyword: 'SHOULD', outcome: 'warn', reason: 'ids count up' }),
    finding('tools/list-pages', { title: 'Lists end', outcome: 'inconclusive', reason: 'the connection was reset' }),
    finding('tools/cancel', { title: 'A cancelled call ends', outcome: 'not-testable', reason: 'no slow tool is configured' }),
    finding('tools/change', { title: 'Changes are announced', outcome: 'not-applicable', reason: 'listChanged is not claimed' }),
    finding('tokens/audience', { suite: 'security', title: 'Tokens for others are refused' }),
    finding('tokens/expiry', {
      suite: 'security',
      title: 'Expired tokens are refused',
      outcome: 'fail',
      reason: 'accepts a token that expired an hour ago',
      waiver: { reason: 'fixed in release 8', owner: 'platform', expires: '2026-06-01' },
    }),
  ]
  const failed = { name: 'staging', message: 'target "staging" does not answer' }
  return {
    record: {
      schema: 'assay/run/1',
      run: '20260301-101500-ab12',
      assay: '0.1.0',
      started: '2026-03-01T10:15:00.000Z',
      took: 1_500,
      checks: [],
      targets: [
        { name: 'gateway', kind: 'gateway', url: 'https://gw.example/mcp', units: [] },
        {
          name: 'staging',
          kind: 'server',
          url: 'https://st.example/mcp',
          units: [],
          error: { code: 'E_TARGET_UNREACHABLE', message: failed.message },
        },
      ],
      idle: 0,
      exchanges: 12,
    },
    findings,
    decision: decide(findings, { ...defaultPolicy, name: 'release' }, { failedTargets: [failed] }),
  }
}
