import { Argument, Command } from 'commander'
import { LifeboatError } from '../core/errors.ts'
import { helpTail, need, option } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { readTrust } from './trust.ts'

interface VerifyOptions {
  readonly at?: string
  readonly job?: string
  readonly deep?: boolean
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly config?: string
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
}

export function verifyCommand(done: (exitCode: number) => void): Command {
  return new Command('verify')
    .summary('prove that a stored backup is whole')
    .description(
      'Reads all that is stored of a backup and compares every chunk with its digest. With --deep it also ' +
        'decrypts, decompresses and compares the digests of the plain data: only that proves the key.',
    )
    .addArgument(new Argument('[id]', 'the backup; left out or "latest", the newest'))
    .option('--at <sink-url>', 'where it is: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path')
    .option('--deep', 'decrypt and decompress too')
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(option.job())
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
          'lifeboat verify --at file:///backups',
          'lifeboat verify 20261122T210500Z-k3f9 --at ssh://user@host/backups \\',
          '  --deep --key ~/keys/shop.sec.asc --passphrase prompt:',
        ],
        [
          [0, 'every byte is as it was written'],
          ['20-22', 'sink denied; backup or sink not found; unavailable'],
          [30, 'the key can not open it'],
          [31, 'something is damaged or missing: use another backup'],
        ],
      ),
    )
    .action(async (id: string | undefined, options: VerifyOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => verify(id, options, context)))
    })
}

async function verify(
  id: string | undefined,
  options: VerifyOptions,
  context: VerbContext,
): Promise<Outcome> {
  const at = need(options.at, '--at', 'the sink', 'file:///path, s3://bucket/prefix or ssh://user@host/path')
  const { deep = false, key: keys = [], gpg = false } = options
  if (!deep && (keys.length > 0 || gpg || options.passphrase !== undefined)) {
    throw new LifeboatError('usage', 'unable to start: a key is of no use without --deep', {
      hint: 'Add --deep to decrypt too, or leave out the key.',
    })
  }
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const [registry, { runVerify }, { systemClock }, { checkJobName }, { defaults }] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/verify.ts'),
    import('../core/clock.ts'),
    import('../core/backup-layout.ts'),
    import('../config/defaults.ts'),
  ])
  const { searchPath } = context.environment
  const job = checkJobName(options.job ?? defaults.job)
  await using sink = await registry.openSink(at, context.sinkContext(options))
  const report = await runVerify(
    {
      sink,
      job,
      id,
      ...(await readTrust(options, context)),
      clock: systemClock,
      onEvent: context.reporter.onEvent,
      ...(deep && {
        decoders: (manifest) => registry.createDecodeStages(manifest, { keys, passphrase, gpg, searchPath }),
      }),
    },
    context.signal,
  )
  const [{ showBytes, showCount, showDuration }, { summarise }] = await Promise.all([
    import('./amounts.ts'),
    import('./summary.ts'),
  ])
  const { manifest, storedBytes, plainBytes, durationMs } = report
  const proof = deep
    ? `decrypted, decompressed and compared, ${showBytes(plainBytes)} plain`
    : 'every stored chunk matches its digest (--deep --key FILE would prove the key too)'
  const signed = report.signedBy === undefined ? '' : `; signed by ${report.signedBy.fingerprint}`
  return {
    text: `verified ${manifest.id}: ${showCount(manifest.parts.length, 'part')}, ${showBytes(storedBytes)} in ${showDuration(durationMs)}: ${proof}${signed}\n`,
    json: (warnings) => ({
      ...summarise(manifest),
      sink: sink.name,
      verified: deep ? 'plain' : 'stored',
      signedBy: report.signedBy?.fingerprint ?? null,
      durationMs,
      warnings,
    }),
  }
}
