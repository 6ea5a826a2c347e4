/** What somebody could do, and what stands against it; checks name the threat they look for. */
export interface Threat {
  readonly title: string
  readonly countermeasure: string
}

export const threats: Readonly<Record<string, Threat>> = {
  'forged-token': {
    title: 'A token nobody issued is accepted',
    countermeasure:
      'Verify the signature with a key of the issuer, by an algorithm that is named beforehand; follow nothing that the token says about itself.',
  },
  'stale-token': {
    title: 'A token outlives its end',
    countermeasure: 'Enforce exp and nbf with little leeway, also for what is cached, and learn of revocation within a stated time.',
  },
  'misdirected-token': {
    title: 'A token for somebody else opens this door',
    countermeasure:
      'Compare issuer, audience, type and client exactly, and turn away every token that is no access token for this resource.',
  },
  'scope-bypass': {
    title: 'A token does more than it was granted',
    countermeasure: 'Check scopes as whole words on every operation, and tell in one challenge what is missing.',
  },
  'token-theft': {
    title: 'A token or secret is read where it does not belong',
    countermeasure:
      'Keep credentials out of URLs, logs, caches, errors and upstream requests, and forbid storing the answers that carry them.',
  },
  'key-outage': {
    title: 'The keys of the issuer change or cannot be had',
    countermeasure: 'Fetch keys with a bound, keep the known ones, pick up new ones at once, and fail closed.',
  },
  'false-metadata': {
    title: 'A client is led to the wrong authorization server',
    countermeasure: 'Serve metadata whose issuer and resource are exact and independent of what the request claims.',
  },
  'rogue-registration': {
    title: 'A stranger registers a client that may too much',
    countermeasure:
      'Validate metadata, grant strangers only unprivileged scopes and grants, limit the rate, and protect registration where it is closed.',
  },
  'client-takeover': {
    title: 'A client is read, changed or impersonated by another',
    countermeasure: 'Bind management to a rotating registration token of that very client, and show people whom they consent to.',
  },
  'code-interception': {
    title: 'An authorization code is used by somebody else',
    countermeasure: 'Match redirect URIs exactly, require PKCE with S256, bind codes to client and redirect, and let them be used once.',
  },
  'refresh-theft': {
    title: 'A stolen refresh token keeps working',
    countermeasure: 'Rotate refresh tokens, detect their reuse, revoke the whole family, never widen their scope.',
  },
  'credential-guessing': {
    title: 'Secrets are guessed, or clients are found out',
    countermeasure: 'Throttle failures per client, and answer unknown clients and wrong secrets alike.',
  },
  'misread-answer': {
    title: 'A client misreads what the authorization server answers',
    countermeasure:
      'Answer with the members, codes and statuses of the specification, so that clients neither try in vain nor rely on what they do not have.',
  },
  'stale-credential': {
    title: 'A rotated credential keeps working, or its rotation breaks valid calls',
    countermeasure: 'Let old and new overlap for a stated time, then refuse the old.',
  },
  'tenant-crossing': {
    title: 'One tenant sees or changes what is another’s',
    countermeasure:
      'Derive the tenant from the verified token alone, and key every list, call, cache, session, cursor and notification by it.',
  },
  'tenant-spoofing': {
    title: 'A caller claims to be of another tenant',
    countermeasure: 'Strip or refuse what a request says about its tenant in headers, paths, queries, arguments and metadata.',
  },
  'noisy-neighbour': {
    title: 'One tenant uses up what all share',
    countermeasure: 'Count limits by tenant, and say with 429 and Retry-After when to come back.',
  },
  'session-hijack': {
    title: 'Somebody else’s session is used',
    countermeasure: 'Issue ids that cannot be guessed, bind them to the identity, and verify the token on every request.',
  },
  'gateway-bypass': {
    title: 'The servers behind the gateway are reached without it',
    countermeasure: 'Let servers accept only the tokens of the gateway, and make them unreachable for everybody else.',
  },
  'request-confusion': {
    title: 'Gateway and server understand one request differently',
    countermeasure:
      'Normalise paths once, refuse ambiguous framing and duplicate fields, drop hop-by-hop and identity fields, and decide by the body.',
  },
  'forged-request': {
    title: 'The harnessed server is made to call addresses of an attacker’s choice',
    countermeasure: 'Allow only the schemes and hosts that are needed, check each redirect and each resolved address.',
  },
  'exposed-channel': {
    title: 'Traffic is read or changed on the way',
    countermeasure:
      'Serve TLS 1.2 or newer only, verify client certificates where they are used, trust forwarded certificates from the proxy alone.',
  },
  'exposed-internals': {
    title: 'Internals are told to whoever asks',
    countermeasure: 'Answer errors without addresses, stacks, queries and ids of others; require authentication for what operators use.',
  },
  'browser-attack': {
    title: 'A web page acts through the browser of a user',
    countermeasure: 'Validate Origin and Host, answer CORS for known origins, forbid framing of login and consent pages, mark cookies.',
  },
  exhaustion: {
    title: 'The service is kept busy until nobody is served',
    countermeasure: 'Bound size, depth, time and rate of what one caller may ask for.',
  },
  'tool-poisoning': {
    title: 'A tool tells the model what its user did not ask for',
    countermeasure: 'Approve tools by the hash of their contract, refuse hidden characters and instructions, keep names apart.',
  },
  'over-privilege': {
    title: 'A part of the deployment may do more than its work needs',
    countermeasure: 'Grant actions on named resources to one workload each, with conditions on who may assume the role.',
  },
  'open-network': {
    title: 'Parts of the deployment reach each other without need',
    countermeasure: 'Deny by default, and allow each path by tier and tenant, names included.',
  },
  'unaccounted-action': {
    title: 'Nobody can tell afterwards who did what',
    countermeasure: 'Write one audit record for every allowed, denied and failed call, which its maker cannot forge.',
  },
}
