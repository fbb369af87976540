import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // As cli/boxhooks.mjs has it, for the commands that tests start.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.boxhooks/compile-cache', import.meta.url)) },
    globalSetup: 'test/global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    maxConcurrency: 2,
  },
})
