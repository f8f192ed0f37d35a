import { messageOf } from '../../core/errors.ts'
import { errorNumber, type Session } from './server-access.ts'

/** Settings of a target that would refuse or change a table that its source had. */
const IN_THE_WAY = ['innodb_strict_mode', 'sql_require_primary_key', 'sql_generate_invisible_primary_key']
/** The others stop the restore where they matter, and the error says what to do. */
const SILENT = 'sql_generate_invisible_primary_key'
const ER_SPECIFIC_ACCESS_DENIED = 1227

export interface LoadSettings {
  /** What the client runs at first; undefined where nothing is in the way. */
  readonly initCommand: string | undefined
  readonly warnings: readonly string[]
}

/** Tried, not asked: which of them takes SESSION_VARIABLES_ADMIN differs with vendor and version. */
export async function readLoadSettings(session: Session): Promise<LoadSettings> {
  const rows = await session.query(
    `SHOW SESSION VARIABLES WHERE Variable_name IN (${IN_THE_WAY.map((name) => `'${name}'`).join(', ')})`,
  )
  const on = rows.filter((row) => String(row.Value) === 'ON').map((row) => String(row.Variable_name))
  const settings: string[] = []
  const warnings: string[] = []
  for (const name of on) {
    try {
      await session.query(`SET SESSION ${name} = OFF`)
      settings.push(`SESSION ${name}=OFF`)
    } catch (thrown) {
      if (errorNumber(thrown) !== ER_SPECIFIC_ACCESS_DENIED) throw thrown
      if (name !== SILENT) continue
      warnings.push(
        `tables without a primary key get an invisible one, since ${name} is on at the target and this account may not turn it off: ${messageOf(thrown)}`,
      )
    }
  }
  return { initCommand: settings.length === 0 ? undefined : `SET ${settings.join(', ')}`, warnings }
}
