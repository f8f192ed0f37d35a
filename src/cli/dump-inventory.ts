import type { ResolvedInventory } from '../config/inventory.ts'
import { messageOf } from '../core/errors.ts'
import type { Signer } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { VerbContext } from './run-verb.ts'

export interface InventoryAfterDump {
  readonly job: string
  readonly sinks: readonly Sink[]
  readonly recipients: readonly string[]
  readonly signer: Signer | undefined
}

/** Beside what the calls may take: the time to store one small object at each place. */
const STORE_MS = 60_000

/** The dump is committed, and stays what it is: whatever goes wrong from here on is a warning. */
export async function inventoryAfterDump(
  { region, target, databases, profile, timeoutMs }: ResolvedInventory,
  { job, sinks, recipients, signer }: InventoryAfterDump,
  { reporter, signal, environment }: VerbContext,
): Promise<void> {
  const hint = `the backup is complete; take one by hand: lifeboat inventory --job ${job}`
  try {
    const [
      { openRegions },
      { recordInventory },
      { preparedHere },
      registry,
      { systemClock },
      layout,
      { defaults },
    ] = await Promise.all([
      import('../app/inventory/open-regions.ts'),
      import('../app/inventory/record-inventory.ts'),
      import('../app/kept-landing.ts'),
      import('../app/registry.ts'),
      import('../core/clock.ts'),
      import('../core/backup-layout.ts'),
      import('../config/defaults.ts'),
    ])
    const mostMs = timeoutMs ?? defaults.inventoryTimeoutMs
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(mostMs + STORE_MS)])
    const stages = await registry.createEncodeStages({ codec: 'gzip', level: undefined, recipients })
    using ports = await openRegions({ source: region, target, profile })
    const { inventory, places } = await recordInventory(
      {
        ...{ ports, both: target !== undefined, databases, job, clock: systemClock, timeoutMs: mostMs },
        ...{ id: layout.newBackupId(systemClock.now()), sinks, stages, signer },
        prepared: await preparedHere(environment.stateFolder),
      },
      bounded,
    )
    for (const { sink, error } of places) {
      if (error !== undefined)
        reporter.warn({ message: `unable to store the inventory at ${sink}: ${error.message}`, hint })
    }
    const [first] = inventory.unknown
    if (first !== undefined) {
      reporter.warn({
        message: `the inventory of ${region} lacks ${inventory.unknown.length} of what it asked for: ${first.what}: ${first.reason}`,
        hint: `lifeboat inventory --job ${job} names all of it`,
      })
    }
  } catch (thrown) {
    reporter.warn({ message: `no inventory was taken: ${messageOf(thrown)}`, hint })
  }
}
