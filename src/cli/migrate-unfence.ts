import type { MigrateRequest } from '../app/migrate.ts'
import { fencedBy, rehearsedFence, unfenceByHand } from '../app/unfence.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'
import type { MigrateOptions } from './migrate.ts'
import { requestOf, run as runWay, showPlan } from './migrate-run.ts'
import { printable } from './printable.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'

/** Lifts what a run of fence has put up; with no run named it shows what stands, and what would lift it. */
export async function unfence(
  fencing: string | undefined,
  options: MigrateOptions,
  context: VerbContext,
): Promise<Outcome> {
  if (options.at === undefined) return await withSink(fencing, options, context, undefined)
  const address = await sinkAddress(options.at, '--at', options, context)
  const { openSink } = await import('../app/registry.ts')
  await using sink = await openSink(address.url, address.context)
  return await withSink(fencing, options, context, sink)
}

async function withSink(
  fencing: string | undefined,
  options: MigrateOptions,
  context: VerbContext,
  sink: Sink | undefined,
): Promise<Outcome> {
  const { resume, to, simulate, dryRun = false, printPolicy = false } = options
  const plain = requestOf('unfence', options, context)
  const request = {
    ...{ ...plain, flags: { ...plain.flags, ...(to !== undefined && { to }) } },
    ...(sink !== undefined && { sink }),
  }
  const plans = dryRun || printPolicy
  if (resume !== undefined) {
    if (fencing !== undefined || plans)
      throw usage(
        '--resume goes on with a run of unfence',
        'Leave out the run of the fence, --dry-run and --print-policy: it goes on as it was planned.',
      )
    return await runWay(request, options, context)
  }
  if (simulate === undefined && fencing === undefined) return await showLost(request, context)
  const flags = await flagsOf(fencing, request, context.signal)
  return plans
    ? await showPlan('unfence', { ...request, flags }, options, context)
    : await runWay({ ...request, flags }, options, context)
}

async function flagsOf(
  fencing: string | undefined,
  request: MigrateRequest,
  signal: AbortSignal,
): Promise<MigrateRequest['flags']> {
  const { simulate, flags } = request
  if (simulate !== undefined) {
    if (fencing !== undefined)
      throw usage('each rehearsal has a cloud of its own, in which no run has fenced', 'Leave out the run.')
    return rehearsedFence(flags, simulate)
  }
  const known = await fencedBy(request, fencing ?? '', signal)
  refuseOthers(request, known)
  return { ...known, ...flags }
}

async function showLost(request: MigrateRequest, { signal }: VerbContext): Promise<Outcome> {
  const { run, lines } = await unfenceByHand(request, signal)
  const known =
    run === null
      ? []
      : [`Run ${run} has fenced it; where its journal is: lifeboat migrate unfence ${run} --confirm`]
  const text = printable([...lines, ...known, ''].join('\n'))
  return { text, json: (warnings) => ({ way: 'unfence', run, lines, warnings }) }
}

/** What the run was about is not to be said anew. */
function refuseOthers({ flags }: MigrateRequest, known: MigrateRequest['flags']): void {
  for (const name of ['source', 'target', 'db'] as const) {
    if (flags[name] === undefined || JSON.stringify(flags[name]) === JSON.stringify(known[name])) continue
    throw usage(`the run has fenced another ${name}`, `Leave out --${name}: the journal has it.`)
  }
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to unfence: ${reason}`, { hint })
}
