import { describe } from 'vitest'
import { startCliMariadb } from '../testbed/cli-servers.ts'
import { lacks } from '../testbed/requirement.ts'
import { describeCommandLine } from './cli-suite.ts'

describe.skipIf(lacks('mariadb'))('', () => {
  describeCommandLine('MariaDB', startCliMariadb)
})
