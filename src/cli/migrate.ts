import { Argument, Command, Option } from 'commander'
import type { Classification } from '../core/classification.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Unkept } from './again-words.ts'
import { helpTail, option, parseAge, parseDuration, parsePrice, parseWhole, several } from './options.ts'

export interface MigrateOptions extends Unkept {
  readonly source?: string
  readonly target?: string
  readonly db?: readonly string[]
  readonly targetId?: string
  readonly replica?: string
  readonly snapshot?: string
  readonly restoreTime?: string
  readonly kmsKey?: string
  readonly subnetGroup?: string
  readonly securityGroup?: readonly string[]
  readonly parameterGroup?: string
  readonly optionGroup?: string
  readonly engine?: string
  readonly engineVersion?: string
  readonly storageGib?: number
  readonly pricePerGib?: number
  readonly masterUser?: string
  readonly beside?: string
  readonly dumpNow?: boolean
  /** False by --no-encryption. */
  readonly classification?: Classification
  readonly rto?: number
  readonly rpo?: number
  readonly emergency?: boolean
  readonly class?: readonly string[]
  readonly zone?: readonly string[]
  readonly multiAz?: boolean
  readonly backupDays?: number
  readonly maxLag?: number
  readonly recreateReplica?: boolean
  readonly failover?: boolean
  readonly accept?: readonly string[]
  readonly acceptSplitBrain?: boolean
  readonly dryRun?: boolean
  readonly printPolicy?: boolean
  readonly confirm?: boolean
  readonly resume?: string
  readonly deadline?: number
  readonly simulate?: true | 'instance' | 'cluster' | 'lone-cluster'
  readonly fault?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly newestQuery?: string
  readonly write?: boolean
  readonly json?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly logFile?: string
}

export function migrateCommand(done: (exitCode: number) => void): Command {
  return new Command('migrate')
    .summary('take a way out of a region through the AWS API')
    .description(
      'Runs a way out step by step: each step looks first, does only what is not done yet, and waits. What happens is in a ' +
        'journal, so that a run which was stopped, by whatever, goes on with --resume. Nothing switches over or is destroyed ' +
        'without --confirm.',
    )
    .addArgument(
      new Argument(
        '<way>',
        'aurora-failover, aurora-add-region, promote-replica, restore-replicated-backup, restore-snapshot, copy-snapshot or native: docs/migrate.md has a page for each; prepare and fence before them, verify after them, unfence to lift a fence',
      ),
    )
    .addArgument(new Argument('[run]', 'unfence: the run of fence that it lifts'))
    .option('--source <region>', 'region to leave')
    .option('--target <region>', 'region to go to')
    .addOption(several('--db <id>', 'the instance or cluster, as the source region names it'))
    .option('--target-id <id>', 'what the new one is called (default: after the run)')
    .option('--replica <id>', 'which one, where there are several')
    .option('--snapshot <id>', 'which one, or new (default: the newest there is)')
    .option('--restore-time <time>', 'as it was at this moment (default: the latest there is)')
    .option('--kms-key <key>', 'key of the target region: id, ARN or alias/NAME')
    .option(
      '--subnet-group <name>',
      'of the target region (default: as prepare settled it, else of the same name)',
    )
    .addOption(several('--security-group <id>', 'of the target region; repeat for several'))
    .option('--parameter-group <name>', 'of the target region (default: the one of the same name)')
    .option('--option-group <name>', 'of the target region (default: the one of the same name)')
    .option('--engine <engine>', 'native: of the new instance (default: as the source)')
    .option('--engine-version <version>', 'native: of the new instance (default: as the source)')
    .addOption(
      new Option('--storage-gib <n>', 'native: of the new instance (default: as the source)').argParser(
        parseWhole(5, 65_536),
      ),
    )
    .addOption(
      new Option(
        '--price-per-gib <usd>',
        'of what goes from region to region, for the estimate (default: list price)',
      ).argParser(parsePrice),
    )
    .option('--master-user <name>', 'native: of the new instance (default: as the source)')
    .option(
      '--backups <sink>',
      "native: where lifeboat's own backups lie; else rows are compared with the newest",
    )
    .option('--dump-now', 'native: dump the old database there first, and restore just that')
    .option(
      '--dump-password <ref>',
      'native: of the account at the old database (default: --password), env:NAME, file:PATH or prompt:',
    )
    .addOption(option.recipient())
    .option('--no-encryption', 'native: store the dump that is made now readable for whoever gets hold of it')
    .option('--backup <id>', 'which one rows are compared with (default: the newest)')
    .option(
      '--job <name>',
      'job of the configuration whose class holds; with --backups: name of their series',
    )
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(option.signer())
    .addOption(option.unsignedOk())
    .addOption(
      several('--class <class>', 'class to try where there is no room, or to begin with; repeat for several'),
    )
    .addOption(several('--zone <zone>', 'zone to try; repeat for several'))
    .option('--multi-az', 'in two zones (default: as the source)')
    .option('--no-multi-az', 'in one zone')
    .addOption(
      new Option('--backup-days <n>', 'days of automated backups (default: as the source)').argParser(
        parseWhole(1, 35),
      ),
    )
    .addOption(
      new Option('--max-lag <time>', 'promote no replica that is further behind, like 30s').argParser(
        parseDuration,
      ),
    )
    .option('--recreate-replica', 'make a replica the other way afterwards')
    .option('--failover', 'of a global database: fail over though it could be switched over')
    .option('--accept-split-brain', 'go on though the old primary may still take writes')
    .addOption(several('--accept <danger>', 'take a danger by its name; repeat for several'))
    .option('--dry-run', 'show every step, with the line to type by hand; change nothing')
    .option('--print-policy', 'print the least IAM policy, and what the keys must allow; change nothing')
    .option('--confirm', 'switch over or destroy where a step does so; without it the run stops before')
    .option(
      '--resume <run>',
      'go on with this run; what is left out stays as it was, but --login and whatever opens something',
    )
    .addOption(
      new Option('--deadline <time>', 'stop waiting after so long, like 2h (default: by way)').argParser(
        parseDuration,
      ),
    )
    .addOption(option.simulate())
    .addOption(option.fault())
    .option('--from <host:port>', 'of the old database, where its region gives no answer or is not asked')
    .option(
      '--to <host:port>',
      'verify: the endpoint of the new database (default: as AWS says); unfence: the database that has taken over',
    )
    .option('--newest-query <sql>', 'gives the newest row of the new database, which is shown')
    .option('--no-write', 'write no scratch table into the new database')
    .addOption(option.login())
    .addOption(option.password())
    .addOption(option.classification())
    .addOption(
      new Option('--rto <time>', 'how long it may take: a class may demand that it is said').argParser(
        parseAge,
      ),
    )
    .addOption(
      new Option('--rpo <time>', 'how old the data may be that is taken over: the same').argParser(parseAge),
    )
    .addOption(option.emergency())
    .addOption(option.audit())
    .option('--profile <name>', 'of the AWS files')
    .option(
      '--inventory <file>',
      'stands for the source region, or says what that does not (inventory export --plain writes one)',
    )
    .option('--beside <job>', 'dump this job of the configuration while the run goes on')
    .option(
      '--accounts <file>',
      'who could do what at the old database, where that gives no answer: what --dry-run --json printed',
    )
    .option('--at <sink>', 'keep a copy of journal and report there')
    .addOption(option.config())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.logFormat())
    .addOption(option.logFile())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat migrate promote-replica --source eu-west-1 --target eu-central-1 --db shop --dry-run',
          'lifeboat migrate promote-replica --source eu-west-1 --target eu-central-1 --db shop --confirm',
          'lifeboat migrate copy-snapshot --source eu-west-1 --target eu-central-1 --db shop --simulate',
          'lifeboat migrate promote-replica --resume 20261122T210500Z-k3f9 --confirm',
          'lifeboat migrate unfence 20261122T210500Z-k3f9 --confirm',
        ],
        [
          [0, 'done, or shown'],
          [40, 'another process is at this run'],
          [41, 'a step switches over: read what it is, then --resume RUN --confirm'],
          [42, 'a step failed, or the way is closed'],
          [43, 'the deadline is over; what has begun goes on at AWS'],
          [
            44,
            'the class of the database demands what is missing: each rule is named; --emergency overrides',
          ],
        ],
      ),
    )
    .action(async (way: string, fencing: string | undefined, options: MigrateOptions) => {
      if (way === 'unfence') {
        const [{ runVerb }, { unfence }] = await Promise.all([
          import('./run-verb.ts'),
          import('./migrate-unfence.ts'),
        ])
        done(await runVerb(options, (context) => unfence(fencing, options, context)))
        return
      }
      if (fencing !== undefined)
        throw new LifeboatError('usage', `unable to start: '${way}' takes no '${fencing}' after it`, {
          hint: 'To go on with a run, write --resume RUN; only unfence takes the run that it lifts.',
        })
      if (way === 'verify') {
        const [{ runVerb }, { verifyMigration }] = await Promise.all([
          import('./run-verb.ts'),
          import('./migrate-verify.ts'),
        ])
        done(await runVerb(options, (context) => verifyMigration(options, context)))
        return
      }
      const [{ runVerb }, { migrate }] = await Promise.all([
        import('./run-verb.ts'),
        import('./migrate-run.ts'),
      ])
      done(await runVerb(options, (context) => migrate(way, options, context)))
    })
}
