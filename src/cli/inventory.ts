import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { helpTail, option, parseDuration } from './options.ts'

export interface InventoryOptions {
  readonly source?: string
  readonly target?: string
  readonly db?: readonly string[]
  readonly to?: string
  readonly at?: string
  readonly job?: string
  readonly recipient?: readonly string[]
  readonly encryption: boolean
  readonly signingKey?: string
  readonly signingPassphrase?: string
  readonly signingGpg?: string
  readonly profile?: string
  readonly timeout?: number
  readonly live?: boolean
  readonly out?: string
  readonly plain?: boolean
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly config?: string
  readonly audit?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly logFile?: string
}

export const INVENTORY_ACTIONS = ['take', 'show', 'export', 'diff'] as const
export type InventoryAction = (typeof INVENTORY_ACTIONS)[number]

export function inventoryCommand(done: (exitCode: number) => void): Command {
  return new Command('inventory')
    .summary('write down what a rebuild needs and no one can ask for once a region is down')
    .description(
      'take (or nothing) asks the AWS API what the databases of a region are made of, and stores it at a sink, encrypted and ' +
        'signed. show prints one, export keeps a copy of it beside the configuration, diff shows what has changed from one ' +
        'to another, or to now with --live. Nothing at AWS is changed.',
    )
    .addArgument(new Argument('[action]', 'what to do').choices(INVENTORY_ACTIONS).default('take'))
    .addArgument(new Argument('[ids...]', 'of inventories; left out or "latest", the newest'))
    .option('--source <region>', 'region whose databases are written down')
    .option('--target <region>', 'region that they would go to: what is across, and what is there')
    .addOption(
      new Option(
        '--db <id>',
        'only this instance or cluster; repeat for several (default: all of the region)',
      ).argParser((value: string, before: readonly string[] | undefined) => {
        if (value === '') throw new InvalidArgumentError('It is empty.')
        return [...(before ?? []), value]
      }),
    )
    .option(
      '--to <sink>',
      'where to store it: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .option('--at <sink>', 'where the stored ones are; the same')
    .addOption(
      new Option('--job <name>', 'a job of the configuration, which says all else; or the name of a series'),
    )
    .addOption(option.recipient())
    .option('--no-encryption', 'store it readable for whoever gets hold of it')
    .option('--signing-key <file>', 'OpenPGP secret key that signs it')
    .option('--signing-passphrase <ref>', 'its passphrase: env:NAME, file:PATH or prompt:')
    .option('--signing-gpg <key>', 'let gpg sign, with a key in its agent or on a card: its fingerprint')
    .option('--profile <name>', 'of the AWS files')
    .addOption(
      new Option('--timeout <time>', 'what has no answer by then is unknown (default: 2m)').argParser(
        parseDuration,
      ),
    )
    .option('--live', 'diff: compare with what the AWS API says now')
    .option('--out <folder>', 'export: where to (default: inventory/, beside the configuration)')
    .option('--plain', 'export: opened, as JSON')
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
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
          "lifeboat inventory --source eu-west-1 --target eu-central-1 --to 's3://bucket/db?region=eu-central-1' \\",
          '  --recipient ~/keys/shop.pub.asc --signing-key ~/keys/signer.sec.asc',
          'lifeboat inventory --job shop',
          'lifeboat inventory show --at frankfurt --job shop --key ~/keys/shop.sec.asc --passphrase prompt:',
          'lifeboat inventory export --at frankfurt --job shop',
          'lifeboat inventory diff latest --live --at frankfurt --job shop --gpg',
        ],
        [
          [0, 'stored, and nothing is unknown; or shown, copied, compared'],
          ['20-23', 'sink denied; not found, or no such inventory; unavailable or full; already there'],
          [30, 'the key can not open it, or a recipient key can not be used'],
          ['31, 32', 'it is damaged; its signature is missing or wrong'],
          [42, 'some of it could not be asked: the rest is stored, what is unknown is named'],
        ],
      ),
    )
    .action(async (action: InventoryAction, ids: readonly string[], options: InventoryOptions) => {
      const [{ runVerb }, { inventory }] = await Promise.all([
        import('./run-verb.ts'),
        import('./inventory-run.ts'),
      ])
      done(await runVerb(options, (context) => inventory(action, ids, options, context)))
    })
}
