import { type Drift, diffInventories } from '../app/inventory/diff.ts'
import { openRegions } from '../app/inventory/open-regions.ts'
import type { Inventory } from '../app/inventory/record.ts'
import { inventoryKind } from '../app/inventory/store.ts'
import { takeInventory } from '../app/inventory/take-inventory.ts'
import { listRecords } from '../app/sealed-record.ts'
import { defaults } from '../config/defaults.ts'
import { findConfig } from '../config/find-config.ts'
import { resolveInventory } from '../config/inventory.ts'
import { jobNames } from '../config/job.ts'
import { newBackupId } from '../core/backup-layout.ts'
import { systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { keyNames, openAudit, recorded } from './audit-log.ts'
import type { InventoryOptions } from './inventory.ts'
import { type InventoryPlace, openPlace } from './inventory-open.ts'
import { driftText } from './inventory-text.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

/** `A B`, `A` with the newest, or nothing: the two newest. With --live one of them and now. */
export async function diff(
  ids: readonly string[],
  options: InventoryOptions,
  context: VerbContext,
): Promise<Outcome> {
  const { live = false, job } = options
  if (live && ids.length > 1) {
    throw new LifeboatError('usage', 'unable to start: --live and two inventories contradict each other', {
      hint: 'Leave out one of the two, or --live.',
    })
  }
  await using place = await openPlace(options, context)
  const log = await openAudit(options, context)
  const facts = {
    ...{ verb: 'inventory', options: ['diff', ...(live ? ['live'] : [])], sinks: [place.sink.name] },
    ...(job !== undefined && { job }),
    keys: await keyNames(log, options),
  }
  return await recorded(
    log,
    facts,
    async () => {
      const [before, after] = live
        ? await withNow((await place.open(ids[0])).record, options, context)
        : await stored(place, ids, options, context)
      return outcomeOf(before, after, diffInventories(before, after), live)
    },
    context,
  )
}

async function stored(
  place: InventoryPlace,
  [first, second]: readonly string[],
  { job }: InventoryOptions,
  { signal }: VerbContext,
): Promise<readonly [Inventory, Inventory]> {
  if (first !== undefined) return [(await place.open(first)).record, (await place.open(second)).record]
  const newest = (await place.open('latest')).record
  const names = await listRecords(place.sink, inventoryKind, newest.job, signal)
  const before = names.at(-2)
  if (before === undefined) {
    const of = job === undefined ? '' : ` of '${job}'`
    throw new LifeboatError('sink-not-found', `unable to compare inventories${of}: there is only one`, {
      hint: 'Add --live to compare it with what the AWS API says now.',
    })
  }
  return [(await place.open(before.id)).record, newest]
}

/** Asks for the same as the inventory did. */
async function withNow(
  before: Inventory,
  options: InventoryOptions,
  context: VerbContext,
): Promise<readonly [Inventory, Inventory]> {
  const { timeout } = options
  const profile = options.profile ?? (await configuredProfile(before.job, options, context))
  using ports = await openRegions({ source: before.source, target: before.target, profile })
  const after = await takeInventory(
    {
      ...{ ports, both: before.target !== undefined, databases: before.databases ?? undefined },
      ...{ id: newBackupId(systemClock.now()), job: before.job, clock: systemClock },
      timeoutMs: timeout ?? defaults.inventoryTimeoutMs,
    },
    context.signal,
  )
  return [before, after]
}

/** Of the job whose inventory it is, where the configuration has it. */
async function configuredProfile(
  job: string,
  { config }: InventoryOptions,
  { environment }: VerbContext,
): Promise<string | undefined> {
  const loaded = await findConfig(config, environment)
  if (loaded === undefined || !jobNames(loaded).includes(job)) return undefined
  return resolveInventory(loaded, job)?.profile
}

function outcomeOf(before: Inventory, after: Inventory, drift: Drift, live: boolean): Outcome {
  const { changes, notCompared } = drift
  return {
    text: driftText(before, after, drift, live),
    json: (warnings) => ({
      ...{ before: before.id, after: live ? null : after.id, taken: [before.started, after.started] },
      ...{ same: changes.length === 0 && notCompared.length === 0, changes, notCompared, warnings },
    }),
  }
}
