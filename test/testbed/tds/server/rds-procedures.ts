import type { Passed } from './procedures.ts'
import { missingProcedure } from './procedures.ts'
import type { Run } from './session.ts'
import type { SessionState } from './state.ts'

export async function* runRds(
  session: SessionState,
  name: readonly string[],
  _passed: readonly Passed[],
): Run {
  if (session.server.rds === null) throw missingProcedure(name.join('.'))
  throw missingProcedure(name.join('.'))
  yield { kind: 'done' }
}
