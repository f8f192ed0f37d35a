import { Command, Option } from 'commander'
import { helpTail, option, parseWhole } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

interface ReportOptions {
  readonly at?: string
  readonly job?: string
  readonly last?: number
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
  readonly config?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
}

export function reportCommand(done: (exitCode: number) => void): Command {
  return new Command('report')
    .summary('show what drills have proven, and when')
    .description(
      'Lists the records that drills have left at a sink: of each job the last one, how old it is, how long the restore ' +
        'took and how old its data were, and what was promised. Where signers are trusted, a record that none of them ' +
        'signed counts for nothing.',
    )
    .option(
      '--at <sink>',
      'where they are: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .addOption(option.job())
    .addOption(
      new Option('--last <n>', 'so many of each job (default: 1; with --job 10)').argParser(
        parseWhole(1, 10_000),
      ),
    )
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
          "lifeboat report --at 's3://bucket/db?region=eu-central-1'",
          'lifeboat report --at frankfurt --job shop --last 20 --signer ~/keys/signer.pub.asc --json',
        ],
        [
          [0, 'shown, however the drills went'],
          ['20-22', 'sink denied; not found; unavailable'],
          [31, 'a record is damaged'],
          [32, 'a record is not signed by a trusted signer'],
        ],
      ),
    )
    .action(async (options: ReportOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => report(options, context)))
    })
}

async function report(options: ReportOptions, context: VerbContext): Promise<Outcome> {
  const address = await sinkAddress(options.at, '--at', options, context)
  const [{ openSink }, { readDrillReport }, { reportJson, reportText }, { checkJobName }, { systemClock }] =
    await Promise.all([
      import('../app/registry.ts'),
      import('../app/drill/drill-report.ts'),
      import('./report-text.ts'),
      import('../core/backup-layout.ts'),
      import('../core/clock.ts'),
    ])
  const job = options.job === undefined ? undefined : checkJobName(options.job)
  await using sink = await openSink(address.url, address.context)
  const found = await readDrillReport(
    {
      sink,
      job,
      most: options.last ?? (job === undefined ? 1 : 10),
      ...(await readTrust(options, context, ['signers'])),
    },
    context.signal,
  )
  const now = systemClock.now()
  for (const { record, error } of found.unusable) {
    context.reporter.warn({ message: `record '${record}' counts for nothing: ${error.message}` })
  }
  return {
    text: reportText(found, sink.name, now),
    json: (warnings) => ({ sink: sink.name, ...reportJson(found, now), warnings }),
    exitCode: found.unusable[0]?.error.exitCode ?? 0,
  }
}
