import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Tests start real servers and real pipelines: more workers than this only make each other late.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    globalSetup: ['test/testbed/global-setup.ts'],
    reporters: ['default', './test/testbed/summary-reporter.ts'],
    // Where the tests themselves run in a container, testcontainers would look for a gateway of Docker's bridge. There is
    // none: all containers are on the host's network.
    env: { TESTCONTAINERS_RYUK_DISABLED: 'true', TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1' },
  },
})
