import { Command, Option } from 'commander'
import { LifeboatError } from '../core/errors.ts'
import { helpTail, need, option, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

interface KeygenOptions {
  readonly name?: string
  readonly email?: string
  readonly out?: string
  readonly algorithm?: 'ecc' | 'rsa4096'
  readonly expiresDays?: number
  /** False for --no-passphrase; true where commander fills in that neither was given. */
  readonly passphrase?: string | boolean
  readonly json?: boolean
}

export function keygenCommand(done: (exitCode: number) => void): Command {
  return new Command('keygen')
    .summary('make the pair of keys that encrypts and opens backups')
    .description(
      'Makes an OpenPGP key in two files: NAME.pub.asc encrypts and may lie anywhere, NAME.sec.asc opens the ' +
        'backups and belongs where no dump is made. Without it no backup can be read, by nobody. Stock gpg ' +
        'imports both.',
    )
    .option('--name <name>', 'names the key and its files')
    .option('--email <address>', 'goes into the key as well')
    .option('--out <folder>', 'where to write it')
    .addOption(new Option('--algorithm <name>', 'kind of key (default: ecc)').choices(['ecc', 'rsa4096']))
    .addOption(
      new Option('--expires-days <n>', 'stop encrypting to it then (default: never)').argParser(
        parseWhole(1, 36_500),
      ),
    )
    .addOption(option.passphrase())
    .option('--no-passphrase', 'leave the secret key open to whoever gets the file')
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          'lifeboat keygen --name shop --out ~/keys --passphrase prompt:',
          'lifeboat keygen --name drill --out . --no-passphrase',
        ],
        [
          [0, 'the key is written'],
          [2, 'the command is written wrong, or nothing is said of a passphrase'],
          [3, 'a file of that name is there (it is never replaced), or the folder can not be used'],
        ],
      ),
    )
    .action(async (options: KeygenOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => keygen(options, context)))
    })
}

async function keygen(options: KeygenOptions, context: VerbContext): Promise<Outcome> {
  const name = need(options.name, '--name', 'the key', 'shop')
  const folder = need(options.out, '--out', 'the folder for its files', '~/keys')
  const reference = typeof options.passphrase === 'string' ? options.passphrase : undefined
  if (reference === undefined && options.passphrase !== false) {
    throw new LifeboatError('usage', 'unable to start: nothing is said of a passphrase for the secret key', {
      hint: 'Add --passphrase prompt: (or env:NAME, file:PATH); or say --no-passphrase.',
    })
  }
  const { runKeygen } = await import('../app/keygen.ts')
  const report = await runKeygen({
    name,
    folder,
    email: options.email,
    algorithm: options.algorithm ?? 'ecc',
    expiresDays: options.expiresDays,
    passphrase: context.secret('--passphrase', reference, `new passphrase for key '${name}'`, true),
  })
  if (reference === undefined) {
    context.reporter.warn({
      message: `${report.secretFile} is not protected by a passphrase`,
      hint: 'whoever gets that file can read every backup made with this key',
    })
  }
  const { fingerprint, publicFile, secretFile, revocationFile } = report
  const passphrase = reference === undefined ? '' : ' --passphrase prompt:'
  return {
    text: `key         ${fingerprint}
public      ${publicFile}
            For the machine that makes dumps:
            lifeboat dump … --recipient ${publicFile}
secret      ${secretFile}
            Keep it OFF this machine, in two places:
            whoever loses it loses all backups.
revocation  ${revocationFile}
            Withdraws the key when the secret half gets into wrong hands:
            gpg --import it.

Try it before you need it. After the first dump, where the secret key is:
  lifeboat verify latest --at SINK-URL --deep \\
    --key ${secretFile}${passphrase}
  lifeboat restore latest --from SINK-URL --into FRESH-DATABASE-URL \\
    --key ${secretFile}${passphrase}
`,
    json: (warnings) => ({ fingerprint, publicFile, secretFile, revocationFile, warnings }),
  }
}
