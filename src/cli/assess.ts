import { Command, Option } from 'commander'
import { helpTail, option, parseDuration, several } from './options.ts'

export interface AssessOptions {
  readonly source?: string
  readonly target?: string
  readonly db?: readonly string[]
  readonly at?: readonly string[]
  readonly job?: string
  readonly from?: string
  readonly password?: string
  readonly inventory?: string
  readonly kmsKey?: string
  readonly subnetGroup?: string
  readonly securityGroup?: readonly string[]
  readonly parameterGroup?: string
  readonly optionGroup?: string
  readonly class?: readonly string[]
  readonly zone?: readonly string[]
  readonly timeout?: number
  readonly profile?: string
  readonly simulate?: true | 'instance' | 'cluster' | 'lone-cluster'
  readonly fault?: readonly string[]
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly config?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
}

export function assessCommand(done: (exitCode: number) => void): Command {
  return new Command('assess')
    .summary('find out which ways out of a region are open now')
    .description(
      'Asks in seconds which control planes answer, whether the database does, and what of it is in the other region ' +
        'already; then says of every way out whether it is open, what it loses, how long it takes and how to begin it, best ' +
        'first. Nothing is changed, and no wait is without an end.',
    )
    .option('--source <region>', 'region to leave')
    .option('--target <region>', 'region to go to')
    .addOption(
      several('--db <id>', 'an instance or cluster; repeat for several (default: all of the source)'),
    )
    .addOption(several('--at <sink>', 'where native backups are, and inventories; repeat for several'))
    .addOption(option.job())
    .option('--from <database-url>', 'the database itself, to log in to; with one --db')
    .addOption(option.password())
    .option(
      '--inventory <file>',
      'what the source is made of, exported in plain text, should it give no answer',
    )
    .option('--kms-key <key>', 'key of the target region: id, ARN or alias/NAME')
    .option('--subnet-group <name>', 'of the target region (default: the one of the same name)')
    .addOption(several('--security-group <id>', 'of the target region; repeat for several'))
    .option('--parameter-group <name>', 'of the target region (default: the one of the same name)')
    .option('--option-group <name>', 'of the target region (default: the one of the same name)')
    .addOption(several('--class <class>', 'instead of the one that the source has; repeat for several'))
    .addOption(several('--zone <zone>', 'of the target region; repeat for several'))
    .addOption(
      new Option('--timeout <time>', 'what has no answer by then is unknown (default: 15s)').argParser(
        parseDuration,
      ),
    )
    .option('--profile <name>', 'of the AWS files')
    .addOption(option.simulate())
    .addOption(option.fault())
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(option.signer())
    .addOption(option.unsignedOk())
    .addOption(option.config())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat assess --source eu-west-1 --target eu-central-1',
          "lifeboat assess --source eu-west-1 --target eu-central-1 --db shop --at 's3://bucket/db?region=eu-central-1' \\",
          '  --key ~/keys/shop.sec.asc --passphrase prompt:',
          'lifeboat assess --source eu-west-1 --target eu-central-1 --db shop --simulate --fault dead:eu-west-1',
        ],
        [
          [0, 'each database has a way out that is open'],
          [42, 'one has none that is surely open; all is printed as well'],
          ['2, 3', 'nothing was asked: options, configuration, an inventory that can not be read'],
        ],
      ),
    )
    .action(async (options: AssessOptions) => {
      const [{ runVerb }, { runAssess }] = await Promise.all([
        import('./run-verb.ts'),
        import('./assess-run.ts'),
      ])
      done(await runVerb(options, (context) => runAssess(options, context)))
    })
}
