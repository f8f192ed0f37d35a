import { loginUrl } from '../app/logged-database.ts'
import type { MigrateRequest } from '../app/migrate.ts'
import { createNativeRestore } from '../app/native-restore.ts'
import { createDecodeStages, openEngine, openSink } from '../app/registry.ts'
import { defaults } from '../config/defaults.ts'
import { checkJobName } from '../core/backup-layout.ts'
import { systemClock } from '../core/clock.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import type { MigrateOptions } from './migrate.ts'
import { openNativeDump } from './migrate-dump.ts'
import type { VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

/** Backups, their key, and the accounts that make and restore them. Disposing of it stops what is under way. */
export async function openNative(
  options: MigrateOptions & { readonly backups: string },
  context: VerbContext,
): Promise<{ readonly port: NonNullable<MigrateRequest['native']> } & AsyncDisposable> {
  const { environment, reporter } = context
  const { searchPath } = environment
  const { key: keys = [], gpg = false, login, password: reference } = options
  if (login !== undefined) parseDatabaseUrl(login)
  const password = context.secret('--password', reference, 'password of the database account')
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const address = await sinkAddress(options.backups, '--backups', options, context)
  await using opened = new AsyncDisposableStack()
  const sink = opened.use(await openSink(address.url, address.context))
  const trust = await readTrust(options, context)
  const job = checkJobName(options.job ?? defaults.job)
  const dump = opened.use(await openNativeDump(options, { sink, job, ...trust }, context))
  const restore = opened.use(
    createNativeRestore({
      sink,
      job,
      openEngine:
        login === undefined
          ? undefined
          : (endpoint) =>
              openEngine(loginUrl(login, endpoint), {
                searchPath,
                ...(password !== undefined && { password }),
              }),
      decoders: (manifest) => createDecodeStages(manifest, { keys, passphrase, gpg, searchPath }),
      jobs: defaults.jobs,
      ...trust,
      folder: `${environment.stateFolder}/native-restores`,
      clock: systemClock,
      onEvent: reporter.onEvent,
    }),
  )
  const lasting = opened.move()
  return { port: { ...restore, dump }, [Symbol.asyncDispose]: () => lasting.disposeAsync() }
}
