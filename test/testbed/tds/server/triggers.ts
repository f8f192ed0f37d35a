import type { Change } from './execute-dml.ts'
import { scopeColumns } from './scope-columns.ts'
import { type Context, type Run, runStatements } from './session.ts'
import { moduleOf } from './sources.ts'
import type { SessionState } from './state.ts'

/** AFTER triggers, with inserted and deleted. A bulk load fires none. */
export async function* runTriggers(session: SessionState, change: Change, context: Context): Run {
  const { database, object } = change
  const triggers = [...database.objects.values()].filter(
    (each) =>
      each.parentId === object.id &&
      each.module?.trigger?.disabled === false &&
      each.module.trigger.events.includes(change.event),
  )
  const columns = scopeColumns(object.table?.columns ?? [])
  for (const trigger of triggers) {
    const { pseudo, variables, database: before } = session
    session.pseudo = new Map([
      ['inserted', { columns, rows: change.inserted }],
      ['deleted', { columns, rows: change.deleted }],
    ])
    session.variables = new Map()
    session.database = database
    const noCount = session.noCount
    try {
      yield* runStatements(session, moduleOf(trigger).body ?? [], {
        signal: context.signal,
        depth: context.depth + 1,
        guarded: true,
        procedure: trigger.name,
      })
    } finally {
      session.pseudo = pseudo
      session.variables = variables
      session.database = before
      session.noCount = noCount
    }
  }
  return 'next'
}
