import { Argument, Command, Option } from 'commander'
import { helpTail, option, parseAge, parseWhole } from './options.ts'

export interface PruneOptions {
  readonly at?: string
  readonly job?: string
  readonly all?: boolean
  readonly config?: string
  readonly audit?: string
  readonly keepLast?: number
  readonly keepHourly?: number
  readonly keepDaily?: number
  readonly keepWeekly?: number
  readonly keepMonthly?: number
  readonly keepYearly?: number
  readonly minimum?: number
  readonly damaged?: boolean
  readonly versions?: boolean
  readonly sweepOlderThan?: number
  readonly confirm?: boolean
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
}

export function pruneCommand(done: (exitCode: number) => void): Command {
  return new Command('prune')
    .summary('remove old backups by rules of retention')
    .description(
      'Shows which backups the rules keep, and why, and which would go; with --confirm it removes those. The newest ' +
        'usable and the newest verified backup, what is locked or marked by lifeboat keep, and what is damaged always stay.',
    )
    .addArgument(new Argument('[job]', 'a job of the configuration, with its retention, at all of its sinks'))
    .option(
      '--at <sink>',
      'where: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .addOption(option.job())
    .option('--all', 'every job of the configuration that has a retention')
    .addOption(option.config())
    .addOption(option.audit())
    .addOption(rule('last', 'keep the newest n'))
    .addOption(rule('hourly', 'keep the newest of each of the last n hours that have one'))
    .addOption(rule('daily', 'the same for days, in UTC'))
    .addOption(rule('weekly', 'for weeks, which begin on Monday'))
    .addOption(rule('monthly', 'for months'))
    .addOption(rule('yearly', 'for years'))
    .addOption(
      new Option('--minimum <n>', 'never leave fewer usable backups than this').argParser(
        parseWhole(0, MOST),
      ),
    )
    .option('--damaged', 'remove damaged ones too, and with signers those that none of them signed')
    .option('--versions', 'in a bucket with versioning, remove every version too')
    .addOption(
      new Option(
        '--sweep-older-than <time>',
        'also remove what no backup owns, once it is so old, like 36h (default: 3d)',
      ).argParser(parseAge),
    )
    .option('--confirm', 'do it; without it nothing is removed')
    .addOption(option.signer())
    .addOption(option.unsignedOk())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat prune --at file:///backups --keep-daily 7 --keep-weekly 4 --keep-monthly 12',
          'lifeboat prune shop --confirm',
          'lifeboat prune --all --confirm --json',
        ],
        [
          [0, 'done; without --confirm, shown'],
          [2, 'no rule says what to keep'],
          ['20-22', 'sink denied; not found; unavailable: what was not removed is named'],
        ],
      ),
    )
    .action(async (job: string | undefined, options: PruneOptions) => {
      const [{ runVerb }, { prune }] = await Promise.all([import('./run-verb.ts'), import('./prune-run.ts')])
      done(await runVerb(options, (context) => prune(job, options, context)))
    })
}

const MOST = 100_000

function rule(period: string, what: string): Option {
  return new Option(`--keep-${period} <n>`, what).argParser(parseWhole(0, MOST))
}
