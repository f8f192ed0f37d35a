import { Argument, Command, Option } from 'commander'
import type { RestoreReport } from '../app/restore.ts'
import { keyNames, openAudit, recorded, setOptions } from './audit-log.ts'
import { helpTail, need, option, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

interface RestoreOptions {
  readonly from?: string
  readonly into?: string
  readonly job?: string
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly password?: string
  readonly replace?: boolean
  readonly alongside?: boolean
  readonly sameServerOk?: boolean
  readonly jobs?: number
  readonly staging?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly logFile?: string
  readonly config?: string
  readonly audit?: string
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
}

export function restoreCommand(done: (exitCode: number) => void): Command {
  return new Command('restore')
    .summary('load a backup into a fresh server, and prove it')
    .description(
      'Loads a backup into a fresh database server. Every chunk is verified before it is fed, and the rows of ' +
        'every table are counted afterwards. It refuses a server with data of its own, and the very server that ' +
        'the dump came from, until told otherwise; a refusal changes nothing.',
    )
    .addArgument(new Argument('[id]', 'the backup; left out or "latest", the newest'))
    .option(
      '--from <sink>',
      'where it is: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .option(
      '--into <database-url>',
      'the fresh server: mysql://user@host, postgres://…, sqlserver://…, oracle://…',
    )
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(option.password())
    .addOption(option.job())
    .option('--replace', 'drop what the backup names, and nothing else, before loading it')
    .option('--alongside', 'leave other data of the server as it is and restore beside it')
    .option('--same-server-ok', 'this is the server that the dump came from, and that is meant')
    .addOption(
      new Option('--jobs <n>', 'parts that are loaded at once, where the engine can (default: 1)').argParser(
        parseWhole(1, 64),
      ),
    )
    .addOption(option.staging())
    .addOption(option.signer())
    .addOption(option.unsignedOk())
    .addOption(option.config())
    .addOption(option.audit())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.logFormat())
    .addOption(option.logFile())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          "lifeboat restore --from 's3://bucket/db?region=eu-central-1' \\",
          '  --into mysql://admin@new.example.com --password prompt: \\',
          '  --key ~/keys/shop.sec.asc --passphrase prompt:',
          'lifeboat restore latest --from file:///backups \\',
          "  --into 'postgres://?socket=/run/postgresql' --gpg",
        ],
        [
          [0, 'restored and verified'],
          [3, 'the configuration or the audit log can not be used: the hint says how to go on'],
          ['10-13', 'tool missing; tool failed; database not reached; not supported'],
          [14, 'it is the server that the dump came from: nothing was changed'],
          ['20-22', 'sink denied; backup or sink not found; unavailable'],
          [30, 'the key can not open it'],
          [31, 'the backup is damaged, or rows differ after the restore'],
          [32, 'signature missing or wrong'],
          [41, 'the server holds data: nothing was changed'],
          ['130, 143', 'interrupted; terminated: run again with --replace'],
        ],
      ),
    )
    .action(async (id: string | undefined, options: RestoreOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => restore(id, options, context)))
    })
}

async function restore(
  id: string | undefined,
  options: RestoreOptions,
  context: VerbContext,
): Promise<Outcome> {
  const { environment, reporter, signal } = context
  const from = await sinkAddress(options.from, '--from', options, context)
  const into = need(options.into, '--into', 'the fresh server', 'mysql://user@host or postgres://user@host')
  const { key: keys = [], gpg = false } = options
  const password = context.secret('--password', options.password, 'password of the database account')
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const [registry, { runRestore }, { systemClock }, { checkJobName }, { defaults }] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/restore.ts'),
    import('../core/clock.ts'),
    import('../core/backup-layout.ts'),
    import('../config/defaults.ts'),
  ])
  const job = checkJobName(options.job ?? defaults.job)
  const { searchPath } = environment
  await using sink = await registry.openSink(from.url, from.context)
  await using staging =
    options.staging === undefined
      ? undefined
      : registry.stagingAt(options.staging, context.sinkContext(options))
  await using engine = await registry.openEngine(into, {
    searchPath,
    ...(password !== undefined && { password }),
    ...(staging !== undefined && { staging: staging.open }),
  })
  const log = await openAudit(options, context)
  const { replace = false, alongside = false, sameServerOk = false } = options
  const facts = {
    verb: 'restore',
    job,
    backup: id ?? 'latest',
    sinks: [sink.name],
    target: engine.target,
    keys: await keyNames(log, options),
    options: setOptions({ replace, alongside, 'same-server-ok': sameServerOk }),
  }
  const request = {
    engine,
    sink,
    job,
    id,
    decoders: (manifest: RestoreReport['manifest']) =>
      registry.createDecodeStages(manifest, { keys, passphrase, gpg, searchPath }),
    replace,
    alongside,
    sameServerOk,
    jobs: options.jobs ?? defaults.jobs,
    ...(await readTrust(options, context)),
    clock: systemClock,
    onEvent: reporter.onEvent,
  }
  const report = await recorded(
    log,
    facts,
    async ({ note }) => {
      const restored = await runRestore(request, signal)
      note({ backup: restored.manifest.id })
      return restored
    },
    context,
  )
  reporter.close()
  for (const { what, reason } of report.notRestored) {
    reporter.warn({ message: `not restored: ${what}: ${reason}` })
  }
  return {
    text: await conclusion(report, engine.target),
    json: (warnings) => ({ ...toJson(report), sink: sink.name, target: engine.target, warnings }),
  }
}

async function conclusion(report: RestoreReport, target: string): Promise<string> {
  const { showCount, showDuration } = await import('./amounts.ts')
  const { manifest, verified, tables, rows, durationMs } = report
  const proof = verified
    ? `restored and verified: ${showCount(tables, 'table')}, ${showCount(rows, 'row')}, all counted and equal`
    : 'restored; digests verified, rows were not counted'
  return `${proof}; backup ${manifest.id} into ${target} in ${showDuration(durationMs)}\n`
}

function toJson(report: RestoreReport): object {
  const { manifest, restored, notRestored, tables, rows, verified, durationMs, signedBy } = report
  return {
    id: manifest.id,
    job: manifest.job,
    restored,
    notRestored,
    tables,
    rows,
    verified,
    signedBy: signedBy?.fingerprint ?? null,
    durationMs,
  }
}
