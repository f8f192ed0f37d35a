import * as account from './account-statements.ts'
import * as datapump from './datapump-statements.ts'
import * as dictionary from './dictionary-statements.ts'
import * as file from './file-statements.ts'
import * as gate from './gate-statements.ts'
import * as rds from './rds-statements.ts'
import * as run from './run-statements.ts'

/** Every text that this engine can send, by name: there is no other. */
export const STATEMENTS: Readonly<Record<string, string>> = {
  ...dictionary,
  ...account,
  ...gate,
  ...datapump,
  ...file,
  ...run,
  ...rds,
}
