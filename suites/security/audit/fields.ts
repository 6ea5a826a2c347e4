export type Entry = Record<string, unknown>

/** What a record should hold, by the names it usually has; compared without case and punctuation. */
const spellings = {
  actor: [
    'clientid',
    'client',
    'azp',
    'appid',
    'actor',
    'subject',
    'sub',
    'principal',
    'principalid',
    'userid',
    'user',
    'username',
    'enduserid',
    'identity',
    'caller',
  ],
  tenant: ['tenant', 'tenantid', 'organization', 'organizationid', 'org', 'orgid', 'account', 'accountid', 'workspace', 'customer'],
  method: ['method', 'mcpmethod', 'mcpmethodname', 'rpcmethod', 'operation', 'action'],
  target: ['target', 'tool', 'toolname', 'mcptoolname', 'genaitoolname', 'resource', 'resourceuri', 'prompt', 'object'],
  server: ['mcpserver', 'server', 'upstream', 'backend', 'service', 'servername'],
  decision: ['decision', 'effect', 'verdict', 'authorization', 'allowed', 'authorized', 'granted', 'outcome', 'result'],
  reason: ['reason', 'denyreason', 'error', 'errormessage', 'errortype', 'errorcode', 'message', 'detail', 'description'],
  source: [
    'sourceip',
    'source',
    'ip',
    'ipaddress',
    'sourceaddress',
    'remoteaddress',
    'remoteip',
    'clientip',
    'clientaddress',
    'peer',
    'peerip',
  ],
  correlation: ['traceid', 'traceparent', 'requestid', 'correlationid', 'xrequestid', 'jsonrpcrequestid'],
  time: ['timestamp', 'time', 'at', 'date', 'datetime', 'eventtime', 'ts', 'observedtimestamp'],
  duration: ['durationms', 'duration', 'latency', 'latencyms', 'elapsed', 'elapsedms', 'took', 'responsetime'],
  status: ['status', 'httpstatus', 'statuscode', 'httpstatuscode', 'responsecode', 'outcome', 'result', 'iserror', 'success'],
  token: ['tokenhash', 'tokenid', 'tokenfingerprint', 'accesstokenhash', 'jti', 'credentialid'],
  sequence: ['sequence', 'sequencenumber', 'sequenceid', 'seq', 'recordnumber', 'offset'],
  scope: ['scope', 'scopes', 'scoperequired', 'scopesrequired', 'requiredscope', 'requiredscopes', 'scoperequested', 'requestedscopes'],
  level: ['level', 'severity', 'severitytext', 'loglevel'],
  component: ['component', 'logger', 'app', 'application', 'servicename', 'service'],
  event: ['event', 'eventname', 'eventtype', 'message', 'msg', 'type'],
} as const

export type Field = keyof typeof spellings

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

const deepest = 6

/** Every value of a record with the name it has by itself, and with those it stands under. */
function* values(record: unknown, path: string[] = []): Generator<[name: string, path: string, value: unknown]> {
  if (typeof record !== 'object' || record === null || path.length > deepest) return
  for (const [key, value] of Object.entries(record)) {
    yield [plain(key), plain([...path, key].join('')), value]
    yield* values(value, [...path, key])
  }
}

const isSaid = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

/** All that a record says of a matter, in the order of the spellings. */
export function sayings(record: Entry, field: Field): unknown[] {
  const found = [...values(record)].filter(([, , value]) => isSaid(value) && typeof value !== 'object')
  return spellings[field].flatMap((name) => found.filter(([own, path]) => own === name || path === name).map(([, , value]) => value))
}

/** What a record says of a matter first. */
export const fieldOf = (record: Entry, field: Field): unknown => sayings(record, field)[0]
