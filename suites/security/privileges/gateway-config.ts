import { check, type DeploymentDocument, isObject, section } from '../../../src/model/index.ts'
import { at, documents, type Json, judged, listOf, type Path, type Placed, textsOf } from './documents.ts'

interface Server extends Placed {
  readonly name: string
  readonly value: Json
}

const serversOf = (documents: readonly DeploymentDocument[]): Server[] =>
  documents
    .filter(({ kind }) => kind === 'gateway-config')
    .flatMap((document) =>
      listOf(at(document.value, 'gateway_config', 'mcp_servers')).flatMap((value, index) =>
        isObject(value) ? [{ document, path: ['gateway_config', 'mcp_servers', index] as Path, name: String(value.name), value }] : [],
      ),
    )

const none = 'no MCP server is configured behind the gateway'

export default section(
  { spec: 'policy', page: 'servers-behind-the-gateway', revisions: 'all', of: 'manifests', threat: 'over-privilege' },
  [
    check('privileges/server-authentication', {
      threat: 'gateway-bypass',
      weakness: 'CWE-306',
      title: 'The gateway authenticates to each server',
      policy: 'name for each server how the gateway authenticates to it, by something that can be revoked',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(serversOf(documents), { none, expected: 'auth_method' }, ({ value }) =>
          value.auth_method === undefined || /^(none|no_?auth|anonymous)$/i.test(String(value.auth_method))
            ? 'is called without authentication'
            : undefined,
        ),
      fix: 'Set auth_method, with scopes of that server.',
    }),

    check('privileges/server-scopes', {
      weakness: 'CWE-250',
      title: 'The gateway asks for scopes of each server',
      policy: 'name the scopes for each server, none of them standing for everything',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(serversOf(documents), { none, expected: 'scopes' }, ({ value }) => {
          const scopes = textsOf(value.scopes)
          if (scopes.length === 0) return 'is called with whatever scopes the gateway has'
          const broad = scopes.filter((scope) => /(^|[:/])(\*|all|admin|full[-_]?access)$/i.test(scope))
          return broad.length === 0 ? undefined : `is called with ${broad.join(', ')}`
        }),
      fix: 'List the scopes that the calls to this server need.',
    }),

    check('privileges/server-scope-form', {
      weakness: 'CWE-863',
      spec: 'aws',
      page: 'cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html',
      title: 'Scopes of Cognito name their resource server',
      must: 'write scopes asked of Cognito as the identifier of the resource server, a slash, and the name of the scope',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          serversOf(documents).filter(({ value }) => /cognito/i.test(String(value.auth_method)) && textsOf(value.scopes).length > 0),
          { none: 'no MCP server is called with scopes of Cognito', expected: 'identifier/scope' },
          ({ value }) => {
            const bare = textsOf(value.scopes).filter((scope) => !scope.includes('/'))
            return bare.length === 0 ? undefined : `asks for ${bare.join(', ')}, which no resource server has`
          },
        ),
      fix: 'Prefix the scope: database-mcp/read:database.',
    }),

    check('privileges/server-scope-shared', {
      weakness: 'CWE-250',
      title: 'No two servers share a scope',
      policy: 'ask for scopes of one server only, so that a token for one does not open another',
      needs: { documents },
      judge: ({ documents: { documents } }) => {
        const servers = serversOf(documents)
        return judged(servers, { none, expected: 'scopes of its own' }, ({ name, value }) => {
          const shared = textsOf(value.scopes).filter((scope) =>
            servers.some((other) => other.name !== name && textsOf(other.value.scopes).includes(scope)),
          )
          return shared.length === 0 ? undefined : `shares ${shared.join(', ')} with another server`
        })
      },
      fix: 'Define a resource server, and scopes, for each MCP server.',
    }),

    check('privileges/server-transport', {
      threat: 'exposed-channel',
      weakness: 'CWE-319',
      title: 'The gateway calls servers over TLS',
      policy: 'call servers, and fetch what describes them, by https',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(serversOf(documents), { none, expected: 'https' }, ({ value }) => {
          const plain = ['url', 'source_api'].filter((key) => /^http:\/\//i.test(String(value[key])))
          return plain.length === 0 ? undefined : `has ${plain.join(' and ')} without TLS`
        }),
      fix: 'Use the https address.',
    }),
  ],
)
