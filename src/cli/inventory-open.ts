import type { Inventory } from '../app/inventory/record.ts'
import { inventoryKind } from '../app/inventory/store.ts'
import { createDecoders, openSink } from '../app/registry.ts'
import { findRecord, type OpenedRecord, openRecord, type RecordAccess } from '../app/sealed-record.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { InventoryOptions } from './inventory.ts'
import type { VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

export interface InventoryPlace extends AsyncDisposable {
  readonly sink: Sink
  readonly access: RecordAccess
  readonly trust: SignatureTrust | undefined
  open(id: string | undefined): Promise<OpenedRecord<Inventory>>
}

/** Where inventories are read. The passphrase of the key is asked for once, and only when one is opened. */
export async function openPlace(options: InventoryOptions, context: VerbContext): Promise<InventoryPlace> {
  const address = await sinkAddress(options.at, '--at', options, context)
  const { trust } = await readTrust(options, context)
  const passphrase = context.secret('--passphrase', options.passphrase, 'passphrase of the OpenPGP key')
  const { key: keys = [], gpg = false } = options
  const { searchPath } = context.environment
  const access: RecordAccess = {
    trust,
    decoders: (names, what) => createDecoders(names, what, { keys, passphrase, gpg, searchPath }),
  }
  const sink = await openSink(address.url, address.context)
  return {
    ...{ sink, access, trust },
    async open(id) {
      const name = await findRecord(sink, inventoryKind, { job: options.job, id }, context.signal)
      return openRecord(sink, inventoryKind, name, access, context.signal)
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }
}
