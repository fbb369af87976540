import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** How the tests of boxhooks itself share a packaged stage, and where everything random in them starts from. */
const SETUP = { globalSetup: 'test/support/global-setup.ts', setupFiles: 'test/support/seed.ts' }

export default defineConfig({
  test: {
    // As cli/boxhooks.mjs has it, for the commands that tests start.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.boxhooks/compile-cache', import.meta.url)) },
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 10_000 } },
    // One more than the cores that a small machine has: tests wait for servers of their own.
    maxWorkers: 3,
    maxConcurrency: 2,
    projects: [
      {
        extends: true,
        // Nothing outlives a test, so the files share what they import.
        test: {
          name: 'fast',
          include: ['{test/{unit,cli,integration,repository},examples/test}/**/*.test.ts'],
          isolate: false,
          ...SETUP,
        },
      },
      {
        extends: true,
        test: {
          name: 'thorough',
          // Properties once more, from another seed and longer.
          include: ['test/thorough/**/*.test.ts', 'test/{unit,integration}/**/*.property.test.ts'],
          ...SETUP,
        },
      },
      {
        extends: true,
        test: { name: 'mine', include: ['test/automations/**/*.test.ts'] },
      },
    ],
  },
})
