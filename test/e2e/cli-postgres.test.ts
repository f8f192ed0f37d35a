import { describe } from 'vitest'
import { startCliPostgres } from '../testbed/cli-servers.ts'
import { lacks } from '../testbed/requirement.ts'
import { describeCommandLine } from './cli-suite.ts'

describe.skipIf(lacks('postgres'))('', () => {
  describeCommandLine('PostgreSQL', () => startCliPostgres({ ballast: true }))
})
