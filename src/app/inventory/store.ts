import { layout } from '../../core/backup-layout.ts'
import type { RecordKind } from '../sealed-record.ts'
import { type Inventory, inventorySchema } from './record.ts'

/** Where an inventory of no job lies. */
export const NO_JOB = 'inventory'

export const inventoryKind: RecordKind<Inventory> = {
  noun: 'inventory',
  madeBy: 'lifeboat inventory --source REGION --to SINK',
  schema: inventorySchema,
  key: layout.inventory,
  folder: layout.inventoryOf,
}
