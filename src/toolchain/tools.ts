/** Where a tool can come from. The first three are looked at; the others install. */
export type Source =
  | { from: 'variable'; name: string; file?: string }
  | { from: 'path'; commands: readonly string[] }
  | { from: 'cache'; file?: string }
  | { from: 'maven'; artifact: string }
  | { from: 'go'; module: string; builds: string; file: string }
  | { from: 'apt'; package: string }
  | { from: 'deb'; package: string }

export interface Tool {
  /** What needs it, for whoever wonders why it is looked for. */
  for: string
  /** The version that is installed when no other is asked for. */
  version?: string
  /** The oldest major version that is any use. */
  oldest?: number
  /** How the version is learnt: by asking the program, or from a file of the folder. */
  tells: { arguments: readonly string[] } | { file: string }
  /** In the order in which they are tried. */
  sources: readonly Source[]
}

/** Every tool that is not an npm package. */
export const tools = {
  java: {
    for: 'running Keycloak',
    oldest: 17,
    tells: { arguments: ['-version'] },
    sources: [
      { from: 'variable', name: 'JAVA_HOME', file: 'bin/java' },
      { from: 'path', commands: ['java'] },
      { from: 'apt', package: 'default-jre-headless' },
    ],
  },
  keycloak: {
    for: 'security checks against a real authorization server',
    version: '26.7.0',
    tells: { file: 'version.txt' },
    sources: [
      { from: 'variable', name: 'KEYCLOAK_HOME' },
      { from: 'cache' },
      { from: 'maven', artifact: 'org.keycloak:keycloak-quarkus-dist' },
    ],
  },
  chromium: {
    for: 'signing in as a person does, in a browser',
    tells: { arguments: ['--version'] },
    sources: [
      { from: 'variable', name: 'CHROMIUM_BIN' },
      { from: 'path', commands: ['chromium', 'chromium-browser', 'google-chrome'] },
      { from: 'apt', package: 'chromium' },
    ],
  },
  k6: {
    for: 'load',
    version: '1.8.1',
    tells: { arguments: ['version'] },
    sources: [
      { from: 'variable', name: 'K6_BIN' },
      { from: 'path', commands: ['k6'] },
      { from: 'cache', file: 'k6' },
      { from: 'go', module: 'go.k6.io/k6', builds: 'k6', file: 'k6' },
    ],
  },
  toxiproxy: {
    for: 'faults on the network',
    version: '2.12.0',
    tells: { arguments: ['--version'] },
    sources: [
      { from: 'variable', name: 'TOXIPROXY_BIN' },
      { from: 'path', commands: ['toxiproxy-server'] },
      { from: 'cache', file: 'toxiproxy-server' },
      { from: 'go', module: 'github.com/Shopify/toxiproxy/v2/cmd/server', builds: 'server', file: 'toxiproxy-server' },
    ],
  },
  // Its package also installs a server and starts it, so the one program is taken out of it.
  promtool: {
    for: 'trying out the rules that objectives are written as',
    tells: { arguments: ['--version'] },
    sources: [
      { from: 'variable', name: 'PROMTOOL_BIN' },
      { from: 'path', commands: ['promtool'] },
      { from: 'cache', file: 'usr/bin/promtool' },
      { from: 'deb', package: 'prometheus' },
    ],
  },
  openssl: {
    for: 'certificates, and what TLS a target accepts',
    tells: { arguments: ['version'] },
    sources: [
      { from: 'path', commands: ['openssl'] },
      { from: 'apt', package: 'openssl' },
    ],
  },
} as const satisfies Record<string, Tool>

export type ToolName = keyof typeof tools

export const toolNames = Object.keys(tools) as ToolName[]

/** A tool that is there. `path` is the program, or the folder of one that is a folder. */
export interface Found {
  tool: ToolName
  path: string
  version: string
  how: 'variable' | 'path' | 'cache' | 'installed'
}

export interface FindOptions {
  /** The one version that will do. */
  version?: string
  env?: NodeJS.ProcessEnv
}
