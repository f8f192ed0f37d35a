import type { NativeBackup, NativeRestorePort } from '../runbooks/ports/native-restore.ts'
import type { World } from './world.ts'

const RESTORE_MS = 30 * 60_000
const DUMP_MS = 20 * 60_000

/** Backups at a sink that is not of this cloud, and dumps and restores that take their time. Those of an Aurora database are of MySQL too. */
export function createNativeRestore(world: World): NativeRestorePort {
  const { time } = world
  const begun = new Map<string, number>()
  const dumps = new Map<string, { readonly startMs: number; readonly silent?: string }>()
  const nameOf = (backup: string, host: string) => `${backup} ${host}`
  const shared = { job: 'default', sink: 'memory:', engine: 'mysql' }
  const percentOf = (startMs: number, lastsMs: number) =>
    Math.floor(((time.nowMs() - startMs) / lastsMs) * 100)
  return {
    newest: (signal) =>
      world.call('native:list', 'database', 'read', signal, () => ({
        ...{ ...shared, id: '20261122T190000Z-m2p7' },
        ...{ ended: new Date('2026-11-22T19:12:00Z'), plainBytes: 4_000_000_000 },
      })),
    look: (backup, { host }, signal) =>
      world.call('native:look', 'database', 'read', signal, () => {
        const startMs = begun.get(nameOf(backup, host))
        if (startMs === undefined) return { state: 'none' as const }
        const percent = percentOf(startMs, RESTORE_MS)
        if (percent < 100) return { state: 'running' as const, percent }
        return { state: 'done' as const, tables: 12, rows: 40_000, verified: true }
      }),
    begin: (backup, { host }, signal) =>
      world.call('native:restore', 'database', 'change', signal, () => {
        if (!begun.has(nameOf(backup, host))) begun.set(nameOf(backup, host), time.nowMs())
      }),
    dump: {
      plan: {
        ...{ ...shared, from: null },
        line: ['lifeboat', 'dump', '--from', 'mysql://admin@ENDPOINT', '--to', 'memory:'],
      },
      look: (run, signal) =>
        world.call('native:look-dump', 'database', 'read', signal, () => {
          const dump = dumps.get(run)
          if (dump === undefined) return { state: 'none' as const }
          if (dump.silent !== undefined)
            return { state: 'failed' as const, reason: `${dump.silent} gives no answer` }
          const percent = percentOf(dump.startMs, DUMP_MS)
          if (percent < 100) return { state: 'running' as const, percent }
          const backup: NativeBackup = {
            ...{ ...shared, id: run.replace(/-\w+$/, '-dump'), plainBytes: 4_000_000_000 },
            ended: new Date(time.clock.now().getTime() - (time.nowMs() - dump.startMs) + DUMP_MS),
          }
          return { state: 'done' as const, backup }
        }),
      begin: (run, source, signal) =>
        world.call('native:dump', 'database', 'change', signal, () => {
          const known = dumps.get(run)
          if (known !== undefined && known.silent === undefined) return
          const isThere = source !== null && world.databases.has(source.host)
          dumps.set(run, { startMs: time.nowMs(), ...(!isThere && { silent: source?.host ?? 'it' }) })
        }),
    },
  }
}
