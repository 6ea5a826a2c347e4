import { type Catalogue, type Connection, eraOf, type Facility, type Lack, type Revision, type UnitFacts } from '../model/index.ts'
import { isLocal } from './local.ts'
import { callable, callOf } from './tools.ts'
import type { Target } from './types.ts'

/** What is known of one unit before any probe runs: the ground on which checks apply. */
export function factsOf(
  target: Target,
  connection: Connection,
  served: Revision[],
  catalogue: Catalogue,
  authorization: boolean,
): UnitFacts {
  const url = 'url' in target.reach ? target.reach.url : [target.reach.command, ...target.reach.args].join(' ')
  const facts = {
    target: target.name,
    kind: target.kind,
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

type Claims = Record<string, Record<string, unknown> | undefined>

function facilitiesOf(target: Target, facts: Omit<UnitFacts, 'facilities'>, catalogue: Catalogue): UnitFacts['facilities'] {
  const claims = facts.capabilities as Claims
  const claimed = (has: unknown, capability: string): true | Lack =>
    has ? true : { kind: 'not-applicable', reason: `the target does not claim the ${capability} capability` }
  const given = (has: unknown, reason: string): true | Lack => (has ? true : { kind: 'not-testable', reason })
  const tools = callable(catalogue.tools.items, target.tools.allow)
  const noTools: Lack = { kind: 'not-applicable', reason: 'the target does not claim the tools capability' }
  const named = (role: 'slow' | 'failing'): true | Lack =>
    claims.tools ? given(target.tools[role], `needs a ${role} tool: name one under \`tools.${role}\` of the target`) : noTools
  const all: Record<Facility, true | Lack> = {
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
    'callable tool': claims.tools
      ? given(
          tools.some(callOf),
          'no tool is marked read-only with arguments that follow from its schema: name one under `tools.allow` of the target, or with --allow-tool',
        )
      : noTools,
    'echo tool': claims.tools
      ? given(
          target.tools.echo ?? tools.some(({ name }) => /echo/i.test(name)),
          'needs a tool that gives back its text: name one under `tools.echo` of the target',
        )
      : noTools,
    'slow tool': named('slow'),
    'failing tool': named('failing'),
    'second tenant': given(
      new Set(target.identities.map(({ tenant }) => tenant)).size > 1,
      'needs identities of two tenants under `identities` of the target',
    ),
    'scripted upstream': given(
      target.instruments.upstream,
      'needs the scripted upstream registered behind the gateway: see `instruments` of the target',
    ),
    'forging issuer': given(target.instruments.issuer, 'needs a target that trusts the forging issuer: see `instruments` of the target'),
  }
  return all
}
