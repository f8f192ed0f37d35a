import { newBackupId } from '../../../core/backup-layout.ts'
import type { TableCount } from '../../../core/contents.ts'
import type { Dump, DumpOptions, DumpResult, Part } from '../../../core/engine.ts'
import { LifeboatError, messageOf } from '../../../core/errors.ts'
import type { ObjectInfo } from '../../../core/sink.ts'
import type { Staging } from '../../../core/staging.ts'
import { backupDatabase, fileNames } from './backup-database.ts'
import { nativeByHand } from './by-hand.ts'
import { clearDeadRuns } from './clear-dead-runs.ts'
import type { NativeOptions } from './options.ts'
import type { NativeDatabase, NativeRecord } from './record.ts'
import { stagedPart } from './staged-part.ts'
import { stillTables, type TableStates } from './still-tables.ts'
import type { TaskContext } from './task.ts'

export interface NativeDumpSetting {
  readonly task: TaskContext
  readonly openStaging: () => Promise<Staging>
  readonly options: NativeOptions
  readonly databases: readonly string[]
  readonly dumping: DumpOptions
  readonly lookAtTables: (database: string, signal: AbortSignal) => Promise<TableStates>
}

const CLEANUP_MS = 60_000

/**
 * The server writes .bak files to the staging bucket, one database after the other (RDS runs two tasks at once, for all
 * users of the instance); each is shipped as it is done, and removed from the bucket at the end.
 */
export function createNativeDump(setting: NativeDumpSetting, signal: AbortSignal): Dump {
  const { options, dumping } = setting
  const run = `lifeboat-${newBackupId(setting.task.clock.now())}`
  const staged: string[] = []
  const databases: NativeDatabase[] = []
  const tables: TableCount[] = []
  let moved = 0
  let staging: Staging | undefined
  let settled = false

  async function* parts(): AsyncGenerator<Part> {
    staging = await setting.openStaging()
    await clearDeadRuns(setting.task, staging, signal)
    for (const [index, name] of setting.databases.entries()) {
      const before = await look(name)
      const stem = `${run}/${String(index + 1).padStart(4, '0')}`
      const files = await backup(staging, name, stem)
      const after = await look(name)
      if (before !== undefined && after !== undefined) {
        const still = stillTables(before, after)
        tables.push(...still.tables)
        moved += still.moved
      }
      const partOf = (position: number) => `${name} ${position + 1} of ${files.length}`
      databases.push({
        name,
        type: options.backup.type,
        files: files.map((info, position) => ({
          part: partOf(position),
          bytes: info.bytes,
          ...(!options.ship && { stagedAs: info.key }),
        })),
      })
      if (!options.ship) continue
      for (const [position, info] of files.entries()) {
        yield stagedPart(staging.sink, partOf(position), 'bak', info)
      }
    }
  }

  async function backup(to: Staging, name: string, stem: string): Promise<readonly ObjectInfo[]> {
    staged.push(...fileNames(stem, options.backup.files))
    return backupDatabase({ task: setting.task, staging: to, options: options.backup }, name, stem, signal)
  }

  async function look(name: string): Promise<TableStates | undefined> {
    return dumping.counts === 'exact' ? setting.lookAtTables(name, signal) : undefined
  }

  async function purge(bounded: AbortSignal): Promise<void> {
    try {
      await staging?.purge(staged, bounded)
    } catch (thrown) {
      const where = `plain .bak files may still lie in bucket '${staging?.bucket}' below '${run}/'`
      throw new LifeboatError('sink-unavailable', `${where}: ${messageOf(thrown)}`, {
        hint: 'The next run from this machine removes them; or remove them by hand, with every version.',
        cause: thrown,
      })
    }
  }

  return {
    parts: parts(),
    async finish(): Promise<DumpResult> {
      const record: NativeRecord = {
        layout: 'native',
        shipped: options.ship,
        ...(!options.ship && staging !== undefined && { bucket: staging.bucket }),
        ...(options.backup.kmsKey !== undefined && { kmsKey: options.backup.kmsKey }),
        databases,
      }
      return {
        contents: {
          format: 1,
          databases: setting.databases.map((name) => ({ name })),
          tables,
          byHand: databases.flatMap(({ files }) => files.map(({ part }) => nativeByHand(part))),
          engine: { ...record },
        },
        consistency: 'each database as of the end of its own native backup',
        notCaptured: [
          {
            what: 'logins, Agent jobs and other server-level objects',
            reason: 'a native backup holds databases only',
          },
          ...(moved > 0
            ? [
                {
                  what: 'row counts',
                  count: moved,
                  reason: 'tables that were, or may have been, written while their database was backed up',
                },
              ]
            : []),
          ...(options.ship
            ? []
            : [
                {
                  what: 'the .bak files themselves',
                  reason: 'ship=no: they are in the staging bucket, in the region of the server',
                },
              ]),
        ],
        warnings: options.ship
          ? []
          : ['the .bak files have not left the region: leave out ship=no to ship them off-region, encrypted'],
      }
    },
    async committed(bounded) {
      settled = true
      if (options.keepStaged) await staging?.release(staged)
      else await purge(bounded)
    },
    /** What can't be removed now stays claimed: the next run from this machine removes it. */
    async [Symbol.asyncDispose]() {
      if (settled) return
      settled = true
      try {
        await purge(AbortSignal.timeout(CLEANUP_MS))
      } catch (thrown) {
        dumping.onProgress?.({ kind: 'warning', message: messageOf(thrown) })
      }
    },
  }
}
