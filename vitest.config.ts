import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** What a setup file shares with its project's tests: the packaged stage. */
const PACKAGED = 'test/support/global-setup.ts'

export default defineConfig({
  test: {
    // As cli/boxhooks.mjs has it, for the commands that tests start.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.boxhooks/compile-cache', import.meta.url)) },
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    maxConcurrency: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/{unit,cli,integration,repository}/**/*.test.ts'],
          globalSetup: PACKAGED,
        },
      },
      {
        extends: true,
        test: { name: 'thorough', include: ['test/thorough/**/*.test.ts'], globalSetup: PACKAGED },
      },
      {
        extends: true,
        test: { name: 'mine', include: ['test/automations/**/*.test.ts'] },
      },
    ],
  },
})
