import { runPrune } from '../../src/app/prune.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { SignatureTrust } from '../../src/core/signing.ts'
import type { Sink } from '../../src/core/sink.ts'
import { JOB } from './check-place.ts'

/** `lifeboat prune` on a machine that knows of no run: keeps every backup and sweeps what none of them owns. */
export async function sweepPlace(sink: Sink, trust: SignatureTrust | undefined): Promise<void> {
  const report = await runPrune(
    {
      sink,
      job: JOB,
      retention: { last: 1_000 },
      damaged: false,
      versions: false,
      confirm: true,
      // What was left just now is as old as the rest, at places that tell whole seconds, too.
      sweepOlderThanMs: -5_000,
      ...(trust !== undefined && { trust }),
      journal: { live: async () => [] },
      clock: systemClock,
      onEvent: () => undefined,
      onFailure: () => undefined,
    },
    new AbortController().signal,
  )
  if (report.error !== undefined) throw report.error
}
