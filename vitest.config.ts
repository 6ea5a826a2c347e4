import { defineConfig } from 'vitest/config'

// One fast project for what needs no process, one for what starts something. Neither is isolated: our modules keep no
// state between files, and isolation alone would cost most of the run.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['{src,suites,reports,fixtures}/**/*.test.ts'], isolate: false } },
      { test: { name: 'integration', include: ['tests/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})
