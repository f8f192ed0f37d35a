import { quoteName, quoteText } from './catalog/quote.ts'
import { sqlNumberOf } from './failures.ts'
import type { ServerFacts } from './server-facts.ts'
import type { Session } from './session.ts'

export const singleUserText = (name: string) =>
  `ALTER DATABASE ${quoteName(name)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`

export const dropText = (name: string) => `DROP DATABASE ${quoteName(name)}`

/** RDS: with Multi-AZ only this procedure takes a database out of its mirror. */
export const dropOnRdsText = (name: string) => `EXEC msdb.dbo.rds_drop_database ${quoteText(name)}`

/** Ends the sessions in it. */
export async function dropDatabase(
  maintenance: Session,
  name: string,
  { rds }: Pick<ServerFacts, 'rds'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await maintenance.batch(singleUserText(name), signal)
  } catch (thrown) {
    // A database that is not online, or a server that knows no such mode: then nobody is in it, or DROP says who.
    if (sqlNumberOf(thrown) === undefined) throw thrown
  }
  try {
    await maintenance.batch(dropText(name), signal)
  } catch (thrown) {
    if (!rds || sqlNumberOf(thrown) === undefined) throw thrown
    await maintenance.batch(dropOnRdsText(name), signal)
  }
}
