import type { AuditLog } from '../app/audit/log.ts'
import { openRunJournal } from '../app/journals.ts'
import { type PruneReport, runPrune } from '../app/prune.ts'
import { openSink } from '../app/registry.ts'
import { defaults } from '../config/defaults.ts'
import { systemClock } from '../core/clock.ts'
import { type LifeboatError, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import { openAudit, recorded, setOptions } from './audit-log.ts'
import { errorObject } from './print-error.ts'
import type { PruneOptions } from './prune.ts'
import { type PruneTarget, pruneTargets } from './prune-targets.ts'
import { pruneJson, pruneSummary, pruneText } from './prune-text.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { readTrust } from './trust.ts'

/** One job at one sink after the other. One that fails is told and holds up no other; the exit code is the first's. */
export async function prune(
  name: string | undefined,
  options: PruneOptions,
  context: VerbContext,
): Promise<Outcome> {
  const { reporter, signal } = context
  const targets = await pruneTargets(name, options, context)
  const log = await openAudit(options, context)
  const results: { readonly text: string; readonly json: object }[] = []
  let failed: LifeboatError | undefined
  for (const target of targets) {
    try {
      const report = await pruneTarget(target, options, log, context)
      failed ??= report.error
      reporter.close()
      reporter.say(pruneSummary(report))
      const title = targets.length === 1 ? '' : `${report.job} at ${report.sink}\n`
      results.push({ text: `${title}${pruneText(report)}`, json: pruneJson(report) })
    } catch (thrown) {
      throwIfAborted(signal)
      if (targets.length === 1) throw thrown
      const error = toLifeboatError(thrown)
      failed ??= error
      reporter.fail(error)
      const { job, url } = target
      results.push({ text: '', json: { job, sink: url, ok: false, error: errorObject(error) } })
    }
  }
  return {
    text: results.flatMap(({ text }) => (text === '' ? [] : text)).join('\n'),
    json: (warnings) => ({
      confirmed: options.confirm === true,
      runs: results.map(({ json }) => json),
      warnings,
    }),
    exitCode: failed?.exitCode ?? 0,
  }
}

async function pruneTarget(
  { job, retention, url, context: sinkContext }: PruneTarget,
  options: PruneOptions,
  log: AuditLog | undefined,
  context: VerbContext,
): Promise<PruneReport> {
  const { reporter, environment, signal } = context
  await using sink = await openSink(url, sinkContext)
  const { confirm = false, damaged = false, versions = false } = options
  const request = {
    sink,
    job,
    retention,
    damaged,
    versions,
    confirm,
    sweepOlderThanMs: options.sweepOlderThan ?? defaults.sweepOlderThanMs,
    ...(await readTrust(options, context)),
    journal: await openRunJournal(environment.stateFolder),
    clock: systemClock,
    onEvent: reporter.onEvent,
    onFailure: (error: LifeboatError) => reporter.fail(error),
  }
  return await recorded(
    log,
    { verb: 'prune', job, sinks: [sink.name], options: setOptions({ confirm, damaged, versions }) },
    async ({ note, failed }) => {
      const report = await runPrune({ ...request, onRemoved: (id) => note({ removed: [id] }) }, signal)
      if (report.error !== undefined) failed(report.error)
      return report
    },
    context,
  )
}
