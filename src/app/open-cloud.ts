import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { DatabasePort } from '../runbooks/ports/database.ts'
import type { NativeRestorePort } from '../runbooks/ports/native-restore.ts'
import type { RowCountPort } from '../runbooks/ports/row-counts.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import type { KeptAccounts } from '../runbooks/source-accounts.ts'
import { needOneDb, needRegions, type WayFlags } from '../runbooks/way-flags.ts'
import type { DatabaseLogin } from './logged-database.ts'

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
  /** Whether the inventory stands for all that is asked of the source region, or only fills in what that does not say. */
  readonly inventoryStands?: boolean
  /** File that says who could do what at the old database, where that gives no answer. */
  readonly accounts?: string
  readonly native?: NativeRestorePort
  readonly rows?: RowCountPort
  /** Who logs in to the databases; else they are only knocked at. */
  readonly login?: DatabaseLogin
}

export async function openCloud(request: CloudRequest): Promise<Cloud> {
  const { native, rows } = request
  const rememberedAccounts = await keptAccounts(request)
  const cloud = await openRegions(request)
  const more = {
    ...(native !== undefined && { native }),
    ...(rows !== undefined && { rows }),
    ...(rememberedAccounts && { rememberedAccounts }),
  }
  return { ...cloud, ports: { ...cloud.ports, ...more } }
}

async function keptAccounts({ accounts, flags }: CloudRequest): Promise<KeptAccounts | undefined> {
  if (accounts === undefined) return undefined
  const { readAccounts } = await import('./read-accounts.ts')
  return readAccounts(accounts, `${needRegions(flags).source}/${needOneDb(flags, 'accounts')}`)
}

async function openRegions(request: CloudRequest): Promise<Cloud> {
  const { inventory, inventoryStands = true } = request
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
  const remembered = inventoryPorts(record)
  return { ...cloud, ports: { ...cloud.ports, remembered, ...(inventoryStands && { source: remembered }) } }
}

async function openLive({ flags, simulate, faults, profile, login }: CloudRequest): Promise<Cloud> {
  if (simulate !== undefined) {
    const { simulateCloud } = await import('./simulate-cloud.ts')
    return simulateCloud(flags, simulate, faults)
  }
  if (faults.length > 0) {
    throw new LifeboatError('usage', 'unable to start: --fault is of --simulate only', {
      hint: 'Add --simulate to rehearse, or leave out --fault.',
    })
  }
  const ports = await openAws(flags, profile, await openDatabase(login))
  return { ports, clock: systemClock, flags, [Symbol.dispose]: () => ports[Symbol.dispose]() }
}

export async function openDatabase(login: DatabaseLogin | undefined): Promise<DatabasePort> {
  if (login !== undefined) return (await import('./logged-database.ts')).createLoggedDatabase(login)
  return (await import('./unlogged-database.ts')).createUnloggedDatabase()
}

async function openAws(
  flags: WayFlags,
  profile: string | undefined,
  database: DatabasePort,
): Promise<CloudPorts & Disposable> {
  const { openCloud: open } = await import('../aws/index.ts')
  return open({ ...needRegions(flags), ...(profile !== undefined && { profile }) }, database)
}
