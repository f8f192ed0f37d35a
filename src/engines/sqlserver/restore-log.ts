import type { EngineEvent, RestoreResult } from '../../core/engine.ts'
import type { ApplyResult } from './schema/apply.ts'
import { violationText } from './schema/violations.ts'

/** What a restore did and did not do, gathered for its report. */
export interface RestoreLog {
  readonly restored: string[]
  readonly warnings: string[]
  /** What came of the schema of a database. */
  take(database: string, result: ApplyResult): void
  step(message: string): void
  result(): RestoreResult
}

export function createRestoreLog(onProgress: ((event: EngineEvent) => void) | undefined): RestoreLog {
  const restored: string[] = []
  const warnings: string[] = []
  const notRestored: { what: string; reason: string }[] = []
  return {
    restored,
    warnings,
    take(database, { notRestored: left, warnings: more, violations }) {
      for (const { what, reason } of left) {
        notRestored.push({ what: `${what} in database '${database}'`, reason })
      }
      for (const violation of violations) {
        if (violation.kept) warnings.push(`database '${database}': rows break ${violationText(violation)}`)
      }
      for (const warning of more) warnings.push(`database '${database}': ${warning}`)
    },
    step: (message) => onProgress?.({ kind: 'step', message }),
    result: () => ({ restored, notRestored, warnings }),
  }
}
