import type { Database } from './model.ts'
import { mayDo } from './permissions.ts'
import type { SessionState } from './state.ts'

/** A module's text: NULL if it is encrypted or the caller has no VIEW DEFINITION, without an error. */
export function visibleDefinition(session: SessionState, database: Database, id: number): string | null {
  const object = database.objects.get(id)
  if (object?.module === undefined || object.module.encrypted) return null
  return mayDo(session, database, 'VIEW DEFINITION', object) ? object.module.text : null
}
