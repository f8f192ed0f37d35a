import { Argument, Command, Option } from 'commander'
import type { Recording } from '../app/audit/audited.ts'
import type { VerifyReport, VerifyRequest } from '../app/verify.ts'
import { LifeboatError, toLifeboatError } from '../core/errors.ts'
import { keyNames, openAudit, recorded, setOptions } from './audit-log.ts'
import { helpTail, option, parseAge } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'
import { recordVerified } from './verify-metrics.ts'

export interface VerifyOptions {
  readonly at?: string
  readonly job?: string
  readonly all?: boolean
  readonly newestAge?: number
  readonly deep?: boolean
  readonly key?: readonly string[]
  readonly passphrase?: string
  readonly gpg?: boolean
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

export function verifyCommand(done: (exitCode: number) => void): Command {
  return new Command('verify')
    .summary('prove that stored backups are whole')
    .description(
      'Compares what the sink says of every stored object (length, and on S3 its checksum) with the manifest. ' +
        'No data is read, so it costs next to nothing. With --deep it reads all and compares every chunk with ' +
        'its digest; with a key it also decrypts, decompresses and compares the plain data: only that proves ' +
        'the key.',
    )
    .addArgument(new Argument('[id]', 'the backup; left out or "latest", the newest'))
    .option(
      '--at <sink>',
      'where it is: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .option('--all', 'every backup of the job, or without --job of every job; goes on after a bad one')
    .addOption(
      new Option(
        '--newest-age <time>',
        'fail unless the newest good backup of the job (with --all, of each) is at most so old, like 26h or 8d',
      ).argParser(parseAge),
    )
    .option('--deep', 'read all that is stored, and with a key decrypt and decompress it')
    .addOption(option.key())
    .addOption(option.passphrase())
    .addOption(option.gpg())
    .addOption(option.job())
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
          'lifeboat verify --at file:///backups --newest-age 26h',
          "lifeboat verify --all --at 's3://bucket/db?region=eu-central-1' --json",
          'lifeboat verify 20261122T210500Z-k3f9 --at ssh://user@host/backups \\',
          '  --deep --key ~/keys/shop.sec.asc --passphrase prompt:',
        ],
        [
          [0, 'all that was asked for is as it was written'],
          ['20-22', 'sink denied; backup or sink not found; unavailable'],
          [30, 'the key can not open it'],
          [31, 'damaged or missing: use another backup; or none is as new as asked'],
          [32, 'signature missing or wrong (31 with --all)'],
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
  refuseContradictions(id, options)
  const address = await sinkAddress(options.at, '--at', options, context)
  const { openSink } = await import('../app/registry.ts')
  const request = await requestOf(options, context)
  await using sink = await openSink(address.url, address.context)
  const log = await openAudit(options, context)
  const { all = false, deep = false, job } = options
  const facts = {
    verb: 'verify',
    ...(job !== undefined && { job }),
    ...(all ? {} : { backup: id ?? 'latest' }),
    sinks: [sink.name],
    keys: await keyNames(log, options),
    options: setOptions({ all, deep }),
  }
  return await recorded(
    log,
    facts,
    async (recording) => {
      const outcome = await look({ ...request, sink }, id, options, recording, context)
      if (outcome.exitCode) recording.failed({ exitCode: outcome.exitCode })
      return outcome
    },
    context,
  )
}

async function look(
  request: Omit<VerifyRequest, 'job' | 'id'>,
  id: string | undefined,
  options: VerifyOptions,
  { note }: Pick<Recording, 'note'>,
  context: VerbContext,
): Promise<Outcome> {
  const { sink } = request
  if (options.all === true) {
    return (await import('./verify-all.ts')).verifyAll(request, options, context)
  }
  const [{ runVerify }, { newestAge }, { checkJobName }, { defaults }] = await Promise.all([
    import('../app/verify.ts'),
    import('../app/newest-age.ts'),
    import('../core/backup-layout.ts'),
    import('../config/defaults.ts'),
  ])
  const job = checkJobName(options.job ?? defaults.job)
  const mostMs = options.newestAge
  const ageOf = (good: readonly VerifyReport['manifest'][], most: number) =>
    newestAge({ job, sink: sink.name, good, mostMs: most, now: request.clock.now() })
  const record = async (exitCode: number, good: readonly VerifyReport['manifest'][], bad: number) => {
    // What is known of an older backup says nothing of how the job is.
    if (context.signal.aborted || (id !== undefined && id !== 'latest')) return
    const jobs = [{ job, exitCode, good, bad }]
    await recordVerified({ sink: sink.name, jobs, config: options.config }, context)
  }
  let report: VerifyReport
  try {
    report = await runVerify({ ...request, job, id }, context.signal)
    note({ backup: report.manifest.id })
  } catch (thrown) {
    const none = mostMs !== undefined && (await hasNone(thrown, sink, job, context.signal))
    const error = toLifeboatError(none ? (ageOf([], mostMs).error ?? thrown) : thrown)
    await record(error.exitCode, [], isBad(error) && !none ? 1 : 0)
    throw error
  }
  const age = mostMs === undefined ? undefined : ageOf([report.manifest], mostMs)
  await record(age?.error?.exitCode ?? 0, [report.manifest], 0)
  if (age?.error !== undefined) throw age.error
  const { summarise } = await import('./summary.ts')
  return {
    text: await conclusion(report),
    json: (warnings) => ({
      ...summarise(report.manifest),
      sink: sink.name,
      ...proven(report),
      ...(age !== undefined && { ageMs: age.ageMs }),
      durationMs: report.durationMs,
      warnings,
    }),
  }
}

function refuseContradictions(id: string | undefined, options: VerifyOptions): void {
  const { deep = false, key = [], gpg = false, passphrase, all = false, newestAge } = options
  const named = id !== undefined && id !== 'latest'
  const refusal =
    !deep && (key.length > 0 || gpg || passphrase !== undefined)
      ? (['a key is of no use without --deep', 'Add --deep to decrypt too, or leave out the key.'] as const)
      : all && id !== undefined
        ? (['--all and a backup contradict each other', 'Leave out the one that is not meant.'] as const)
        : newestAge !== undefined && named
          ? ([
              `--newest-age looks at the newest backup, not at '${id}'`,
              'Leave out the backup or --newest-age.',
            ] as const)
          : undefined
  if (refusal !== undefined)
    throw new LifeboatError('usage', `unable to start: ${refusal[0]}`, { hint: refusal[1] })
}

async function requestOf(
  options: VerifyOptions,
  context: VerbContext,
): Promise<Omit<VerifyRequest, 'sink' | 'job' | 'id'>> {
  const { deep = false, key: keys = [], gpg = false } = options
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const [{ createDecodeStages }, { systemClock }] = await Promise.all([
    import('../app/registry.ts'),
    import('../core/clock.ts'),
  ])
  const { searchPath } = context.environment
  const keyless = keys.length === 0 && !gpg
  let told = false
  return {
    deep,
    async decoders(manifest) {
      if (!keyless || manifest.stages.every(({ name }) => name !== 'openpgp')) {
        return createDecodeStages(manifest, { keys, passphrase, gpg, searchPath })
      }
      if (!told) {
        context.reporter.warn({
          message: 'without a key only the stored bytes are compared, not what they decrypt to',
          hint: 'add --key FILE or --gpg to prove the key too',
        })
      }
      told = true
      return undefined
    },
    ...(await readTrust(options, context)),
    clock: systemClock,
    onEvent: context.reporter.onEvent,
  }
}

/** The place is there, and no backup of the job in it. */
async function hasNone(
  thrown: unknown,
  sink: VerifyRequest['sink'],
  job: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(thrown instanceof LifeboatError) || thrown.code !== 'sink-not-found') return false
  const { listNames } = await import('../app/catalog.ts')
  return (await listNames(sink, job, signal)).length === 0
}

/** The backups themselves, and not only the way to them. */
export function isBad({ code }: LifeboatError): boolean {
  return code === 'integrity' || code === 'signature' || code === 'too-old'
}

/** What --json says of it, alone or with --all. */
export function proven(report: VerifyReport): object {
  return {
    verified: report.level,
    compared: report.proofs ?? null,
    signedBy: report.signedBy?.fingerprint ?? null,
  }
}

async function conclusion(report: VerifyReport): Promise<string> {
  const [{ showBytes, showCount, showDuration }, { comparedBy }] = await Promise.all([
    import('./amounts.ts'),
    import('./compared-by.ts'),
  ])
  const { manifest, level, proofs, storedBytes, plainBytes, durationMs } = report
  const read = `${showBytes(storedBytes)} in ${showDuration(durationMs)}`
  const proof =
    proofs !== undefined
      ? `nothing was read; ${comparedBy(proofs)} (--deep reads all)`
      : level === 'plain'
        ? `${read}: decrypted, decompressed and compared, ${showBytes(plainBytes)} plain`
        : `${read}: every stored chunk matches its digest (--key FILE would prove the key too)`
  const signed = report.signedBy === undefined ? '' : `; signed by ${report.signedBy.fingerprint}`
  return `verified ${manifest.id}: ${showCount(manifest.parts.length, 'part')}, ${proof}${signed}\n`
}
