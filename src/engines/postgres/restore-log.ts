import type { EngineEvent, RestoreResult } from '../../core/engine.ts'

/** What a restore did and did not do, gathered for its report. */
export interface RestoreLog {
  readonly restored: string[]
  readonly warnings: string[]
  leave(what: string, reason: string): void
  /** A role that exists at the target stays as it is. */
  keep(role: string): void
  step(message: string): void
  result(): RestoreResult
}

export function createRestoreLog(onProgress: ((event: EngineEvent) => void) | undefined): RestoreLog {
  const restored: string[] = []
  const warnings: string[] = []
  const notRestored: { what: string; reason: string }[] = []
  const kept: string[] = []
  return {
    restored,
    warnings,
    leave: (what, reason) => void notRestored.push({ what, reason }),
    keep: (role) => void kept.push(role),
    step: (message) => onProgress?.({ kind: 'step', message }),
    result: () => ({
      restored,
      notRestored: [
        ...notRestored,
        ...kept.map((role) => ({
          what: `attributes and password of role '${role}'`,
          reason: 'the role exists at the target and stays as it is there',
        })),
      ],
      warnings,
    }),
  }
}
