import type { Shown, World } from './world.ts'

const MINUTE = 60_000

/** How long things take, of the order that AWS takes for them. */
export const DURATIONS = {
  createInstance: 8 * MINUTE,
  createCluster: 3 * MINUTE,
  createReplica: 20 * MINUTE,
  restore: 14 * MINUTE,
  promote: 6 * MINUTE,
  modify: MINUTE,
  reboot: MINUTE,
  switchover: 4 * MINUTE,
  failover: 2 * MINUTE,
  backupReplication: 10 * MINUTE,
  dns: 40_000,
  /** Of a snapshot or its copy, for each GiB. */
  snapshotPerGib: 3_000,
  copyPerGib: 8_000,
} as const

/** A look may show what was before a change for so long. */
export const SHOWN_MS = 3_000

export function looked<T extends Shown>(
  world: World,
  thing: T | undefined,
): Omit<T, 'visibleMs'> | undefined {
  if (thing === undefined || thing.visibleMs > world.time.nowMs()) return undefined
  const { visibleMs: _, ...rest } = thing
  return rest
}
