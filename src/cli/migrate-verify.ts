import { checkLines } from '../app/runbook-report.ts'
import { type TargetReport, verifyTarget } from '../app/verify-target.ts'
import { LifeboatError } from '../core/errors.ts'
import { showCount } from './amounts.ts'
import type { MigrateOptions } from './migrate.ts'
import { requestOf, rowsOf } from './migrate-run.ts'
import { printable } from './printable.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

/** `migrate verify`: nothing is run, so that there is neither a plan nor a journal. */
export async function verifyMigration(options: MigrateOptions, context: VerbContext): Promise<Outcome> {
  const { newestQuery, write = true, accept = [], to } = options
  if (options.resume !== undefined || options.dryRun === true || options.printPolicy === true)
    throw new LifeboatError('usage', 'unable to verify: it has no steps to plan or to go on with', {
      hint: 'Leave out --resume, --dry-run and --print-policy.',
    })
  await using rows = await rowsOf('verify', options, context)
  const { flags, ...request } = requestOf('verify', options, context)
  const report = await verifyTarget(
    {
      ...{ ...request, write, accept },
      flags: { ...flags, ...(to !== undefined && { to }) },
      ...(newestQuery !== undefined && { newestQuery }),
      ...(rows !== undefined && { rows: rows.port }),
    },
    context.signal,
  )
  return {
    text: printable(verifyText(report)),
    json: (warnings) => ({ ...report, simulated: options.simulate !== undefined, warnings }),
    exitCode: report.passed ? 0 : 42,
  }
}

function verifyText({ endpoint, passed, checks }: TargetReport): string {
  const failed = checks.filter(({ state }) => state === 'failed').length
  return [
    ...checkLines(checks),
    '',
    `${endpoint ?? 'no endpoint'}: ${passed ? 'fit to take over, as far as was looked' : `${showCount(failed, 'check')} failed`}`,
    '',
  ].join('\n')
}
