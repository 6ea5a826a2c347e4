/** A finding a target is known for: where, and why it is true. Each was repeated by hand when it was entered. */
export interface Known {
  at: string
  why: string
  /** Set where it depends on a race within the target. */
  races?: true
}

/** By target, then by check and outcome. */
export const calibration: Record<string, Record<string, Known>> = {
  'server-everything': {
    'json-rpc/concurrent-ids warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'its SDK knows requests by their id alone: the first of two that are under way at once loses its stream',
      races: true,
    },
    'exposure/host-field fail': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'a message with two Host fields is served' },
    'completion/missing-argument warn': {
      at: '2025-03-26 2025-06-18 2025-11-25',
      why: 'a completion without its argument is answered with -32603',
    },
    'json-rpc/batch-removed warn': { at: '2025-06-18 2025-11-25', why: 'a batch is executed, though the revision has none' },
    'json-rpc/empty-batch fail': { at: '2025-03-26', why: '[] is answered 202, as if it were notifications' },
    'json-rpc/invalid-params-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'parameters that do not fit the schema are answered with -32603',
    },
    'json-rpc/invalid-request-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'JSON that is no request is answered with -32700',
    },
    'json-rpc/result-or-error fail': { at: '2025-11-25', why: 'on resumption the priming event is replayed as the message {}' },
    'json-rpc/version-member fail': { at: '2025-11-25', why: 'on resumption the priming event is replayed as the message {}' },
    'logging/invalid-level warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a log level that does not exist is answered with -32603',
    },
    'pagination/invalid-cursor warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a cursor it never issued brings the first page',
    },
    'resources/not-found-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a resource that does not exist is answered with -32602, not -32002',
    },
    'tools/malformed-call warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'arguments that are no object are answered with -32603',
    },
    'tools/unknown-tool warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a tool that does not exist is answered with a result that says isError',
    },
    'transport/ended-session fail': { at: '2025-03-26 2025-06-18 2025-11-25', why: 'a session that has ended is answered 400' },
    'transport/event-data fail': { at: '2025-11-25', why: 'on resumption the priming event is replayed as the message {}' },
    'transport/foreign-host warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'a foreign Host is served' },
    'transport/loopback-binding warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'it listens on all interfaces' },
    'transport/opaque-origin warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'Origin: null is served' },
    'transport/origin-validation fail': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'a foreign Origin is served' },
    'transport/replay-of-one-stream fail': {
      at: '2025-03-26 2025-06-18 2025-11-25',
      why: 'Last-Event-ID brings the messages of other streams too',
    },
    'transport/unknown-session-id warn': { at: '2025-03-26 2025-06-18 2025-11-25', why: 'a session id it never issued is answered 400' },
    'transport/unknown-verb warn': { at: '2025-03-26 2025-06-18 2025-11-25', why: 'PUT is answered 404' },
    'versioning/invalid-version-header-at-first warn': {
      at: '2025-06-18 2025-11-25',
      why: 'an invalid version header on initialize is ignored',
    },
  },
  'server-filesystem behind supergateway': {
    'exposure/host-field fail': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'a message with two Host fields is served' },
    'json-rpc/batch-removed warn': { at: '2025-06-18 2025-11-25', why: 'a batch is executed, though the revision has none' },
    'json-rpc/concurrent-ids warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'of two requests with one id one is never answered',
      races: true,
    },
    'json-rpc/internals warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'the error page of malformed JSON shows a stack trace',
    },
    'json-rpc/invalid-params-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'parameters that do not fit the schema are answered with -32603',
    },
    'pagination/invalid-cursor warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a cursor it never issued brings the first page',
    },
    'tools/malformed-call warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'arguments that are no object are answered with -32603',
    },
    'tools/unknown-tool warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a tool that does not exist is answered with a result that says isError',
    },
    'transport/foreign-host warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'a foreign Host is served' },
    'transport/loopback-binding warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'it listens on all interfaces' },
    'transport/opaque-origin warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'Origin: null is served' },
    'transport/origin-validation fail': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25', why: 'a foreign Origin is served' },
    'transport/unknown-verb warn': { at: '2025-03-26 2025-06-18 2025-11-25', why: 'PUT is answered 404' },
    'versioning/invalid-version-header-at-first warn': {
      at: '2025-06-18 2025-11-25',
      why: 'an invalid version header on initialize is ignored',
    },
  },
  'mcp-proxy in front of server-everything': {
    'json-rpc/concurrent-ids warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'its SDK knows requests by their id alone: the first of two that are under way at once loses its stream',
      races: true,
    },
    'exposure/host-field fail': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'a message with two Host fields is served',
    },
    'completion/missing-argument warn': {
      at: '2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'a completion without its argument is answered with -32603',
    },
    'json-rpc/batch-removed warn': { at: '2025-06-18 2025-11-25', why: 'a batch is executed, though the revision has none' },
    'json-rpc/empty-batch fail': { at: '2025-03-26', why: '[] is answered 202, as if it were notifications' },
    'json-rpc/hostile-json warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'JSON nested five thousand deep is answered 500',
    },
    'json-rpc/invalid-params-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'parameters that do not fit the schema are answered with -32603',
    },
    'json-rpc/invalid-request-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'JSON that is no request is answered with -32700',
    },
    'json-rpc/legacy-error-codes warn': { at: '2026-07-28', why: '-32000 is sent, which new servers should not use' },
    'lifecycle/claimed-features fail': { at: '2025-11-25', why: 'tasks.list is claimed, and its method not found' },
    'logging/invalid-level warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a log level that does not exist is answered with -32603',
    },
    'pagination/invalid-cursor warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'a cursor it never issued brings the first page',
    },
    'resources/not-found-code warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25',
      why: 'a resource that does not exist is answered with -32602, not -32002',
    },
    'tools/unknown-tool warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'a tool that does not exist is answered with a result that says isError',
    },
    'transport/foreign-host warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'a foreign Host is served' },
    'transport/opaque-origin warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'Origin: null is served' },
    'transport/origin-validation fail': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'a foreign Origin is served' },
    'transport/unknown-verb warn': { at: '2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'PUT is answered 404' },
    'versioning/catalogue-in-sessions warn': { at: '2026-07-28', why: 'a session lists a tool less than a stateless request' },
    'versioning/invalid-version-header-at-first warn': {
      at: '2025-06-18 2025-11-25',
      why: 'an invalid version header on initialize is ignored',
    },
  },
  'SDK 2 createMcpHandler': {
    'exposure/host-field fail': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'a message with two Host fields is served',
    },
    'json-rpc/batch-removed warn': { at: '2025-06-18 2025-11-25', why: 'a batch is executed, though the revision has none' },
    'json-rpc/legacy-error-codes warn': { at: '2026-07-28', why: '-32000 is sent, which new servers should not use' },
    'pagination/invalid-cursor warn': {
      at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28',
      why: 'a cursor it never issued brings the first page',
    },
    'transport/foreign-host warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'a foreign Host is served' },
    'transport/opaque-origin warn': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'Origin: null is served' },
    'transport/origin-validation fail': { at: '2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28', why: 'a foreign Origin is served' },
    'versioning/invalid-version-header-at-first warn': {
      at: '2025-06-18 2025-11-25',
      why: 'an invalid version header on initialize is ignored',
    },
  },
  'server-everything over stdio': {
    'completion/missing-argument warn': { at: '2025-11-25', why: 'a completion without its argument is answered with -32603' },
    'json-rpc/invalid-params-code warn': { at: '2025-11-25', why: 'parameters that do not fit the schema are answered with -32603' },
    'logging/invalid-level warn': { at: '2025-11-25', why: 'a log level that does not exist is answered with -32603' },
    'pagination/invalid-cursor warn': { at: '2025-11-25', why: 'a cursor it never issued brings the first page' },
    'resources/not-found-code warn': { at: '2025-11-25', why: 'a resource that does not exist is answered with -32602, not -32002' },
    'tools/malformed-call warn': { at: '2025-11-25', why: 'arguments that are no object are answered with -32603' },
    'tools/unknown-tool warn': { at: '2025-11-25', why: 'a tool that does not exist is answered with a result that says isError' },
  },
}
