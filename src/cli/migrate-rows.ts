import { loginUrl } from '../app/logged-database.ts'
import { createDecodeStages, openEngine, openSink } from '../app/registry.ts'
import { createRowCounts } from '../app/row-counts.ts'
import { defaults } from '../config/defaults.ts'
import { checkJobName } from '../core/backup-layout.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { LifeboatError } from '../core/errors.ts'
import type { MigrateOptions } from './migrate.ts'
import type { VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

/** The backup that rows are compared with, its key, and the account that counts. Disposing of it stops the counting. */
export async function openRows(
  options: MigrateOptions & { readonly backups: string },
  context: VerbContext,
): Promise<{ readonly port: ReturnType<typeof createRowCounts> } & AsyncDisposable> {
  const { environment, reporter } = context
  const { searchPath } = environment
  const { key: keys = [], gpg = false, login, password: reference, backup: id } = options
  if (login === undefined) {
    throw new LifeboatError('usage', 'unable to start: --backups compares rows, which needs --login', {
      hint: 'Name the account with --login mysql://USER@any or postgres://USER@any, or leave out --backups.',
    })
  }
  parseDatabaseUrl(login)
  const password = context.secret('--password', reference, 'database password')
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const address = await sinkAddress(options.backups, '--backups', options, context)
  await using opened = new AsyncDisposableStack()
  const sink = opened.use(await openSink(address.url, address.context))
  const port = opened.use(
    createRowCounts({
      ...{ sink, id, job: checkJobName(options.job ?? defaults.job) },
      openEngine: (endpoint) =>
        openEngine(loginUrl(login, endpoint), {
          searchPath,
          ...(password !== undefined && { password }),
        }),
      decoders: (manifest) => createDecodeStages(manifest, { keys, passphrase, gpg, searchPath }),
      ...(await readTrust(options, context)),
      onEvent: reporter.onEvent,
    }),
  )
  const lasting = opened.move()
  return { port, [Symbol.asyncDispose]: () => lasting.disposeAsync() }
}
