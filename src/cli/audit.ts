import { Argument, Command, Option } from 'commander'
import type { VerifiedAudit } from '../app/audit/verify.ts'
import { LifeboatError } from '../core/errors.ts'
import { helpTail, option } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

interface AuditVerifyOptions {
  readonly file?: readonly string[]
  readonly at?: string
  readonly job?: string
  readonly config?: string
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
}

export function auditCommand(done: (exitCode: number) => void): Command {
  return new Command('audit')
    .summary('prove that an audit log was not rewritten')
    .description(
      'verify reads an audit log and compares each record with the one before. With --at it also compares it with what ' +
        'the backups at a sink vouch for, which finds an end that was cut off and a log that was rewritten as a whole.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['verify']))
    .addOption(
      new Option(
        '--file <file>',
        'the log; repeat for several that stand behind the same backups (default: that of the configuration)',
      ).argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]),
    )
    .option(
      '--at <sink>',
      'whose backups vouch for it: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
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
          'lifeboat audit verify --at frankfurt',
          'lifeboat audit verify --file /var/log/lifeboat/audit.jsonl --at file:///backups --signer signer.pub.asc',
        ],
        [
          [0, 'the log is as it was written'],
          [3, 'it can not be read, or nobody said where it is'],
          ['20-22', 'sink denied; not found; unavailable'],
          [31, 'it was changed: each place is named'],
        ],
      ),
    )
    .action(async (_action: 'verify', options: AuditVerifyOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => verify(options, context)))
    })
}

async function verify(options: AuditVerifyOptions, context: VerbContext): Promise<Outcome> {
  const [{ verifyAudit }, { checkJobName }, { findSparedConfig }] = await Promise.all([
    import('../app/audit/verify.ts'),
    import('../core/backup-layout.ts'),
    import('./spared-config.ts'),
  ])
  const spared = options.at === undefined ? (['file'] as const) : (['file', 'signers'] as const)
  const loaded = options.file === undefined ? await findSparedConfig(options, spared, context) : undefined
  const configured = loaded?.config.audit?.file
  const files = options.file ?? (configured === undefined ? [] : [configured])
  if (files.length === 0) {
    throw new LifeboatError(
      'config',
      'unable to find an audit log: neither --file nor the configuration names one',
      {
        hint: 'Give it with --file FILE, or write audit: { file: /var/log/lifeboat/audit.jsonl } in the configuration.',
      },
    )
  }
  const job = options.job === undefined ? {} : { job: checkJobName(options.job) }
  const { onEvent } = context.reporter
  if (options.at === undefined)
    return toOutcome(await verifyAudit({ files, ...job, onEvent }, context.signal))
  const [address, { openSink }, trust] = await Promise.all([
    sinkAddress(options.at, '--at', options, context),
    import('../app/registry.ts'),
    readTrust(options, context, spared),
  ])
  await using sink = await openSink(address.url, address.context)
  return toOutcome(await verifyAudit({ files, sink, ...job, ...trust, onEvent }, context.signal), sink.name)
}

function toOutcome({ logs, backups, drills }: VerifiedAudit, sink?: string): Outcome {
  const lines = logs.map(({ file, records, first, last, head, vouched }) => {
    const span = first === undefined ? '' : `, ${first} to ${last}`
    const proof =
      backups === undefined
        ? 'no gap; --at SINK-URL would also find a past that was rewritten as a whole'
        : `no gap; backups${drills?.vouching ? ' and drills' : ''} vouch for the first ${vouched}`
    return `${file}\n  records  ${records}${span}\n  head     ${head}\n  proven   ${proof}\n`
  })
  return {
    text: lines.join(''),
    json: (warnings) => ({
      ok: true,
      logs: logs.map(({ file, records, head, first, last, vouched, torn, unfinished, cutOffBytes }) => ({
        file,
        records,
        head,
        first: first ?? null,
        last: last ?? null,
        vouched: backups === undefined ? null : vouched,
        torn,
        unfinished,
        cutOffBytes,
      })),
      sink: sink ?? null,
      backups: backups ?? null,
      drills: drills ?? null,
      warnings,
    }),
  }
}
