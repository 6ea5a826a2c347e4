import type { Embedded } from '../../fixtures/reference/targets.ts'
import { coded } from '../messages/index.ts'

/** Starts the embedded deployment with the instruments hooked up as an operator would; its parts are targets of their own. */
export async function startEmbeddedReference(closers: (() => Promise<void>)[]): Promise<Record<string, Embedded>> {
  const [{ observable, startGatewayOver, startReference }, { startTlsReference }, targets, instruments] = await Promise.all([
    import('../../fixtures/reference/index.ts').catch(incomplete),
    import('../../fixtures/tls/index.ts').catch(incomplete),
    import('../../fixtures/reference/targets.ts').catch(incomplete),
    import('../instruments/index.ts'),
  ])
  const { gatewayTarget, identityTarget, manifestsTarget, tlsTarget } = targets
  const started = <T extends { close(): Promise<void> }>(part: T): T => {
    closers.push(() => part.close())
    return part
  }
  const upstream = started(await instruments.startScriptedUpstream())
  const listener = started(await instruments.startListener())
  const documents = started(await instruments.startListener({ origin: targets.clientsOrigin }))
  const browser = started(instruments.startBrowser())
  const provider = started(await instruments.startForgingIssuer())
  const identityProviders = [{ issuer: provider.issuer, jwksUri: provider.jwksUri, tenant: 'acme' }]
  const trusted = { tenant: 'acme', scopes: 'mcp:read mcp:tools mcp:admin' }
  const clients = ['assay-client', 'assay-second-client'] as const
  const issuer = started(await instruments.startForgingIssuer({ ...trusted, broadScope: 'mcp:admin', clients }))
  const tlsIssuer = started(await instruments.startForgingIssuer(trusted))
  const reference = started(
    await startReference({
      identity: { openRegistration: true, web: { [documents.origin]: documents.at }, identityProviders },
      configure: observable,
      extraUpstreams: [{ name: 'scripted', url: upstream.url }],
      extraIssuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri, clients: issuer.clients }],
    }),
  )
  await issuer.setAudience(reference.url)
  await provider.setAudience(reference.issuer)
  const previous = started(await startGatewayOver(reference.parts, { configure: observable }))
  const tls = started(
    await startTlsReference(reference.parts, {
      configure: observable,
      extraIssuers: [{ issuer: tlsIssuer.issuer, jwksUri: tlsIssuer.jwksUri }],
    }),
  )
  await tlsIssuer.setAudience(tls.reference.url)
  const gateway = await gatewayTarget(reference, { upstream, issuer, listener, browser }, previous)
  const identity = await identityTarget(reference.parts.identity, reference.url)
  return {
    '': gateway,
    '-tls': await tlsTarget(tls, { issuer: tlsIssuer }),
    '-identity': { ...identity, instruments: { listener, documents, browser, issuer: provider } },
    '-manifests': manifestsTarget(),
  }
}

/** The reference's own packages are optional for those who do not use it. */
function incomplete(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  throw coded('E_REFERENCE_INCOMPLETE', { what: /'([^']+)'/.exec(error.message)?.[1] ?? 'a package' }, { cause: error })
}
