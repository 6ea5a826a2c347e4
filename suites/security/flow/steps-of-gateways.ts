import {
  all,
  answered,
  check,
  each,
  holdsIf,
  inconclusive,
  notTestable,
  resultOf,
  section,
  statusOf,
  summaryOf,
} from '../../../src/model/index.ts'
import { flow } from './probes.ts'
import { admitted, arriving, calling, turnedAway } from './steps.ts'

const textIn = (result: Record<string, unknown> | undefined): string => JSON.stringify(result?.content ?? null)

export default section(
  { spec: 'policy', page: 'flow', revisions: '2025-03-26..', over: 'http', requires: ['authorization', 'authority'] },
  [
    check('flow/m2m-request', {
      requires: 'scripted upstream',
      weakness: ['CWE-306', 'API2:2023'],
      threat: 'gateway-bypass',
      title: 'Step 7: the gateway gets a token of its own',
      policy: 'show a credential to the servers behind it',
      needs: { flow },
      judge: (evidence) =>
        arriving(evidence.flow, (first, { call }) =>
          holdsIf(first.shows !== undefined, 'calls a server without any credential', {
            expected: 'Authorization: Bearer …',
            actual: 'no credential',
            exchange: call,
          }),
        ),
      fix: 'Get a token by client credentials from the issuer the servers trust, and send it with each request.',
    }),

    check('flow/m2m-token', {
      spec: 'mcp',
      page: 'basic/authorization#access-token-privilege-restriction',
      movedTo: 'basic/authorization/security-considerations#access-token-privilege-restriction',
      revisions: '2025-06-18..',
      requires: 'scripted upstream',
      weakness: ['CWE-522', 'API2:2023'],
      threat: 'token-theft',
      title: 'Step 8: it is the token of the gateway, not that of the agent',
      must: 'not pass the token of the agent on to the servers behind it',
      needs: { flow },
      judge: (evidence) =>
        arriving(evidence.flow, (first, { call }) =>
          holdsIf(!first.agents, 'passes the token of the agent on to a server', {
            expected: 'a token of the gateway',
            actual: 'the digest of the token of the agent',
            exchange: call,
          }),
        ),
      fix: 'Take Authorization off what is forwarded, and put the token of the gateway in its place.',
      covers: 'auth.rs.no-passthrough',
    }),

    check('flow/m2m-call', {
      requires: 'scripted upstream',
      weakness: 'API8:2023',
      threat: 'request-confusion',
      title: 'Step 9: the call reaches the server once, as it was made',
      policy: 'pass a call on exactly once, with the arguments of the agent',
      needs: { flow },
      judge: (evidence) =>
        calling(evidence.flow, ({ call, arrivals, sent }) => {
          const same = arrivals.every((arrival) => JSON.stringify(arrival.arguments) === JSON.stringify(sent))
          return holdsIf(arrivals.length === 1 && same, 'passes the call of an agent on changed, more than once, or not at all', {
            expected: `one call with ${JSON.stringify(sent)}`,
            actual: `${arrivals.length} calls, with ${JSON.stringify(arrivals.map((arrival) => arrival.arguments))}`,
            exchange: call,
          })
        }),
      fix: 'Route by the name of the tool, and send the arguments on as they are.',
    }),

    check('flow/trace', {
      requires: 'scripted upstream',
      weakness: ['CWE-778', 'MCP08:2025'],
      threat: 'unaccounted-action',
      title: 'The trace of the agent goes on to the server',
      policy: 'carry the trace id of a call, from traceparent in its header or its metadata, to the server that answers it',
      needs: { flow },
      judge: (evidence) =>
        arriving(evidence.flow, (first, { call, traceId }) =>
          holdsIf(first.trace?.split('-')[1] === traceId, 'loses the trace of the agent on the way', {
            expected: `traceparent: 00-${traceId}-…`,
            actual: first.trace ?? 'no traceparent',
            exchange: call,
          }),
        ),
      fix: 'Read traceparent, make a child span, and send it on in the header and the metadata of the upstream request.',
    }),

    check('flow/server-validation', {
      spec: 'mcp',
      page: 'basic/authorization#token-handling',
      requires: 'addresses behind',
      weakness: ['CWE-306', 'API2:2023'],
      threat: 'gateway-bypass',
      title: 'Step 10: the server validates the token of the gateway',
      must: 'refuse, as a server behind the gateway, requests without a token that is meant for it',
      needs: { flow },
      judge: (evidence) =>
        admitted(evidence.flow, ({ direct }) =>
          each(direct, 'no address of a server behind the target is known', ({ url, without, agents }) =>
            all(
              [without, agents].map((exchange) =>
                exchange.response === undefined && exchange.failure?.code !== 'timeout'
                  ? holdsIf(true, '')
                  : exchange.response === undefined
                    ? inconclusive(`${url} neither answers nor refuses`, exchange)
                    : turnedAway(exchange, `serves at ${url} whoever is not the gateway`),
              ),
            ),
          ),
        ),
      fix: 'Let each server verify issuer, client and scope of the machine-to-machine token on every request.',
    }),

    check('flow/server-admission', {
      requires: 'callable tool',
      weakness: 'API2:2023',
      threat: 'gateway-bypass',
      title: 'Step 11: the server accepts the gateway',
      policy: 'be accepted by the servers behind it when an agent calls',
      needs: { flow },
      judge: (evidence) =>
        admitted(evidence.flow, ({ real }) =>
          real === undefined
            ? notTestable('the target has no tool that may be called')
            : answered(real, () =>
                statusOf(real) === 403
                  ? notTestable('an agent that registers itself is not given the scopes to call a tool')
                  : holdsIf(resultOf(real) !== undefined, 'gets no answer from a server for a registered agent', {
                      expected: 'a result',
                      actual: summaryOf(real),
                      exchange: real,
                    }),
              ),
        ),
      fix: 'Give the client of the gateway the scopes of each server, and look at what the server says of its token.',
    }),

    check('flow/server-response', {
      requires: 'scripted upstream',
      weakness: 'API8:2023',
      threat: 'request-confusion',
      title: 'Step 12: the answer of the server comes back unchanged',
      policy: 'pass the content of a result on as the server gave it',
      needs: { flow },
      judge: (evidence) =>
        arriving(evidence.flow, (_first, { call, text }) =>
          resultOf(call) === undefined
            ? inconclusive('no result came back', call)
            : holdsIf(textIn(resultOf(call)).includes(text), 'changes what a server answers', {
                expected: text,
                actual: summaryOf(call),
                exchange: call,
              }),
        ),
      fix: 'Pass results on as they are.',
    }),

    check('flow/agent-response', {
      requires: 'scripted upstream',
      weakness: 'API8:2023',
      threat: 'request-confusion',
      title: 'Step 13: the agent has its answer',
      policy: 'answer the call of a registered agent with a result',
      needs: { flow },
      judge: (evidence) =>
        arriving(evidence.flow, (_first, { call }) =>
          answered(call, () =>
            holdsIf(
              resultOf(call) !== undefined && resultOf(call)!.isError !== true,
              'does not answer an agent whose call a server has answered',
              {
                expected: 'a result',
                actual: summaryOf(call),
                exchange: call,
              },
            ),
          ),
        ),
      fix: 'Give the response of the server back under the id of the request of the agent.',
    }),
  ],
)
