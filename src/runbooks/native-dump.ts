import type { Observation, RunName, Step } from '../core/runbook.ts'
import type { NativeFacts } from './native-facts.ts'
import type { NativeBackup, NativeRestorePort } from './ports/native-restore.ts'
import type { CloudPorts } from './ports.ts'

const HOUR = 3_600_000

/** By lifeboat itself, over the database's protocol: before anything is made, since the old one may be gone any minute. */
export function dumpNow(
  db: string,
  { endpoint, from, sink, job, line }: NonNullable<NativeFacts['dump']>,
  run: RunName,
): Step<CloudPorts> {
  const what = from ?? (endpoint === null ? db : `${endpoint.host}:${endpoint.port}`)
  return {
    id: 'dump-now',
    title: `dump ${db} (${what}) now, as job ${job}, to ${sink}`,
    effect: 'create',
    usualMs: HOUR,
    pollMs: 5_000,
    command: () => [{ argv: line.map((word) => word.replace('@ENDPOINT', `@${what}`)) }],
    check: () => undefined,
    permissions: () => [],
    async observe({ native }, signal): Promise<Observation> {
      if (native?.dump === undefined) return { state: 'blocked', ...UNNAMED }
      const { state, percent, reason, hint, backup } = await native.dump.look(run.id, signal)
      const shown = { ...(reason !== undefined && { reason }), ...(percent !== undefined && { percent }) }
      switch (state) {
        case 'none':
          return { state: 'todo' }
        case 'running':
          return { state: 'running', ...shown }
        case 'failed':
          return {
            ...{ state: 'blocked', ...shown },
            hint: `${hint ?? 'Mend the cause.'} Where it can not be dumped any more, a new run without --dump-now takes the newest backup that there is.`,
          }
        case 'done':
          return {
            state: 'done',
            seen: {
              backup: backup?.id ?? null,
              ended: backup?.ended.toISOString() ?? null,
              plainBytes: backup?.plainBytes ?? null,
            },
          }
      }
    },
    async apply({ native }, signal) {
      await native?.dump?.begin(run.id, from === null ? endpoint : null, signal)
    },
  }
}

const UNNAMED = {
  reason: 'nobody was named who could dump it',
  hint: 'Say it again: --backups SINK --dump-now, with --login URL and --dump-password REF or a --job of the configuration.',
} as const

/** Which backup is to be restored: the one that was found, or that this run has made. */
export async function backupOf(
  { backup }: Pick<NativeFacts, 'backup'>,
  native: NativeRestorePort,
  run: RunName,
  signal: AbortSignal,
): Promise<Pick<NativeBackup, 'id'> | undefined> {
  return backup ?? (await native.dump?.look(run.id, signal))?.backup
}
