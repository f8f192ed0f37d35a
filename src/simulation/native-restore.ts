import type { NativeRestorePort } from '../runbooks/ports/native-restore.ts'
import type { World } from './world.ts'

const LASTS_MS = 30 * 60_000

/** Backups at a sink that is not of this cloud, and restores that take their time. Those of an Aurora database are of MySQL too. */
export function createNativeRestore(world: World): NativeRestorePort {
  const { time } = world
  const begun = new Map<string, number>()
  const nameOf = (backup: string, host: string) => `${backup} ${host}`
  return {
    newest: (signal) =>
      world.call('native:list', 'database', 'read', signal, () => ({
        ...{ id: '20261122T190000Z-m2p7', job: 'default', sink: 'memory:', engine: 'mysql' },
        ...{ ended: new Date('2026-11-22T19:12:00Z'), plainBytes: 4_000_000_000 },
      })),
    look: (backup, { host }, signal) =>
      world.call('native:look', 'database', 'read', signal, () => {
        const startMs = begun.get(nameOf(backup, host))
        if (startMs === undefined) return { state: 'none' as const }
        const percent = Math.floor(((time.nowMs() - startMs) / LASTS_MS) * 100)
        if (percent < 100) return { state: 'running' as const, percent }
        return { state: 'done' as const, tables: 12, rows: 40_000, verified: true }
      }),
    begin: (backup, { host }, signal) =>
      world.call('native:restore', 'database', 'change', signal, () => {
        if (!begun.has(nameOf(backup, host))) begun.set(nameOf(backup, host), time.nowMs())
      }),
  }
}
