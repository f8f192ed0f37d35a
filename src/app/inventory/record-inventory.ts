import type { LifeboatError } from '../../core/errors.ts'
import { toLifeboatError } from '../../core/errors.ts'
import type { Signer } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import type { Stage } from '../../core/stage.ts'
import { sealRecord, storeSealed } from '../sealed-record.ts'
import type { Inventory } from './record.ts'
import { inventoryKind } from './store.ts'
import { type InventoryRequest, takeInventory } from './take-inventory.ts'

export interface RecordInventoryRequest extends InventoryRequest {
  readonly sinks: readonly Sink[]
  readonly stages: readonly Stage[]
  readonly signer: Signer | undefined
}

export interface RecordedInventory {
  readonly inventory: Inventory
  readonly key: string
  readonly bytes: number
  /** One for each sink, in order; the error of one holds up no other. */
  readonly places: readonly { readonly sink: string; readonly error?: LifeboatError }[]
}

/** Takes an inventory and stores it, the same bytes at every sink. Throws where none of them took it. */
export async function recordInventory(
  request: RecordInventoryRequest,
  signal: AbortSignal,
): Promise<RecordedInventory> {
  const inventory = await takeInventory(request, signal)
  const sealed = await sealRecord(inventoryKind, inventory, request, signal)
  const places: { sink: string; error?: LifeboatError }[] = []
  for (const sink of request.sinks) {
    try {
      await storeSealed(sink, sealed, signal)
      places.push({ sink: sink.name })
    } catch (thrown) {
      if (signal.aborted) throw thrown
      places.push({ sink: sink.name, error: toLifeboatError(thrown) })
    }
  }
  const [first] = places
  if (first?.error !== undefined && places.every(({ error }) => error !== undefined)) throw first.error
  return { inventory, key: sealed.key, bytes: sealed.bytes.length, places }
}
