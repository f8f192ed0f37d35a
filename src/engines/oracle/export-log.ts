import type { NotCaptured } from '../../core/manifest.ts'
import { jobError } from './failures.ts'
import type { JobResult } from './job.ts'
import type { JobLog } from './job-log.ts'

/** ORA-39173: encrypted columns lie in the pieces in the clear. lifeboat encrypts them, so that is no failure. */
export const HARMLESS: ReadonlySet<number> = new Set([39173])

/** COMPLETED says that the job came to its end, not that it took everything: its log does. */
export function judgeExport(
  log: JobLog,
  { errors }: JobResult,
  tolerated: ReadonlySet<number>,
): { readonly warnings: readonly string[]; readonly notCaptured: readonly NotCaptured[] } {
  const fatal = log.errors.filter(({ ora }) => !tolerated.has(ora) && !HARMLESS.has(ora))
  if (fatal.length > 0) {
    const texts = fatal.slice(0, 6).map(({ text }) => text)
    throw jobError(
      'export everything',
      `the job completed, but its log has ${fatal.length} errors\n${texts.join('\n')}`,
    )
  }
  if (errors > log.errors.length) {
    throw jobError(
      'export everything',
      `the job completed with ${errors} errors, and its log names ${log.errors.length}`,
    )
  }
  const left = log.errors.filter(({ ora }) => tolerated.has(ora) && !HARMLESS.has(ora))
  const codes = [...new Set(left.map(({ ora }) => `ORA-${String(ora).padStart(5, '0')}`))]
  return {
    warnings: log.errors.map(({ text }) => text),
    notCaptured:
      left.length === 0
        ? []
        : [
            {
              what: 'objects that Data Pump reported',
              count: left.length,
              reason: `${codes.join(', ')}, tolerated by the URL`,
            },
          ],
  }
}
