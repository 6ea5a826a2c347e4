import type { Target } from '../engine/types.ts'

type Embedded = Pick<Target, 'reach' | 'identities' | 'tools' | 'instruments'>

/** Starts the embedded deployment with the instruments hooked up as an operator would hook them up. */
export async function startEmbeddedReference(closers: (() => Promise<void>)[]): Promise<Embedded> {
  const [{ startReference }, { startForgingIssuer, startScriptedUpstream }] = await Promise.all([
    import('../../fixtures/reference/index.ts'),
    import('../instruments/index.ts'),
  ])
  const upstream = await startScriptedUpstream()
  closers.push(() => upstream.close())
  let audience = ''
  const issuer = await startForgingIssuer({ audience: () => audience, tenant: 'acme', scopes: 'mcp:read mcp:tools mcp:admin' })
  closers.push(() => issuer.close())
  const reference = await startReference({
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
