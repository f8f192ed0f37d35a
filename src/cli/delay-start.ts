import { waitJitter } from '../app/schedule/jitter.ts'
import { systemClock } from '../core/clock.ts'
import type { DumpOptions } from './dump-plan.ts'
import type { VerbContext } from './run-verb.ts'

/** `--jitter`: after whatever can be known to be wrong was refused. */
export async function delayStart(
  { jitter }: Pick<DumpOptions, 'jitter'>,
  { reporter, signal }: VerbContext,
): Promise<void> {
  if (jitter === undefined) return
  const { onEvent } = reporter
  await waitJitter({ mostMs: jitter, random: Math.random, clock: systemClock, onEvent }, signal)
}
