import type { DatabasePort } from '../../src/runbooks/ports/database.ts'

/** For tests of a control plane, which never ask the database itself. */
export const noDatabase: DatabasePort = {
  look: refuse,
  writable: refuse,
  fence: refuse,
  unfence: refuse,
  planFence: refuse,
  planUnfence: refuse,
  newest: refuse,
  accounts: refuse,
}

async function refuse(): Promise<never> {
  throw new Error('the database was asked')
}
