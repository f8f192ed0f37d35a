import { defineConfig } from 'vitest/config'
import tests from '../../vitest.config.ts'

/** For `npm run chaos`: the same servers as the tests have, and one long test. */
export default defineConfig({
  test: { ...tests.test, include: ['test/chaos/ordered-campaign.ts'], reporters: ['dot'] },
})
