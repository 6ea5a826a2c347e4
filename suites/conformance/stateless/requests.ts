import {
  type Exchange,
  hasErrorCode,
  hasStatus,
  type Judgement,
  notApplicable,
  type ProbeContext,
  Unfit,
  type UnitFacts,
} from '../../../src/model/index.ts'

/** Members of `_meta` that the protocol reserves. */
export const meta = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** A request every target answers that claims what the facts say, and that changes nothing. */
export function plainMethod({ capabilities }: UnitFacts): string {
  const claimed = ['tools', 'resources', 'prompts'].find((capability) => capabilities[capability] !== undefined)
  return claimed === undefined ? 'server/discover' : `${claimed}/list`
}

/** Refused with one of these errors; over HTTP with this status too. */
export function refusedWith(exchange: Exchange, status: number, ...codes: number[]): Judgement {
  const refused = hasErrorCode(exchange, ...codes)
  return exchange.via === 'http' ? refused.and(hasStatus(exchange, status)) : refused
}

/** The name under which the target lists the tool of the scripted upstream. */
export async function scriptedTool({ catalogue, instruments }: ProbeContext): Promise<string> {
  const { tools } = await catalogue()
  const tool = tools.items.find(({ name }) => name.endsWith(instruments.upstream!.toolNames.scripted))
  if (tool === undefined)
    throw new Unfit('not-testable', 'the target does not list the tool of the scripted upstream: register it behind the target')
  return tool.name
}

export const noUpstreamCall = notApplicable('the call did not reach the upstream')
