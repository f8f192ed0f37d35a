import { Command, Option } from 'commander'
import type { DumpReport } from '../app/dump.ts'
import { LifeboatError } from '../core/errors.ts'
import { helpTail, need, option, parseDuration, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

interface DumpOptions {
  readonly from?: string
  readonly to?: string
  readonly recipient?: readonly string[]
  readonly encryption: boolean
  readonly codec?: string
  readonly level?: number
  readonly password?: string
  readonly job?: string
  readonly jobs?: number
  readonly counts?: 'exact' | 'off'
  readonly stallTimeout?: number
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly staging?: string
  readonly json?: boolean
}

export function dumpCommand(done: (exitCode: number) => void): Command {
  return new Command('dump')
    .summary('dump a database server, encrypted, to a sink')
    .description(
      "Dumps a database server with its vendor's own tools, compresses and encrypts the stream on the way and " +
        'stores it at the sink. Prints the id of the new backup. Nothing is listed that is not whole.',
    )
    .option(
      '--from <database-url>',
      'what to dump: mysql://user@host/db, postgres://user@host; socket: ?socket=/path',
    )
    .option('--to <sink-url>', 'where to: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path')
    .addOption(option.recipient())
    .option('--no-encryption', 'store the data readable for whoever gets hold of it')
    .addOption(new Option('--codec <name>', 'compression (default: gzip)').choices(['gzip', 'zstd', 'none']))
    .addOption(new Option('--level <n>', 'of the compression').argParser(parseWhole(1, 19)))
    .addOption(option.password())
    .addOption(option.job())
    .addOption(
      new Option('--jobs <n>', 'parts that are dumped at once (default: 1)').argParser(parseWhole(1, 64)),
    )
    .addOption(
      new Option('--counts <how>', 'count rows, to prove the restore (default: exact)').choices([
        'exact',
        'off',
      ]),
    )
    .addOption(
      new Option('--stall-timeout <time>', 'give up when no byte comes for so long (default: 10m)').argParser(
        parseDuration,
      ),
    )
    .addOption(option.staging())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat keygen --name shop --out ~/keys --passphrase prompt:',
          'lifeboat dump --from mysql://backup@db.example.com --password prompt: \\',
          "  --to 's3://bucket/db?region=eu-central-1' --recipient ~/keys/shop.pub.asc",
          "lifeboat dump --from 'postgres://?socket=/run/postgresql' \\",
          '  --to ssh://user@host/backups --recipient shop.pub.asc --codec zstd',
        ],
        [
          [0, 'dumped, stored, committed'],
          [2, 'the command is written wrong, or no recipient was named'],
          ['10-13', 'tool missing; tool failed; database not reached; not supported'],
          ['20-23', 'sink denied; not found; unavailable or full; already there'],
          [30, 'a recipient key can not be used'],
          [43, 'the database sent nothing for too long'],
          ['130, 143', 'interrupted; terminated: nothing is left behind'],
        ],
      ),
    )
    .action(async (options: DumpOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => dump(options, context)))
    })
}

async function dump(options: DumpOptions, context: VerbContext): Promise<Outcome> {
  const { environment, reporter, signal } = context
  const from = need(
    options.from,
    '--from',
    'the database to dump',
    'mysql://user@host or postgres://user@host',
  )
  const to = need(options.to, '--to', 'the sink', 'file:///path, s3://bucket/prefix or ssh://user@host/path')
  const recipients = checkEncryption(options)
  const password = context.secret('--password', options.password, 'password of the database account')
  const [
    registry,
    { runDump },
    { openRunJournal },
    { systemClock },
    { checkJobName },
    { defaults },
    { version },
  ] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/dump.ts'),
    import('../app/journals.ts'),
    import('../core/clock.ts'),
    import('../core/backup-layout.ts'),
    import('../config/defaults.ts'),
    import('../config/version.ts'),
  ])
  const job = checkJobName(options.job ?? defaults.job)
  const stages = await registry.createEncodeStages({
    codec: options.codec ?? defaults.codec,
    level: options.level,
    recipients,
  })
  await using sink = await registry.openSink(to, context.sinkContext(options))
  await using staging =
    options.staging === undefined
      ? undefined
      : registry.stagingAt(options.staging, context.sinkContext(options))
  await using engine = await registry.openEngine(from, {
    searchPath: environment.searchPath,
    ...(password !== undefined && { password }),
    ...(staging !== undefined && { staging: staging.open }),
  })
  if (recipients.length === 0) {
    reporter.warn({
      message: 'this backup is not encrypted',
      hint: 'whoever can read the sink can read the data',
    })
  }
  const report = await runDump(
    {
      engine,
      sink,
      stages,
      job,
      counts: options.counts ?? defaults.counts,
      jobs: options.jobs ?? defaults.jobs,
      stallTimeoutMs: options.stallTimeout ?? defaults.stallTimeoutMs,
      version,
      journal: await openRunJournal(environment.stateFolder),
      clock: systemClock,
      onEvent: reporter.onEvent,
    },
    signal,
  )
  const { showBytes, showCount, showDuration } = await import('./amounts.ts')
  const { summarise } = await import('./summary.ts')
  const sum = summarise(report.manifest)
  reporter.close()
  reporter.say(
    `dumped ${showCount(report.contents.databases.length, 'database')}: ${showBytes(sum.plainBytes)} stored as ` +
      `${showBytes(sum.storedBytes)} at ${sink.name} in ${showDuration(report.durationMs)}, backup ${sum.id}`,
  )
  return {
    text: `${sum.id}\n`,
    json: (warnings) => ({
      ...sum,
      sink: sink.name,
      ...insideOf(report),
      durationMs: report.durationMs,
      warnings,
    }),
  }
}

function checkEncryption({ recipient = [], encryption }: DumpOptions): readonly string[] {
  if (encryption && recipient.length === 0) {
    throw new LifeboatError('usage', 'unable to start: no --recipient is named to encrypt the backup to', {
      hint: 'Make a key with: lifeboat keygen --name backups --out FOLDER --passphrase prompt: and add --recipient FOLDER/backups.pub.asc; or say --no-encryption.',
    })
  }
  if (!encryption && recipient.length > 0) {
    throw new LifeboatError(
      'usage',
      'unable to start: --recipient and --no-encryption contradict each other',
      {
        hint: 'Leave out the one that is not meant.',
      },
    )
  }
  return recipient
}

/** Counts only: names from inside the database stay in the encrypted contents. */
function insideOf({ contents }: DumpReport): object {
  return {
    databases: contents.databases.length,
    tables: contents.tables.length,
    rows: contents.tables.reduce((sum, { rows = 0 }) => sum + rows, 0),
  }
}
