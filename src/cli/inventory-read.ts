import { keyNames, openAudit, recorded } from './audit-log.ts'
import type { InventoryOptions } from './inventory.ts'
import { openPlace } from './inventory-open.ts'
import { inventoryText } from './inventory-text.ts'
import type { Outcome, VerbContext } from './run-verb.ts'

export async function show(
  id: string | undefined,
  options: InventoryOptions,
  context: VerbContext,
): Promise<Outcome> {
  await using place = await openPlace(options, context)
  const log = await openAudit(options, context)
  const { job } = options
  const facts = {
    ...{ verb: 'inventory', options: ['show'], sinks: [place.sink.name] },
    ...(job !== undefined && { job }),
    keys: await keyNames(log, options),
  }
  return await recorded(
    log,
    facts,
    async () => {
      const { record, signedBy } = await place.open(id)
      return {
        text: inventoryText(record, signedBy?.fingerprint),
        json: (warnings) => ({
          ...record,
          ...{ sink: place.sink.name, signedBy: signedBy?.fingerprint ?? null, warnings },
        }),
      }
    },
    context,
  )
}
