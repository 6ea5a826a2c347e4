/** What `init` has learnt. */
export interface Answers {
  name: string
  kind: string
  url?: string
  command?: string[]
  auth: 'none' | 'bearer' | 'client-credentials'
  gate: 'conformance' | 'security' | 'both'
}

const quote = (text: string): string =>
  `'${text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll(/[\u0000-\u001f\u2028\u2029]/g, ' ')}'`

const tokens = {
  none: undefined,
  bearer: "env('MCP_TOKEN')",
  'client-credentials':
    "clientCredentials({\n            issuer: env('MCP_ISSUER'),\n            clientId: env('MCP_CLIENT_ID'),\n            clientSecret: env('MCP_CLIENT_SECRET'),\n          })",
}

const imports = { none: 'defineConfig', bearer: 'defineConfig, env', 'client-credentials': 'clientCredentials, defineConfig, env' }

/** The text of a configuration. */
export function configText({ name, kind, url, command, auth, gate }: Answers): string {
  const reach = url === undefined ? `command: [${command!.map(quote).join(', ')}],` : `url: ${quote(url)},`
  const identities = tokens[auth]
    ? `
      // The first identity is used unless a check needs several. A second tenant lets Assay see whether tenants are kept apart.
      identities: {
        ci: {
          token: ${tokens[auth]},
        },
      },`
    : ''
  const suites = gate === 'both' ? "'conformance', 'security'" : quote(gate)
  return `import { ${imports[auth]} } from 'mcp-assay'

export default defineConfig({
  targets: {
    ${quote(name)}: {
      kind: ${quote(kind)},
      ${reach}${identities}
      // Only tools annotated read-only are called, and those named here. The roles let more checks run.
      tools: { allow: [] },
    },
  },
  gates: {
    release: { suites: [${suites}] },
  },
  reporters: ['junit'],
})
`
}

const secrets = { none: [], bearer: ['MCP_TOKEN'], 'client-credentials': ['MCP_ISSUER', 'MCP_CLIENT_ID', 'MCP_CLIENT_SECRET'] }

/** The text of a GitHub workflow that runs the gate. */
export function workflowText({ auth }: Answers): string {
  const environment = secrets[auth].map((name) => `          ${name}: \${{ secrets.${name} }}\n`).join('')
  return `name: assay
on:
  pull_request:
  workflow_dispatch:
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 24
      - run: npx --yes mcp-assay gate release
${environment ? `        env:\n${environment}` : ''}      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: assay-results
          path: assay-results
`
}
