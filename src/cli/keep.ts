import { Argument, Command } from 'commander'
import { LifeboatError } from '../core/errors.ts'
import { openAudit, recorded, setOptions } from './audit-log.ts'
import { helpTail, option } from './options.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'

interface KeepOptions {
  readonly at?: string
  readonly job?: string
  readonly reason?: string
  readonly undo?: boolean
  readonly config?: string
  readonly audit?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
}

export function keepCommand(done: (exitCode: number) => void): Command {
  return new Command('keep')
    .summary('mark a backup so that prune never removes it')
    .description(
      'Marks a backup at a sink: no prune removes it until the mark is taken away with --undo. The mark is an object ' +
        'beside the backups; whoever may write to the sink can remove it.',
    )
    .addArgument(new Argument('<id>', 'the backup, or "latest"'))
    .option(
      '--at <sink>',
      'where it is: file:///path, s3://bucket/prefix?region=…, ssh://user@host/path, or a name of the configuration',
    )
    .addOption(option.job())
    .option('--reason <text>', 'why, for whoever prunes; it is readable for all who can read the sink')
    .option('--undo', 'take the mark away')
    .addOption(option.config())
    .addOption(option.audit())
    .addOption(option.sinkPassword())
    .addOption(option.sinkPassphrase())
    .addOption(option.json())
    .addHelpText(
      'after',
      helpTail(
        [
          "lifeboat keep 20261122T210500Z-k3f9 --at file:///backups --reason 'before the migration'",
          'lifeboat keep 20261122T210500Z-k3f9 --at file:///backups --undo',
        ],
        [
          [0, 'marked, or no longer marked'],
          ['20-22', 'sink denied; backup or sink not found; unavailable'],
        ],
      ),
    )
    .action(async (id: string, options: KeepOptions) => {
      const { runVerb } = await import('./run-verb.ts')
      done(await runVerb(options, (context) => keep(id, options, context)))
    })
}

async function keep(wanted: string, options: KeepOptions, context: VerbContext): Promise<Outcome> {
  const { reason, undo = false } = options
  if (undo && reason !== undefined) {
    throw new LifeboatError('usage', 'unable to start: --reason and --undo contradict each other', {
      hint: 'Leave out the one that is not meant.',
    })
  }
  const address = await sinkAddress(options.at, '--at', options, context)
  const [
    { openSink },
    { resolveBackupId },
    { markKept, unmarkKept },
    { checkJobName },
    { defaults },
    { systemClock },
  ] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/catalog.ts'),
    import('../app/keep.ts'),
    import('../core/backup-layout.ts'),
    import('../config/defaults.ts'),
    import('../core/clock.ts'),
  ])
  const job = checkJobName(options.job ?? defaults.job)
  await using sink = await openSink(address.url, address.context)
  const id = await resolveBackupId(sink, job, wanted, context.signal)
  const facts = { id, job, sink: sink.name }
  const log = await openAudit(options, context, ['audit'])
  const record = <T>(work: () => Promise<T>) =>
    recorded(
      log,
      { verb: 'keep', job, backup: id, sinks: [sink.name], options: setOptions({ undo }) },
      work,
      context,
    )
  if (undo) {
    const was = await record(() => unmarkKept({ sink, job, id }, context.signal))
    context.reporter.say(was ? `backup ${id} may be removed again` : `backup ${id} was not marked`)
    return { text: '', json: (warnings) => ({ ...facts, kept: false, warnings }) }
  }
  const mark = await record(() => markKept({ sink, job, id, reason, clock: systemClock }, context.signal))
  context.reporter.say(`backup ${id} is kept until lifeboat keep --undo`)
  return {
    text: '',
    json: (warnings) => ({ ...facts, kept: true, reason: mark.reason ?? null, at: mark.at, warnings }),
  }
}
