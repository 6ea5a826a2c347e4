import { all, broken, check, controlled, holds, inconclusive, type Judgement, section } from '../../../src/model/index.ts'
import { canaries, type Leak } from './canaries.ts'

type Evidence = Awaited<ReturnType<typeof canaries.run>>

const listed = (leaks: Leak[]): string => leaks.map(({ what, form }) => `${what} ${form}`).join(', ')

/** Judges one of the places in which something is written down. */
const kept = ({ before, after, ...evidence }: Evidence, place: 'audit' | 'logs' | 'metrics', name: string): Judgement =>
  controlled([before, after], () => {
    const found = evidence[place]
    if (found === null || found.size < 3) return inconclusive(`nothing has arrived in ${name}`)
    return found.leaks.length === 0
      ? holds
      : broken(`writes secrets to ${name}`, { expected: 'none of the secrets sent', actual: listed(found.leaks), exchange: after })
  })

export default section(
  {
    spec: 'policy',
    page: 'audit',
    revisions: '2025-03-26..',
    over: 'http',
    requires: 'authorization',
    weakness: ['CWE-532', 'MCP01:2025', 'MCP08:2025'],
    threat: 'token-theft',
  },
  [
    check('audit/secrets', {
      requires: 'audit log',
      title: 'Audit records hold no secrets',
      policy: 'keep tokens, client secrets, codes, cookies and passwords out of audit records, in whatever encoding',
      needs: { canaries },
      judge: ({ canaries }) => kept(canaries, 'audit', 'the audit trail'),
      fix: 'Record names and hashes; never a header, a query or arguments as they came.',
    }),

    check('audit/log-secrets', {
      requires: 'logs',
      title: 'Logs hold no secrets',
      policy: 'keep tokens, client secrets, codes, cookies and passwords out of its log, in whatever encoding',
      needs: { canaries },
      judge: ({ canaries }) => kept(canaries, 'logs', 'the log'),
      fix: 'Log the fields you need by name, and redact headers, queries and arguments before anything else sees them.',
    }),

    check('audit/metric-secrets', {
      requires: 'metrics',
      title: 'Metrics hold no secrets',
      policy: 'keep what callers send out of the labels of metrics',
      needs: { canaries },
      judge: ({ canaries }) => kept(canaries, 'metrics', 'the metrics'),
      fix: 'Take labels from a fixed list: methods, servers, statuses.',
    }),

    check('audit/answer-secrets', {
      weakness: ['CWE-209', 'MCP01:2025'],
      title: 'Answers repeat no secrets',
      policy: 'not repeat in an answer or a refusal the secrets of the request',
      needs: { canaries },
      judge: ({ canaries: { before, after, answers } }) =>
        controlled([before, after], () =>
          all(
            answers.map(({ exchange, leaks }) =>
              leaks.length === 0
                ? holds
                : broken('repeats a secret of the request in its answer', {
                    expected: 'none of the secrets sent',
                    actual: listed(leaks),
                    exchange,
                  }),
            ),
          ),
        ),
      fix: 'Say in errors what was wrong, not what was sent.',
    }),
  ],
)
