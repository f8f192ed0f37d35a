import { Argument, Command, Option } from 'commander'
import type { DrillOptions } from './drill-plan.ts'
import { helpTail, option, parseAge, parseDuration, parseWhole } from './options.ts'

export function drillCommand(done: (exitCode: number) => void): Command {
  return new Command('drill')
    .summary('prove by a restore that a backup can save you, and how fast')
    .description(
      'Restores a backup into a throwaway server, compares the rows of every table, runs the check queries of the ' +
        'job, measures how long that takes and how old the data are, and destroys the server. What it found is left ' +
        'as a signed record at the sink; lifeboat report shows it.',
    )
    .addArgument(
      new Argument(
        '[what]',
        'a job of the configuration; or with --at or --job a backup (left out, the newest)',
      ),
    )
    .option(
      '--at <sink>',
      'where it is: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .addOption(option.job())
    .option('--local', "into a throwaway server of this machine's own packages: the default")
    .option('--container', "into a throwaway server in a container, by default the server's own version")
    .option('--image <image>', 'image of that container')
    .option('--into <database-url>', 'into an empty scratch server of your own')
    .addOption(option.password())
    .option('--replace', 'with --into: drop what the backup names before loading it')
    .option(
      '--scratch <folder>',
      'where a local server keeps its data (default: the folder for temporary files)',
    )
    .option('--run-as <account>', 'for root: account that a local server runs as (default: postgres, mysql)')
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(
      new Option('--jobs <n>', 'parts that are loaded at once, where the engine can (default: 1)').argParser(
        parseWhole(1, 64),
      ),
    )
    .addOption(
      new Option('--rto <time>', 'fail if the restore takes longer, like 90m or 4h').argParser(parseAge),
    )
    .addOption(new Option('--rpo <time>', 'fail if the data are older, like 26h or 8d').argParser(parseAge))
    .addOption(new Option('--timeout <time>', 'give up when it takes so long').argParser(parseDuration))
    .addOption(option.signer())
    .addOption(option.unsignedOk())
    .option('--signing-key <file>', 'OpenPGP secret key that signs the record')
    .option('--signing-passphrase <ref>', 'its passphrase: env:NAME, file:PATH or prompt:')
    .option('--signing-gpg <key>', 'let gpg sign, with a key in its agent or on a card: its fingerprint')
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
          'lifeboat drill shop',
          'lifeboat drill shop --at frankfurt --container',
          "lifeboat drill --at 's3://bucket/db?region=eu-central-1' --job shop \\",
          '  --key ~/keys/shop.sec.asc --passphrase prompt: --rto 4h --rpo 26h',
        ],
        [
          [0, 'passed'],
          ['10-13', 'server or tool missing; tool failed; database not reached; not supported'],
          ['20-22', 'sink denied; backup or sink not found; unavailable'],
          [30, 'the key can not open it'],
          [31, 'the backup is damaged, rows differ, or a check failed'],
          [32, 'signature missing or wrong'],
          [41, 'the server of --into holds data: nothing was changed'],
          [43, 'it took longer than --timeout'],
          [44, 'all is well, but slower or older than promised'],
        ],
      ),
    )
    .action(async (what: string | undefined, options: DrillOptions) => {
      const [{ runVerb }, { drill }] = await Promise.all([import('./run-verb.ts'), import('./drill-run.ts')])
      done(await runVerb(options, (context) => drill(what, options, context)))
    })
}
