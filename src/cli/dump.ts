import { Argument, Command, Option } from 'commander'
import type { ResolvedJob } from '../config/job.ts'
import { CLASSIFICATIONS } from '../core/classification.ts'
import { LifeboatError } from '../core/errors.ts'
import { auditAt, openAudit } from './audit-log.ts'
import { dumpJson } from './dump-json.ts'
import type { DumpOptions, DumpPlan } from './dump-plan.ts'
import { helpTail, option, parseAge, parseDuration, parseLease, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

export function dumpCommand(done: (exitCode: number) => void): Command {
  return new Command('dump')
    .summary('dump a database server, encrypted, to a sink')
    .description(
      "Dumps a database server with its vendor's own tools, compresses and encrypts the stream on the way and " +
        'stores it at the sink. Prints the id of the new backup. Nothing is listed that is not whole.',
    )
    .addArgument(new Argument('[job]', 'a job of the configuration; without one, the options say all'))
    .addOption(option.config())
    .option('--all', 'every job of the configuration, one after the other; goes on after a failure')
    .option('--shard <i/n>', 'with --all: only the i-th of n shares of the jobs, i from 0')
    .addOption(
      new Option('--jitter <time>', 'wait a random time up to this before the start').argParser(
        parseDuration,
      ),
    )
    .option(
      '--from <database-url>',
      'what to dump: mysql://user@host/db, postgres://…, sqlserver://…, oracle://…; socket: ?socket=/path',
    )
    .option(
      '--to <sink-url>',
      'where to: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path; with a job a name of the configuration too',
    )
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
    .addOption(
      new Option('--lease <time>', 'a dead run blocks others no longer than this (default: 15m)').argParser(
        parseLease,
      ),
    )
    .option('--no-lease', 'do not look whether another run of the job is under way')
    .addOption(
      new Option('--wait-lease <time>', 'wait so long for another run of the job').argParser(parseDuration),
    )
    .option('--signing-key <file>', 'OpenPGP secret key that signs the backup')
    .option('--signing-passphrase <ref>', 'its passphrase: env:NAME, file:PATH or prompt:')
    .option('--signing-gpg <key>', 'let gpg sign, with a key in its agent or on a card: its fingerprint')
    .addOption(
      new Option(
        '--classification <class>',
        'hold a run without a configuration to the rules of a class',
      ).choices(CLASSIFICATIONS),
    )
    .addOption(
      new Option('--rto <time>', 'how long a restore may take: a class may demand it').argParser(parseAge),
    )
    .addOption(new Option('--rpo <time>', 'how old its data may be: the same').argParser(parseAge))
    .option('--emergency', 'override what the class of the job demands, and wait for nobody; still encrypts')
    .addOption(option.staging())
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
          'lifeboat keygen --name shop --out ~/keys --passphrase prompt:',
          'lifeboat dump --from mysql://backup@db.example.com --password prompt: \\',
          "  --to 's3://bucket/db?region=eu-central-1' --recipient ~/keys/shop.pub.asc",
          "lifeboat dump --from 'postgres://?socket=/run/postgresql' \\",
          '  --to ssh://user@host/backups --recipient shop.pub.asc --codec zstd',
          'lifeboat dump shop --config /etc/lifeboat/lifeboat.yaml',
        ],
        [
          [0, 'dumped, stored, committed'],
          [2, 'the command is written wrong, or no recipient was named'],
          [3, 'the configuration or the audit log can not be used'],
          ['10-13', 'tool missing; tool failed; database not reached; not supported'],
          ['20-23', 'sink denied; not found; unavailable or full; already there'],
          [30, 'a recipient key or the signing key can not be used'],
          ['31, 32', 'what was stored is not what was written: the backup is listed, use another'],
          [40, 'another run of the job is under way'],
          [43, 'the database sent nothing for too long'],
          [44, 'the class of the job demands what is missing: each rule is named; --emergency overrides'],
          ['130, 143', 'interrupted; terminated: nothing is left behind'],
        ],
      ),
    )
    .action(async (job: string | undefined, options: DumpOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => dump(job, options, context)))
    })
}

async function dump(name: string | undefined, options: DumpOptions, context: VerbContext): Promise<Outcome> {
  const { planDump, planJob } = await import('./dump-plan.ts')
  if (options.all === true) {
    refuseWithAll(name, options)
    const { dumpAll } = await import('./dump-all.ts')
    return dumpAll(options, context)
  }
  if (options.shard !== undefined) {
    throw new LifeboatError('usage', 'unable to start: --shard divides all jobs, and --all is not given', {
      hint: 'Add --all, or leave out --shard.',
    })
  }
  if (name === undefined) return dumpOne(planDump(options), undefined, options, context)
  if (options.from !== undefined && options.to !== undefined) {
    // `--recipient a b`: the second is no job.
    throw new LifeboatError(
      'usage',
      `unable to start: too many arguments: '${name}' would be a job of the configuration, but --from and --to say all`,
      { hint: 'Repeat an option for each of its values; or leave out --from and --to to run the job.' },
    )
  }
  if (options.job !== undefined) {
    throw new LifeboatError(
      'usage',
      `unable to start: job '${name}' and --job '${options.job}' are both given`,
      {
        hint: 'A job of the configuration has its own name: leave out --job.',
      },
    )
  }
  const [{ needConfig }, { resolveJob }, { jobLog, startLog }] = await Promise.all([
    import('../config/find-config.ts'),
    import('../config/job.ts'),
    import('./run-verb.ts'),
  ])
  const loaded = await needConfig(options.config, context.environment).catch(tellWayWithout)
  await startLog(jobLog(options, loaded.config.log), context)
  const job = resolveJob(loaded, name)
  return dumpOne(planJob(options, job, loaded), job, options, context)
}

/** Nobody must be kept from a dump by a slip in the file. */
function tellWayWithout(thrown: unknown): never {
  if (!(thrown instanceof LifeboatError) || thrown.code !== 'config') throw thrown
  throw new LifeboatError(thrown.code, thrown.message, {
    hint: `${thrown.hint ?? 'Mend the file.'} Can it not wait? lifeboat dump --from DATABASE-URL --to SINK-URL --recipient FILE --job NAME reads nothing of it.`,
    cause: thrown,
  })
}

/** What holds for one job only would send several to one place, or dump one database under several names. */
function refuseWithAll(name: string | undefined, options: DumpOptions): void {
  const given = [
    ...(name === undefined ? [] : [`job '${name}'`]),
    ...(['from', 'to', 'job', 'password', 'staging'] as const).flatMap((flag) =>
      options[flag] === undefined ? [] : [`--${flag}`],
    ),
  ]
  if (given.length === 0) return
  throw new LifeboatError(
    'usage',
    `unable to start: --all and ${given.join(' and ')} contradict each other`,
    {
      hint: 'Leave out the one that is not meant.',
    },
  )
}

async function dumpOne(
  plan: DumpPlan,
  job: ResolvedJob | undefined,
  options: DumpOptions,
  context: VerbContext,
): Promise<Outcome> {
  const [{ dumpJob }, { delayStart }, { watchJobs }, { showBytes, showCount, showDuration }, { summarise }] =
    await Promise.all([
      import('./dump-job.ts'),
      import('./delay-start.ts'),
      import('./watch-jobs.ts'),
      import('./amounts.ts'),
      import('./summary.ts'),
    ])
  // Without a job nothing of the configuration is read.
  const log = await (job === undefined ? auditAt(options.audit) : openAudit(options, context))
  await delayStart(options, context)
  context.reporter.about(plan.job)
  await using watch = await watchJobs(job === undefined ? [] : [job], context)
  const report = await watch.run(plan.job, (watched) => dumpJob(plan, log, watched))
  const sum = summarise(report.dump.manifest)
  context.reporter.close()
  context.reporter.say(
    `dumped ${showCount(report.dump.contents.databases.length, 'database')}: ${showBytes(sum.plainBytes)} stored as ` +
      `${showBytes(sum.storedBytes)} at ${[report.sink, ...report.copies.map(({ sink }) => sink)].join(' and ')} ` +
      `in ${showDuration(report.dump.durationMs)}, backup ${sum.id}`,
  )
  return {
    text: `${sum.id}\n`,
    json: (warnings) => ({ ...dumpJson(report), warnings }),
  }
}
