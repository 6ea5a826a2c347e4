/** A list of weaknesses by others, as SARIF refers to it. */
export interface Taxonomy {
  readonly name: string
  readonly organization: string
  readonly version?: string
  readonly about: string
  readonly home: string
  /** Whether an id of a finding is of this list. */
  readonly has: (id: string) => boolean
  readonly titleOf?: (id: string) => string | undefined
  readonly linkOf?: (id: string) => string
}

const api = [
  'Broken Object Level Authorization',
  'Broken Authentication',
  'Broken Object Property Level Authorization',
  'Unrestricted Resource Consumption',
  'Broken Function Level Authorization',
  'Unrestricted Access to Sensitive Business Flows',
  'Server Side Request Forgery',
  'Security Misconfiguration',
  'Improper Inventory Management',
  'Unsafe Consumption of APIs',
]

const mcp = [
  'Token Mismanagement & Secret Exposure',
  'Privilege Escalation via Scope Creep',
  'Tool Poisoning',
  'Software Supply Chain Attacks & Dependency Tampering',
  'Command Injection & Execution',
  'Prompt Injection via Contextual Payloads',
  'Insufficient Authentication & Authorization',
  'Lack of Audit and Telemetry',
  'Shadow MCP Servers',
  'Context Injection & Over-Sharing',
]

const llm = [
  'Prompt Injection',
  'Sensitive Information Disclosure',
  'Supply Chain',
  'Data and Model Poisoning',
  'Improper Output Handling',
  'Excessive Agency',
  'System Prompt Leakage',
  'Vector and Embedding Weaknesses',
  'Misinformation',
  'Unbounded Consumption',
]

const titled =
  (titles: readonly string[]) =>
  (id: string): string | undefined =>
    titles[Number(/\d+/.exec(id)?.[0]) - 1]

const owasp = { organization: 'OWASP', linkOf: undefined } as const

/** The lists that checks refer to. */
export const taxonomies: readonly Taxonomy[] = [
  {
    name: 'CWE',
    organization: 'MITRE',
    about: 'The MITRE Common Weakness Enumeration',
    home: 'https://cwe.mitre.org/',
    has: (id) => /^CWE-\d+$/.test(id),
    linkOf: (id) => `https://cwe.mitre.org/data/definitions/${id.slice(4)}.html`,
  },
  {
    ...owasp,
    name: 'OWASP API Security Top 10',
    version: '2023',
    about: 'The ten most critical security risks of APIs',
    home: 'https://owasp.org/API-Security/editions/2023/en/0x11-t10/',
    has: (id) => /^API\d+:2023$/.test(id),
    titleOf: titled(api),
  },
  {
    ...owasp,
    name: 'OWASP Top 10 for LLM Applications',
    version: '2025',
    about: 'The ten most critical security risks of applications of large language models',
    home: 'https://genai.owasp.org/llm-top-10/',
    has: (id) => /^LLM\d+:2025$/.test(id),
    titleOf: titled(llm),
  },
  {
    ...owasp,
    name: 'OWASP MCP Top 10',
    version: '2025',
    about: 'The ten most critical security risks of the Model Context Protocol',
    home: 'https://owasp.org/www-project-mcp-top-10/',
    has: (id) => /^MCP\d+:2025$/.test(id),
    titleOf: titled(mcp),
  },
]
