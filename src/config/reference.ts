import type { Target } from '../engine/types.ts'
import { coded } from '../messages/index.ts'

type Embedded = Pick<Target, 'reach' | 'identities' | 'tools' | 'instruments'>

/** Starts the embedded deployment with the instruments hooked up as an operator would hook them up. */
export async function startEmbeddedReference(closers: (() => Promise<void>)[]): Promise<Embedded> {
  const [{ observable, startReference }, { startForgingIssuer, startScriptedUpstream }] = await Promise.all([
    import('../../fixtures/reference/index.ts').catch(incomplete),
    import('../instruments/index.ts'),
  ])
  const upstream = await startScriptedUpstream()
  closers.push(() => upstream.close())
  let audience = ''
  const issuer = await startForgingIssuer({ audience: () => audience, tenant: 'acme', scopes: 'mcp:read mcp:tools mcp:admin' })
  closers.push(() => issuer.close())
  const reference = await startReference({
    configure: observable,
    extraUpstreams: [{ name: 'scripted', url: upstream.url }],
    extraIssuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }],
  })
  closers.push(() => reference.close())
  audience = reference.url
  return {
    reach: { url: reference.url },
    identities: reference.tenants.map((tenant) => ({ name: tenant, tenant, token: () => reference.tokens(tenant) })),
    tools: { allow: [], echo: 'custom___echo', slow: 'custom___slow', failing: 'custom___failing' },
    instruments: { upstream, issuer },
  }
}

/** The reference's own packages are optional for those who do not use it. */
function incomplete(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  throw coded('E_REFERENCE_INCOMPLETE', { what: /'([^']+)'/.exec(error.message)?.[1] ?? 'a package' }, { cause: error })
}
