import { defineConfig } from 'vitest/config'

// One fast project for what needs no process, one for what starts something. The first is not isolated: our modules keep no
// state between files, and isolation alone would cost most of the run. The second runs one file at a time: deadlines are met
// in it, and a machine that is kept busy by another file would meet them for the wrong reason.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['{src,suites,reports,fixtures}/**/*.test.ts'], isolate: false } },
      {
        test: { name: 'integration', include: ['tests/**/*.test.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 },
      },
    ],
  },
})
