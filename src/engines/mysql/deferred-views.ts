/**
 * mysqldump creates views by name, with placeholders for those that come later. A view WITH CHECK OPTION over such a
 * placeholder is refused (ERROR 1368), so it is made without the option first, and again with it after all others.
 */
export interface DeferredViews {
  /** Sees every statement, and gives the one to run now. */
  take(statement: Buffer, database: string): Buffer
  /** What is to run at the end. */
  rest(): Buffer
}

const CHECKED_VIEW =
  /^\/\*!50001 CREATE [\s\S]*\/\*!50001 VIEW [\s\S]*(\/\*!50002 WITH (?:CASCADED|LOCAL) CHECK OPTION \*\/)\s*;$/
const CONTEXT =
  /^\/\*!50001 SET (character_set_client|character_set_results|collation_connection)\s*=\s*\w+ \*\/;$/

export function createDeferredViews(): DeferredViews {
  const context = new Map<string, string>()
  const deferred: string[] = []
  return {
    take(statement, database) {
      if (statement.toString('latin1', 0, 9) !== '/*!50001 ') return statement
      const text = statement.toString('latin1')
      const set = CONTEXT.exec(text)
      if (set !== null) context.set(set[1] ?? '', text)
      const option = CHECKED_VIEW.exec(text)?.[1]
      if (option === undefined) return statement
      const again = text.replace('CREATE', 'CREATE OR REPLACE')
      deferred.push(`USE ${Buffer.from(database, 'utf8').toString('latin1')};`, ...context.values(), again)
      return Buffer.from(`${text.slice(0, text.lastIndexOf(option))};`, 'latin1')
    },
    rest: () => Buffer.from(deferred.length === 0 ? '' : `\n${deferred.join('\n')}\n`, 'latin1'),
  }
}
