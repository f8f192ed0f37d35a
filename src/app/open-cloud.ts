import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import { needRegions, type WayFlags } from '../runbooks/way-flags.ts'

/** Where a way out is run, and by which clock. */
export interface Cloud extends Disposable {
  readonly ports: CloudPorts
  readonly clock: Clock
  /** What the flags leave open and a simulated cloud can fill. */
  readonly flags: WayFlags
}

/** A cloud in memory that has such a database; `lone-cluster` is in no global database. */
export type SimulatedKind = 'instance' | 'cluster' | 'lone-cluster'

export interface CloudRequest {
  readonly flags: WayFlags
  readonly simulate?: SimulatedKind
  /** What goes wrong in it. */
  readonly faults: readonly string[]
  /** Of the AWS files. */
  readonly profile?: string
  /** File with an inventory that stands for the source region, where that gives no answer. */
  readonly inventory?: string
}

export async function openCloud(request: CloudRequest): Promise<Cloud> {
  const { inventory } = request
  if (inventory === undefined) return openLive(request)
  const [{ readPlain }, { inventoryPorts }] = await Promise.all([
    import('./inventory/read-plain.ts'),
    import('./inventory/inventory-ports.ts'),
  ])
  const { source } = needRegions(request.flags)
  const record = await readPlain(inventory)
  if (record.source !== source) {
    throw new LifeboatError(
      'usage',
      `unable to start: inventory '${inventory}' is of ${record.source}, not of ${source}`,
      {
        hint: 'Name one of the region that --source names.',
      },
    )
  }
  const cloud = await openLive(request)
  return { ...cloud, ports: { ...cloud.ports, source: inventoryPorts(record) } }
}

async function openLive({ flags, simulate, faults, profile }: CloudRequest): Promise<Cloud> {
  if (simulate !== undefined) {
    const { simulateCloud } = await import('./simulate-cloud.ts')
    return simulateCloud(flags, simulate, faults)
  }
  if (faults.length > 0) {
    throw new LifeboatError('usage', 'unable to start: --fault is of --simulate only', {
      hint: 'Add --simulate to rehearse, or leave out --fault.',
    })
  }
  const ports = await openAws(flags, profile)
  return { ports, clock: systemClock, flags, [Symbol.dispose]: () => ports[Symbol.dispose]() }
}

async function openAws(flags: WayFlags, profile: string | undefined): Promise<CloudPorts & Disposable> {
  const [{ openCloud: open }, { createUnloggedDatabase }] = await Promise.all([
    import('../aws/index.ts'),
    import('./unlogged-database.ts'),
  ])
  return open({ ...needRegions(flags), ...(profile !== undefined && { profile }) }, createUnloggedDatabase())
}
