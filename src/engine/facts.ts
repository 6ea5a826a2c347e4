import { type Catalogue, type Connection, eraOf, type Lack, type Revision, type UnitFacts } from '../model/index.ts'
import { newest } from './authority.ts'
import { isLocal } from './local.ts'
import { callable, callOf } from './tools.ts'
import { placeOf, type Target } from './types.ts'

/** What is known of one unit before any probe runs: the ground on which checks apply. */
export function factsOf(
  target: Target,
  connection: Connection,
  served: Revision[],
  catalogue: Catalogue,
  authorization: boolean,
): UnitFacts {
  const url = placeOf(target.reach)
  const facts = {
    target: target.name,
    kind: target.kind,
    ...(target.vendor === undefined ? {} : { vendor: target.vendor }),
    of: 'endpoint' as const,
    ...(target.areas && { areas: target.areas }),
    ...(target.objectives && { objectives: target.objectives }),
    via: connection.via,
    url,
    revision: connection.revision,
    era: eraOf(connection.revision),
    identity: target.identities[0]?.name ?? null,
    served,
    capabilities: connection.capabilities,
    ...(connection.serverInfo === undefined ? {} : { serverInfo: connection.serverInfo }),
    sessions: connection.sessionId !== undefined,
    authorization,
    local: connection.via === 'stdio' || isLocal(new URL(url).hostname),
  }
  return { ...facts, facilities: facilitiesOf(target, facts, catalogue) }
}

/** An authorization server claims what its metadata says. */
export function authorityFacts(target: Target, metadata: Record<string, unknown>): UnitFacts {
  const { access } = target
  const offered = (member: string, what: string): true | Lack =>
    typeof metadata[member] === 'string' ? true : { kind: 'not-applicable', reason: `its metadata names no ${what}` }
  const grants = metadata.grant_types_supported
  const code = !Array.isArray(grants) || grants.includes('authorization_code')
  const facilities: UnitFacts['facilities'] = {
    ...given(target),
    registration: offered('registration_endpoint', 'registration endpoint'),
    introspection: offered('introspection_endpoint', 'introspection endpoint'),
    revocation: offered('revocation_endpoint', 'revocation endpoint'),
    'authorization code': code
      ? offered('authorization_endpoint', 'authorization endpoint')
      : { kind: 'not-applicable', reason: 'its metadata does not list the authorization code grant' },
    'identity assertion grant': assertionGrant(target, metadata),
    authority: access ? true : lacking('needs `authority` of the target'),
    'client documents': clientDocuments(target, metadata),
  }
  return {
    ...plain(target),
    of: 'authorization-server',
    via: 'http',
    metadata,
    facilities,
    local: isLocal(new URL(placeOf(target.reach)).hostname),
  }
}

function clientDocuments({ instruments }: Target, metadata: Record<string, unknown>): true | Lack {
  if (metadata.client_id_metadata_document_supported !== true)
    return { kind: 'not-applicable', reason: 'its metadata does not say that a client may be a document' }
  return instruments.documents
    ? true
    : lacking('needs an https address at which the target finds documents of the harness: see `instruments.documents` of the target')
}

/** Grants of an identity provider are of use where the server trusts one that the harness can play. */
function assertionGrant({ access, instruments }: Target, { authorization_grant_profiles_supported: profiles }: Record<string, unknown>) {
  if (access?.employee && instruments.issuer) return true
  if (Array.isArray(profiles) && profiles.includes('urn:ietf:params:oauth:grant-profile:id-jag'))
    return lacking('needs an identity provider it trusts: see `authority.employee` and `instruments.issuer` of the target')
  return { kind: 'not-applicable', reason: 'its metadata does not offer grants of identity providers' } satisfies Lack
}

/** Documents claim nothing: they are read. */
export const manifestFacts = (target: Target): UnitFacts => ({
  ...plain(target),
  of: 'manifests',
  via: 'files',
  facilities: {},
  local: true,
})

const plain = (target: Target) => ({
  target: target.name,
  kind: target.kind,
  ...(target.vendor === undefined ? {} : { vendor: target.vendor }),
  ...(target.areas && { areas: target.areas }),
  url: placeOf(target.reach),
  revision: newest(target),
  era: eraOf(newest(target)),
  identity: null,
  served: [],
  capabilities: {},
  sessions: false,
  authorization: false,
})

const lacking = (reason: string): Lack => ({ kind: 'not-testable', reason })

/** What the operator has given, or what to give. */
function given({ access, observe, operate, behind, beside, instruments, reach, tls }: Target): UnitFacts['facilities'] {
  const has = (value: unknown, reason: string): true | Lack => (value ? true : lacking(reason))
  return {
    authority: has(access, 'needs the authorization server of the clients: see `authority` of the target'),
    'initial access token': has(
      access?.initialAccessToken,
      'needs an initial access token: see `authority.initialAccessToken` of the target',
    ),
    client: has(access?.clients[0], 'needs a client with a secret: see `authority.clients` of the target'),
    'second client': has(access?.clients[1], 'needs a second client with a secret: see `authority.clients` of the target'),
    user: has(access?.users[0], 'needs somebody who can log in: see `authority.users` of the target'),
    resource: has(access?.resource, 'needs the resource tokens are for: see `authority.resource` of the target'),
    'privileged scope': has(access?.privilegedScope, 'needs a scope strangers must not get: see `authority.privilegedScope` of the target'),
    'out-of-band listener': has(
      instruments.listener,
      'needs an address the target can reach the harness at: see `instruments` of the target',
    ),
    browser: has(instruments.browser, 'needs a browser: see `instruments` of the target'),
    'audit log': has(observe?.audit, 'needs the audit trail of the target: see `observe.audit` of the target'),
    logs: has(observe?.logs, 'needs the log of the target: see `observe.logs` of the target'),
    metrics: has(observe?.metrics, 'needs the metrics of the target: see `observe.metrics` of the target'),
    'direct server': has(beside?.direct, 'needs the server behind the target as a target of its own: see `load.direct` of the target'),
    'previous release': has(beside?.previous, 'needs the release before as a target of its own: see `load.previous` of the target'),
    'M2M secret rotation': has(
      operate?.rotateM2mSecret,
      'needs a way to have the secret of the target replaced: see `operate.rotateM2mSecret` of the target',
    ),
    'client secret rotation': has(
      operate?.rotateClientSecret,
      'needs a way to have the secret of a client replaced: see `operate.rotateClientSecret` of the target',
    ),
    'certificate renewal': has(
      operate?.renewCertificate,
      'needs a way to have the certificate of the target renewed: see `operate.renewCertificate` of the target',
    ),
    'version switch': has(
      operate?.switchVersion,
      'needs a way to have the running version of the target replaced: see `operate.switchVersion` of the target',
    ),
    'tenant offboarding': has(
      operate?.temporaryTenant,
      'needs a tenant that may be offboarded: see `operate.temporaryTenant` of the target',
    ),
    'limited initial access token': has(
      operate?.initialAccessToken,
      'needs initial access tokens for so many clients: see `operate.initialAccessToken` of the target',
    ),
    tls: placeOf(reach).startsWith('https:') ? true : { kind: 'not-applicable', reason: 'the target is not reached over TLS' },
    'client certificates': has(tls?.clients[0], 'needs a client certificate the target accepts: see `tls.clients` of the target'),
    'certificates to refuse': has(tls?.refused[0], 'needs a client certificate the target must refuse: see `tls.refused` of the target'),
    'addresses behind': has(behind?.length, 'needs the addresses of the servers behind the target: see `behind` of the target'),
  }
}

type Claims = Record<string, Record<string, unknown> | undefined>

function facilitiesOf(target: Target, facts: Omit<UnitFacts, 'facilities'>, catalogue: Catalogue): UnitFacts['facilities'] {
  const claims = facts.capabilities as Claims
  const claimed = (has: unknown, capability: string): true | Lack =>
    has ? true : { kind: 'not-applicable', reason: `the target does not claim the ${capability} capability` }
  const has = (value: unknown, reason: string): true | Lack => (value ? true : lacking(reason))
  const tools = callable(catalogue.tools.items, target.tools.allow)
  const noTools: Lack = { kind: 'not-applicable', reason: 'the target does not claim the tools capability' }
  const named = (role: 'slow' | 'failing'): true | Lack =>
    claims.tools ? has(target.tools[role], `needs a ${role} tool: name one under \`tools.${role}\` of the target`) : noTools
  return {
    ...given(target),
    tools: claimed(claims.tools, 'tools'),
    'tools.listChanged': claimed(claims.tools?.listChanged, 'tools.listChanged'),
    resources: claimed(claims.resources, 'resources'),
    'resources.subscribe': claimed(claims.resources?.subscribe, 'resources.subscribe'),
    'resources.listChanged': claimed(claims.resources?.listChanged, 'resources.listChanged'),
    prompts: claimed(claims.prompts, 'prompts'),
    'prompts.listChanged': claimed(claims.prompts?.listChanged, 'prompts.listChanged'),
    completions: claimed(claims.completions, 'completions'),
    logging: claimed(claims.logging, 'logging'),
    sessions: facts.sessions ? true : { kind: 'not-applicable', reason: 'the target issues no session id at this revision' },
    authorization: facts.authorization ? true : { kind: 'not-applicable', reason: 'the target asks for no token' },
    'newest revision':
      facts.revision === facts.served.toSorted().at(-1)
        ? true
        : { kind: 'not-applicable', reason: 'it is judged once, at the newest revision the target serves' },
    'newest of its era':
      facts.revision ===
      facts.served
        .filter((revision) => eraOf(revision) === facts.era)
        .toSorted()
        .at(-1)
        ? true
        : { kind: 'not-applicable', reason: 'it is judged once in each era, at the newest revision the target serves' },
    load: has(target.instruments.generator, 'nothing sends load in this run'),
    'callable tool': claims.tools
      ? has(
          tools.some(callOf),
          'no tool is marked read-only with arguments that follow from its schema: name one under `tools.allow` of the target, or with --allow-tool',
        )
      : noTools,
    'echo tool': claims.tools
      ? has(
          target.tools.echo ?? tools.some(({ name }) => /echo/i.test(name)),
          'needs a tool that gives back its text: name one under `tools.echo` of the target',
        )
      : noTools,
    'slow tool': named('slow'),
    'failing tool': named('failing'),
    'personal tool': target.tools.personal
      ? true
      : { kind: 'not-applicable', reason: 'no tool is for people only, by the word of the operator: see `tools.personal` of the target' },
    'second tenant': has(
      new Set(target.identities.map(({ tenant }) => tenant)).size > 1,
      'needs identities of two tenants under `identities` of the target',
    ),
    'approved contracts': has(
      target.contracts?.[facts.revision],
      'needs contracts approved at this revision: write them with `assay approve`, and name the file under `contracts` of the target',
    ),
    'scripted upstream': has(
      target.instruments.upstream,
      'needs the scripted upstream registered behind the gateway: see `instruments` of the target',
    ),
    'forging issuer': has(target.instruments.issuer, 'needs a target that trusts the forging issuer: see `instruments` of the target'),
  }
}
