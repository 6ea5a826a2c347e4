import { check, type DeploymentDocument, revisions, section } from '../../../src/model/index.ts'
import { documents, type Json, judged, listOf, type Placed, recordOf, textsOf } from './documents.ts'
import { member, resourcesOf } from './policies.ts'

interface Gateway extends Placed {
  readonly value: Json
  /** The JWT authorizer, when there is one. */
  readonly jwt?: Json
}

function gatewaysOf(documents: readonly DeploymentDocument[]): Gateway[] {
  const described = [
    ...documents
      .filter(({ kind }) => kind === 'agentcore-gateway')
      .map((document): Placed & { properties: Json } => ({ document, path: [], properties: document.value })),
    ...resourcesOf(documents, /^AWS::BedrockAgentCore::Gateway$/),
  ]
  return described.map(({ document, path, properties }) => {
    const jwt = member(member(properties, 'authorizerConfiguration'), 'customJWTAuthorizer')
    return { document, path, value: properties, ...(jwt === undefined ? {} : { jwt: recordOf(jwt) }) }
  })
}

const authorizerOf = ({ value }: Gateway): string => String(member(value, 'authorizerType') ?? '')

const withJwt = (documents: readonly DeploymentDocument[]): (Gateway & { jwt: Json })[] =>
  gatewaysOf(documents).flatMap((gateway) => (gateway.jwt === undefined ? [] : [{ ...gateway, jwt: gateway.jwt }]))

const none = 'no AgentCore gateway is described'
const noJwt = 'no AgentCore gateway with a JWT authorizer is described'

// What AgentCore can serve: the first revision is older than the service.
const served = revisions.slice(1)

const guide = 'bedrock-agentcore/latest/devguide'

export default section(
  { spec: 'aws', page: `${guide}/gateway-inbound-auth.html`, revisions: 'all', of: 'manifests', threat: 'scope-bypass' },
  [
    check('privileges/gateway-authorizer', {
      threat: 'gateway-bypass',
      weakness: 'CWE-306',
      page: 'securityhub/latest/userguide/bedrockagentcore-controls.html#bedrockagentcore-2',
      title: 'The gateway authorizes who calls it',
      should: 'have an authorizer: with NONE, whoever finds the gateway calls its tools',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(gatewaysOf(documents), { none, expected: 'CUSTOM_JWT or AWS_IAM' }, (gateway) =>
          authorizerOf(gateway) === 'NONE' ? 'has the authorizer NONE' : undefined,
        ),
      fix: 'Set authorizerType to CUSTOM_JWT or AWS_IAM.',
    }),

    check('privileges/gateway-offloaded', {
      threat: 'gateway-bypass',
      weakness: 'CWE-862',
      page: `${guide}/gateway-inbound-auth.html#gateway-inbound-auth-offloaded`,
      title: 'Somebody decides where the gateway does not',
      should:
        'attach a policy engine that enforces, or an interceptor of requests, where the gateway only authenticates or does not even that',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          gatewaysOf(documents).filter((gateway) => ['NONE', 'AUTHENTICATE_ONLY'].includes(authorizerOf(gateway))),
          { none: 'no AgentCore gateway leaves authorization to others', expected: 'a policy engine or a REQUEST interceptor' },
          ({ value }) => {
            const engine = member(value, 'policyEngineConfiguration')
            const intercepted = listOf(member(value, 'interceptorConfigurations')).some((interceptor) =>
              textsOf(member(interceptor, 'interceptionPoints')).includes('REQUEST'),
            )
            return intercepted || (engine !== undefined && member(engine, 'mode') === 'ENFORCE')
              ? undefined
              : 'authorizes nobody, and nothing does so for it'
          },
        ),
      fix: 'Attach a policy engine in mode ENFORCE, or a REQUEST interceptor that decides.',
    }),

    check('privileges/gateway-audience', {
      threat: 'misdirected-token',
      weakness: 'CWE-863',
      page: `${guide}/inbound-jwt-authorizer.html`,
      title: 'The gateway takes tokens made for it',
      policy: 'name the audiences or the clients whose tokens are taken: with neither, every token of the issuer opens the gateway',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withJwt(documents), { none: noJwt, expected: 'allowedAudience or allowedClients' }, ({ jwt }) =>
          ['allowedAudience', 'allowedClients'].every((name) => listOf(member(jwt, name)).length === 0)
            ? 'takes every token of its issuer'
            : undefined,
        ),
      fix: 'Set allowedAudience; where the issuer writes no aud, as Cognito for machines, set allowedClients.',
    }),

    check('privileges/gateway-clients', {
      threat: 'misdirected-token',
      weakness: 'CWE-863',
      page: `${guide}/inbound-jwt-authorizer.html`,
      title: 'The gateway names its clients',
      policy: 'name the clients, or a claim such as the tenant, that tokens must have beside their audience',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withJwt(documents), { none: noJwt, expected: 'allowedClients or customClaims' }, ({ jwt }) =>
          ['allowedClients', 'customClaims'].every((name) => listOf(member(jwt, name)).length === 0)
            ? 'takes tokens of every client'
            : undefined,
        ),
      fix: 'Set allowedClients, or customClaims.',
    }),

    check('privileges/gateway-scopes', {
      weakness: 'CWE-862',
      page: `${guide}/inbound-jwt-authorizer.html`,
      title: 'The gateway asks for a scope',
      policy: 'name the scopes of which a token must have one',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withJwt(documents), { none: noJwt, expected: 'allowedScopes' }, ({ jwt }) => {
          const scopes = textsOf(member(jwt, 'allowedScopes'))
          if (scopes.length === 0) return 'asks for no scope'
          const broad = scopes.filter((scope) => /^(\*|openid|profile|email|offline_access)$/.test(scope))
          return broad.length === 0 ? undefined : `is satisfied with ${broad.join(', ')}, which every token may have`
        }),
      fix: 'Set allowedScopes to scopes of this gateway.',
    }),

    check('privileges/gateway-discovery', {
      weakness: 'CWE-346',
      threat: 'false-metadata',
      page: `${guide}/inbound-jwt-authorizer.html`,
      title: 'The discovery address is one',
      must: 'give a discoveryUrl that ends in /.well-known/openid-configuration',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withJwt(documents), { none: noJwt, expected: 'https://…/.well-known/openid-configuration' }, ({ jwt }) => {
          const url = String(member(jwt, 'discoveryUrl') ?? '')
          return /.+\/\.well-known\/openid-configuration$/.test(url) ? undefined : `has the discoveryUrl "${url}"`
        }),
      fix: 'Write the issuer followed by /.well-known/openid-configuration.',
    }),

    check('privileges/gateway-issuer-transport', {
      threat: 'exposed-channel',
      weakness: 'CWE-319',
      spec: 'rfc8414',
      page: '2',
      title: 'Keys are fetched over TLS',
      must: 'name an issuer whose address has the scheme https',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(withJwt(documents), { none: noJwt, expected: 'https' }, ({ jwt }) =>
          /^http:/i.test(String(member(jwt, 'discoveryUrl') ?? '')) ? 'fetches its keys without TLS' : undefined,
        ),
      fix: 'Use the https address of the issuer.',
    }),

    check('privileges/gateway-exceptions', {
      threat: 'exposed-internals',
      weakness: 'CWE-209',
      page: `${guide}/gateway-debug-messages.html`,
      title: 'Errors tell callers nothing of the inside',
      should: 'leave exceptionLevel out once development is done: DEBUG sends ARNs and permissions to callers',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(gatewaysOf(documents), { none, expected: 'no exceptionLevel' }, ({ value }) =>
          member(value, 'exceptionLevel') === 'DEBUG' ? 'answers with exceptionLevel DEBUG' : undefined,
        ),
      fix: 'Remove exceptionLevel; the console and the starter tools turn it on.',
    }),

    check('privileges/gateway-interceptor', {
      threat: 'token-theft',
      weakness: 'CWE-200',
      spec: 'policy',
      page: 'interceptors-see-no-tokens',
      title: 'Interceptors do not get the headers',
      policy: 'pass no request headers to interceptors, and with them no bearer tokens, unless the interceptor decides who may call',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          gatewaysOf(documents).flatMap((gateway) =>
            listOf(member(gateway.value, 'interceptorConfigurations')).map((interceptor, index) => ({
              document: gateway.document,
              path: [...gateway.path, 'interceptorConfigurations', index],
              offloaded: ['NONE', 'AUTHENTICATE_ONLY'].includes(authorizerOf(gateway)),
              interceptor,
            })),
          ),
          { none: 'no interceptor is described', expected: 'passRequestHeaders: false' },
          ({ interceptor, offloaded }) =>
            !offloaded && member(member(interceptor, 'inputConfiguration'), 'passRequestHeaders') === true
              ? 'gets the headers of every request'
              : undefined,
        ),
      fix: 'Set inputConfiguration.passRequestHeaders: false.',
    }),

    check('privileges/gateway-versions', {
      weakness: 'CWE-757',
      page: `${guide}/gateway-using.html`,
      title: 'No version in between is dropped',
      policy: 'serve two revisions of MCP at least, and every one between the oldest and the newest it serves',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          gatewaysOf(documents).filter(({ value }) => versionsOf(value) !== undefined),
          { none: 'no AgentCore gateway says which versions it serves', expected: served.join(', ') },
          ({ value }) => {
            const own = versionsOf(value)!
            const unknown = own.filter((version) => !served.some((each) => each === version))
            if (unknown.length > 0) return `lists ${unknown.join(', ')}, which is no version it can serve`
            const range = served.filter((version) => version >= own[0]! && version <= own.at(-1)!)
            const dropped = range.filter((version) => !own.includes(version))
            if (dropped.length > 0) return `has dropped ${dropped.join(', ')}`
            return own.length < 2 ? `serves ${own.join(', ') || 'no version'} alone` : undefined
          },
        ),
      fix: 'Give the whole list on each update: UpdateGateway replaces it.',
    }),

    check('privileges/gateway-encryption', {
      threat: 'exposed-internals',
      weakness: 'CWE-311',
      spec: 'policy',
      page: 'own-keys',
      title: 'The gateway is encrypted with an own key',
      policy: 'name a key of the account for what the gateway stores, one for each tenant that has a gateway of its own',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(gatewaysOf(documents), { none, expected: 'kmsKeyArn' }, ({ value }) =>
          member(value, 'kmsKeyArn') === undefined ? 'names no key' : undefined,
        ),
      fix: 'Set kmsKeyArn.',
    }),

    check('privileges/gateway-policy-engine', {
      weakness: 'CWE-862',
      spec: 'policy',
      page: 'policies-enforced',
      title: 'Policies are enforced',
      policy: 'run its policy engine in mode ENFORCE: LOG_ONLY records what it would have refused, and lets it pass',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          gatewaysOf(documents).filter(({ value }) => member(value, 'policyEngineConfiguration') !== undefined),
          { none: 'no AgentCore gateway has a policy engine', expected: 'ENFORCE' },
          ({ value }) => {
            const mode = member(member(value, 'policyEngineConfiguration'), 'mode')
            return mode === 'ENFORCE' ? undefined : `runs its policy engine in mode ${mode}`
          },
        ),
      fix: 'Set policyEngineConfiguration.mode: ENFORCE.',
    }),
  ],
)

function versionsOf(value: Json): string[] | undefined {
  const versions = member(member(member(value, 'protocolConfiguration'), 'mcp'), 'supportedVersions')
  return versions === undefined ? undefined : textsOf(versions).sort()
}
