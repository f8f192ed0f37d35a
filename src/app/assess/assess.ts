import { WAY_NAMES } from '../ways.ts'
import type { DatabaseEvidence, Evidence } from './evidence.ts'
import { type GatherRequest, gather } from './gather.ts'
import { judge } from './judge.ts'
import type { Verdict } from './verdict.ts'

export interface AssessedDatabase extends DatabaseEvidence {
  /** Best first. */
  readonly ways: readonly Verdict[]
}

export interface Assessment extends Omit<Evidence, 'databases'> {
  readonly tookMs: number
  /** The inventory that stood in for the source, where it was needed. */
  readonly inventory: { readonly id: string; readonly ended: string } | null
  readonly databases: readonly AssessedDatabase[]
  /** Why there are none, where nothing tells which there are. */
  readonly problem: string | null
}

/** Which ways out are open now, and what each of them costs. Only reads. */
export async function assess(request: GatherRequest, signal: AbortSignal): Promise<Assessment> {
  const { clock, flags, inventory } = request
  const beganMs = clock.monotonicMs()
  const evidence = await gather(request, signal)
  const { databases } = evidence
  const assessed = databases.known
    ? databases.value.map((db) => ({ ...db, ways: judge({ evidence, db, flags }, WAY_NAMES) }))
    : []
  const used =
    (databases.known && databases.asOf !== null) ||
    assessed.some(({ identity }) => identity.known && identity.asOf !== null)
  return {
    ...evidence,
    tookMs: Math.round(clock.monotonicMs() - beganMs),
    inventory: used && inventory !== undefined ? { id: inventory.id, ended: inventory.ended } : null,
    databases: assessed,
    problem: databases.known ? null : databases.reason,
  }
}

/** Whether each database has a way that is surely open. */
export function hasWayOut({ databases, problem }: Assessment): boolean {
  return problem === null && databases.every(({ ways }) => ways.some(({ state }) => state === 'open'))
}
