import { defineConfig } from './src/index.ts'

// The worked example, and what is used where there is no configuration. In a project of your own, import from 'mcp-assay'.
export default defineConfig({
  targets: {
    // The embedded deployment: gateway, servers, identity provider and instruments, started for the run.
    reference: { kind: 'reference' },

    // A server of the Model Context Protocol project, as it is published. It listens without a token, on loopback.
    everything: {
      kind: 'server',
      start: async () => (await import('./fixtures/third-party/everything.ts')).startEverything(),
      environment: 'local',
      tools: { allow: ['echo'], echo: 'echo' },
    },
  },
  defaultTargets: ['reference'],
  // What is wanted of targets under load; `assay run load` judges by it.
  objectives: {
    'calls answered': { sli: 'availability', method: 'tools/call', target: 0.99 },
    'calls in time': { sli: 'latency', method: 'tools/call', p99: '500ms' },
  },
  gates: {
    release: { suites: ['conformance', 'security'] },
    nightly: { suites: ['load'] },
  },
  reporters: ['junit'],
})
