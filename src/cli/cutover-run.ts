import { CUTOVERS, type CutoverKind, type CutoverRequest, planCutover, runCutover } from '../app/cutover.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'
import { wordsAgain } from './again-words.ts'
import type { CutoverFlags } from './cutover.ts'
import { openGuard } from './migrate-guard.ts'
import { loginOf, planOutcome, reportOutcome, tellSteps, withoutUndefined } from './migrate-run.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'

export async function cutover(what: string, options: CutoverFlags, context: VerbContext): Promise<Outcome> {
  const kind = CUTOVERS.find((name) => name === what)
  if (kind === undefined) throw new LifeboatError('internal', `nobody knows '${what}'`)
  if (options.at === undefined) return await withSink(kind, options, context, undefined)
  const address = await sinkAddress(options.at, '--at', options, context)
  const { openSink } = await import('../app/registry.ts')
  await using sink = await openSink(address.url, address.context)
  return await withSink(kind, options, context, sink)
}

async function withSink(
  kind: CutoverKind,
  options: CutoverFlags,
  context: VerbContext,
  sink: Sink | undefined,
): Promise<Outcome> {
  const { dryRun = false, printPolicy = false, resume, confirm = false, deadline } = options
  const { reporter, signal } = context
  const simulated = options.simulate === true
  const request = { ...requestOf(kind, options, context), ...(sink !== undefined && { sink }) }
  const { guard, watched } = await openGuard('cutover', kind, options, sink?.name, context)
  if (dryRun || printPolicy) {
    if (resume !== undefined)
      throw new LifeboatError(
        'usage',
        'unable to start: --resume goes on with a run, and a plan runs nothing',
        {
          hint: 'Leave out --resume, or --dry-run and --print-policy.',
        },
      )
    const plan = await planCutover({ ...request, guard }, signal)
    return planOutcome(`cutover ${kind}`, plan, printPolicy, simulated)
  }
  const work = () =>
    runCutover(
      {
        ...{ ...request, confirm, guard, again: wordsAgain(options) },
        ...(resume !== undefined && { resume }),
        ...(deadline !== undefined && { deadlineMs: deadline }),
        onStart: (id, journal) =>
          reporter.say(`${simulated ? 'simulated run' : 'run'} ${id}, journal ${journal}`),
        onStep: tellSteps((message) => reporter.onEvent({ kind: 'step', message })),
      },
      signal,
    )
  return reportOutcome(await watched(request.flags, work), simulated)
}

function requestOf(kind: CutoverKind, options: CutoverFlags, context: VerbContext): CutoverRequest {
  const { reporter, environment } = context
  const {
    source,
    target,
    from,
    to,
    record,
    resolver,
    template,
    service,
    failoverRecords,
    accept = [],
    acceptSplitBrain = false,
  } = options
  if (failoverRecords === true && kind !== 'prepare')
    throw new LifeboatError('usage', 'unable to cut over: --failover-records is of prepare only', {
      hint: 'Leave it out: run switches whatever records there are.',
    })
  const accepted = [...accept, ...(acceptSplitBrain ? ['split-brain'] : [])]
  return {
    kind,
    flags: withoutUndefined({
      ...{ source, target, from, to, record, resolver, template, service, failoverRecords },
      accept: accepted.length === 0 ? undefined : accepted,
    }),
    ...(options.of !== undefined && { of: options.of }),
    ...(options.simulate === true && { simulate: 'instance' }),
    ...(options.profile !== undefined && { profile: options.profile }),
    ...loginOf(options, context),
    faults: options.fault ?? [],
    stateFolder: environment.stateFolder,
    onEvent: reporter.onEvent,
    onElsewhere: (lines) => {
      for (const line of lines) reporter.say(`- ${line}`)
    },
  }
}
