import type { VerifiedJob } from '../app/metrics/verify-records.ts'
import { messageOf } from '../core/errors.ts'
import type { VerbContext } from './run-verb.ts'

export interface VerifiedAt {
  readonly sink: string
  readonly jobs: readonly VerifiedJob[]
  readonly config: string | undefined
}

/** Where the configuration has metrics. What can't be written is a warning: the verification itself is done. */
export async function recordVerified(
  { sink, jobs, config }: VerifiedAt,
  context: VerbContext,
): Promise<void> {
  const { metricsFile } = await import('./spared-config.ts')
  const textfile = await metricsFile(config, context)
  if (textfile === undefined) return
  const [{ writeMetrics }, { verifyRecords }, { systemClock }] = await Promise.all([
    import('../app/metrics/metrics-file.ts'),
    import('../app/metrics/verify-records.ts'),
    import('../core/clock.ts'),
  ])
  try {
    await writeMetrics(textfile, verifyRecords(sink, jobs, systemClock.now()))
  } catch (thrown) {
    context.reporter.warn({
      message: messageOf(thrown),
      hint: 'Make its folder, writable for the account that runs lifeboat.',
    })
  }
}
